/* Clients and their open files. A client's files are closed when its session ends, by whatever end.
 *
 * The number of a file tells in which life of ours it was opened, so that one from an earlier life is never taken for another. */
#include <errno.h>

#include "internal.h"

struct client {
    bool used;
    struct file files[FILES_PER_CLIENT];
};

#define LIVES (1u << 24)

static struct client clients[FILE_SYSTEM_CLIENTS];
static struct lock lock; /* over all of it; not held over calls */
static uint32_t life;    /* the uptime in milliseconds when it began */

status_t files_init(void)
{
    system_info(INFO_UPTIME_MS, &life);
    life %= LIVES;
    return lock_init(&lock);
}

uint32_t client_number(const struct client *client)
{
    return (uint32_t)(client - clients);
}

/* ---- files ---- */

void file_begin(struct operation *operation, const struct file *file)
{
    operation_begin(operation, file->mount->provider, &file->volume);
    operation->request->node = file->node;
    operation->request->generation = file->generation;
}

/* Said once: a file system that has ended needs not be told. */
static void tell_closed(const struct file *file)
{
    struct operation operation;
    file_begin(&operation, file);
    operation_close(&operation);
    operation_end(&operation);
}

static struct file *take_free(struct client *client)
{
    for (uint32_t i = 0; i < FILES_PER_CLIENT; i++)
        if (!client->files[i].mount)
            return &client->files[i];
    return NULL;
}

/* Held: another thread of the client may guess its number and close it before we are through. */
static struct file *enter(struct client *client, struct place place, uint32_t flags)
{
    lock_acquire(&lock);
    struct file *file = take_free(client);
    if (file)
        *file = (struct file){ .mount = place.mount, .volume = place.volume, .node = place.node, .generation = place.generation,
                               .flags = flags, .uses = 1 };
    lock_release(&lock);
    return file;
}

/* Opens it on the mount's new volume, if that has still the same file. */
static status_t renew(struct file *file, uint32_t volume)
{
    struct provider *provider = file->mount->provider;
    provider_request(provider, volume, file->node, file->generation);
    status_t status = provider_call(provider, FILE_SYSTEM_OPEN);
    if (status == OK)
        file->volume = volume;
    return status < 0 ? status : OK;
}

/* The provider may have been restarted before the file was entered, so that nobody has opened it again. */
static void check_entered(struct file *file)
{
    struct mount *mount = file->mount;
    if (file->volume == mount->volume)
        return;
    provider_lock(mount->provider);
    if (file->volume != mount->volume && mount->volume)
        renew(file, mount->volume);
    provider_unlock(mount->provider);
}

int client_file_open(struct client *client, struct place place, uint32_t flags, bool shortened, uint32_t *number)
{
    struct operation operation;
    int error = mount_hold(place);
    if (error)
        return error;
    place_begin(&operation, place);
    error = operation_call(&operation, FILE_SYSTEM_OPEN);
    struct file *file = error ? NULL : enter(client, place, flags);
    if (!error && !file) {
        operation_close(&operation);
        error = EMFILE;
    }
    operation_end(&operation);
    if (error) {
        mount_release(place.mount);
        return error;
    }
    if (shortened)
        file_note_written(file, place.volume);
    check_entered(file);
    *number = life * FILES_PER_CLIENT + (uint32_t)(file - client->files);
    client_file_release(file);
    return 0;
}

static struct file *hold(struct file *file)
{
    lock_acquire(&lock);
    if (!file->mount || file->closed)
        file = NULL;
    if (file)
        file->uses++;
    lock_release(&lock);
    return file;
}

int client_file_hold(struct client *client, uint32_t number, struct file **file)
{
    if (number / FILES_PER_CLIENT != life)
        return number / FILES_PER_CLIENT < LIVES ? ESTALE : EBADF;
    *file = hold(&client->files[number % FILES_PER_CLIENT]);
    return *file ? 0 : EBADF;
}

static void forget(struct file *file)
{
    mount_release(file->mount);
    file->mount = NULL;
}

/* True: it was closed meanwhile, and the caller ends it. */
static bool let_go(struct file *file)
{
    lock_acquire(&lock);
    bool last = --file->uses == 0 && file->closed;
    lock_release(&lock);
    return last;
}

void client_file_release(struct file *file)
{
    if (!let_go(file))
        return;
    tell_closed(file);
    forget(file);
}

/* Held once by the closer itself, so that the file ends with whoever lets go of it last. */
static void close_held(struct file *file)
{
    lock_acquire(&lock);
    file->closed = true;
    lock_release(&lock);
    client_file_release(file);
}

int client_file_close(struct client *client, uint32_t number)
{
    struct file *file;
    int error = client_file_hold(client, number, &file);
    if (error)
        return error;
    error = file_take_loss(file) ? EIO : 0;
    close_held(file);
    return error;
}

/* ---- what was written and may be lost ---- */

void file_note_written(struct file *file, uint32_t volume)
{
    lock_acquire(&lock);
    file->lost |= file->written && file->written != volume;
    file->written = volume;
    lock_release(&lock);
}

bool file_take_loss(struct file *file)
{
    lock_acquire(&lock);
    bool other = file->written && file->written != file->mount->volume;
    bool lost = file->lost || other;
    file->lost = false;
    if (other)
        file->written = 0;
    lock_release(&lock);
    return lost;
}

static void for_each_file(const struct mount *mount, void (*what)(struct file *file, uint32_t volume), uint32_t volume)
{
    lock_acquire(&lock);
    for (uint32_t i = 0; i < FILE_SYSTEM_CLIENTS * FILES_PER_CLIENT; i++) {
        struct client *client = &clients[i / FILES_PER_CLIENT];
        if (!client->used)
            i |= FILES_PER_CLIENT - 1;
        else if (client->files[i % FILES_PER_CLIENT].mount == mount)
            what(&client->files[i % FILES_PER_CLIENT], volume);
    }
    lock_release(&lock);
}

static void sync_begins(struct file *file, uint32_t unused)
{
    (void)unused;
    file->syncing = file->written;
    file->written = 0;
}

static void sync_ends(struct file *file, uint32_t volume)
{
    file->lost |= file->syncing && file->syncing != volume;
    file->syncing = 0;
}

void files_sync_begins(const struct mount *mount)
{
    for_each_file(mount, sync_begins, 0);
}

void files_sync_ends(const struct mount *mount, uint32_t volume)
{
    for_each_file(mount, sync_ends, volume);
}

/* ---- after a restart of their file system ---- */

/* Those that are about to be closed anyway are left alone. */
static bool is_held_open(const struct file *file, const struct mount *mount)
{
    return file->mount == mount && !(file->closed && file->uses == 0);
}

status_t files_renew(struct mount *mount, uint32_t volume)
{
    status_t status = OK;
    for (uint32_t i = 0; i < FILE_SYSTEM_CLIENTS * FILES_PER_CLIENT && status == OK; i++) {
        struct client *client = &clients[i / FILES_PER_CLIENT];
        struct file *file = &client->files[i % FILES_PER_CLIENT];
        lock_acquire(&lock);
        bool open = client->used && is_held_open(file, mount);
        file->uses += open;
        lock_release(&lock);
        if (!open)
            continue;
        status = renew(file, volume);
        if (let_go(file)) {
            provider_request(mount->provider, file->volume, file->node, file->generation);
            provider_call(mount->provider, FILE_SYSTEM_CLOSE);
            forget(file);
        }
    }
    return status;
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
        if (hold(&client->files[i]))
            close_held(&client->files[i]);
    providers_forget(client_number(client));
    client->used = false;
}
