/* Clients and their open files. A client's files are closed when its session ends, by whatever end. */
#include <errno.h>

#include "internal.h"

struct client {
    bool used;
    struct file files[FILES_PER_CLIENT];
};

static struct client clients[FILE_SYSTEM_CLIENTS];
static struct lock lock; /* over all of it; not held over calls */

status_t files_init(void)
{
    return lock_init(&lock);
}

uint32_t client_number(const struct client *client)
{
    return (uint32_t)(client - clients);
}

static int tell(enum file_system_method method, struct place place)
{
    struct operation operation;
    place_begin(&operation, place);
    int error = operation_call(&operation, method);
    operation_end(&operation);
    return error;
}

/* ---- files ---- */

static struct file *take_free(struct client *client)
{
    for (uint32_t i = 0; i < FILES_PER_CLIENT; i++)
        if (!client->files[i].mount)
            return &client->files[i];
    return NULL;
}

int client_file_open(struct client *client, struct place place, uint32_t flags)
{
    mount_count(place.mount, 1);
    int error = tell(FILE_SYSTEM_OPEN, place);
    if (!error) {
        lock_acquire(&lock);
        struct file *file = take_free(client);
        if (file)
            *file = (struct file){ .mount = place.mount, .node = place.node, .flags = flags };
        lock_release(&lock);
        if (file)
            return (int)(file - client->files);
        tell(FILE_SYSTEM_CLOSE, place);
        error = EMFILE;
    }
    mount_count(place.mount, -1);
    return -error;
}

struct file *client_file_hold(struct client *client, uint32_t number)
{
    struct file *file = number < FILES_PER_CLIENT ? &client->files[number] : NULL;
    lock_acquire(&lock);
    if (file && (!file->mount || file->closed))
        file = NULL;
    if (file)
        file->uses++;
    lock_release(&lock);
    return file;
}

static void end_file(struct file *file)
{
    tell(FILE_SYSTEM_CLOSE, (struct place){ file->mount, file->node });
    mount_count(file->mount, -1);
    file->mount = NULL;
}

void client_file_release(struct file *file)
{
    lock_acquire(&lock);
    bool last = --file->uses == 0 && file->closed;
    lock_release(&lock);
    if (last)
        end_file(file);
}

/* Held once by the closer itself, so that the file ends with whoever lets go of it last. */
int client_file_close(struct client *client, uint32_t number)
{
    struct file *file = client_file_hold(client, number);
    if (!file)
        return EBADF;
    lock_acquire(&lock);
    file->closed = true;
    lock_release(&lock);
    client_file_release(file);
    return 0;
}

/* ---- clients ---- */

status_t server_session_began(uint32_t badge, session_t *session)
{
    (void)badge;
    if (session->slot_size <= VFS_HEADER)
        return E_BAD_ARGUMENT;
    lock_acquire(&lock);
    for (uint32_t i = 0; i < FILE_SYSTEM_CLIENTS && !session->context; i++) {
        if (!clients[i].used) {
            clients[i].used = true;
            session->context = &clients[i];
        }
    }
    lock_release(&lock);
    return session->context ? OK : E_NO_MEMORY;
}

void server_session_ended(uint32_t badge, session_t *session)
{
    struct client *client = session->context;
    (void)badge;
    for (uint32_t i = 0; i < FILES_PER_CLIENT; i++)
        client_file_close(client, i);
    providers_forget(client_number(client));
    client->used = false;
}
