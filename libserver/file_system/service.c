/* The half of a file system's service that is the same for all: sessions, the clients' memory, dispatch, directory entries. */
#include <errno.h>
#include <string.h>

#include "file_system.h"

#include <servers/rtc/rtc.h>

#define STACK_BYTES 32768u
#define ENTRY_ALIGNMENT 4u

/* A VFS that ended may have requests under way for long: its session, and so its clients and volumes, last until they are over.
 * The next VFS comes with a session, clients and volumes of its own meanwhile. */
#define SESSIONS 2u

/* Memory of a client of the VFS. It is unmapped when it was detached and nobody copies any more. */
struct client {
    const session_t *owner;
    uint8_t *base;          /* NULL: not attached */
    uint32_t bytes;
    handle_t memory;
    uint32_t uses;
    bool detached;
};

struct volume {
    const session_t *owner;
    uint32_t number;        /* 0: free */
};

static struct client clients[SESSIONS * FILE_SYSTEM_CLIENTS];
static struct volume volumes[FILE_SYSTEM_VOLUMES]; /* mounted */
static struct lock clients_lock, operations_lock; /* the first over the volumes too */
static bool serial;
static const file_system_operation_t *table;

/* ---- memory of clients ---- */

static void unmap(const struct client *client)
{
    pages_unmap(client->base, client->bytes / PAGE_SIZE);
    handle_close(client->memory);
}

static void detach(struct client *client)
{
    struct client old = *client;
    if (!client->base)
        return;
    if (client->uses > 0) {
        client->detached = true;
        return;
    }
    *client = (struct client){ 0 };
    unmap(&old);
}

/* The client's entry; NULL: none. Owner NULL: a free one. */
static struct client *find_client(const session_t *owner, uint32_t number)
{
    for (uint32_t i = number; number < FILE_SYSTEM_CLIENTS && i < COUNT(clients); i += FILE_SYSTEM_CLIENTS)
        if (clients[i].owner == owner)
            return &clients[i];
    return NULL;
}

static status_t attach(struct client *client, const session_t *owner, handle_t memory)
{
    uint32_t pages;
    void *base;
    status_t status = memory_given(memory, &pages);
    if (status == OK)
        status = pages_map(memory, pages, PROTECT_READ | PROTECT_WRITE, &base);
    if (status == OK)
        *client = (struct client){ .owner = owner, .base = base, .bytes = pages * PAGE_SIZE, .memory = memory };
    return status;
}

/* E_BUSY: a request still works on the memory that was there before; the VFS asks again. */
static status_t replace_memory(const session_t *owner, uint32_t number, handle_t memory)
{
    struct client *client = find_client(owner, number);
    if (client)
        detach(client);
    if (client && client->base)
        return E_BUSY;
    if (memory == HANDLE_NONE)
        return OK;
    client = find_client(NULL, number);
    return client ? attach(client, owner, memory) : E_BUSY;
}

static reply_t attach_method(const request_t *rq)
{
    session_t *session = session_hold(rq);
    status_t status = session ? rq->word < FILE_SYSTEM_CLIENTS ? OK : E_BAD_ARGUMENT : E_BAD_STATE;
    lock_acquire(&clients_lock);
    if (status == OK)
        status = replace_memory(session, rq->word, rq->handle);
    lock_release(&clients_lock);
    if (session)
        session_release(session);
    if (status != OK && rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_error(status);
}

/* Address of the request's data, held; NULL when they are not inside the client's memory. */
static void *hold_data(const session_t *owner, const struct file_system_request *request, struct client **held)
{
    void *data = NULL;
    lock_acquire(&clients_lock);
    struct client *client = find_client(owner, request->client);
    if (client && !client->detached && request->data <= client->bytes && request->length <= client->bytes - request->data) {
        client->uses++;
        data = client->base + request->data;
    }
    lock_release(&clients_lock);
    *held = client;
    return data;
}

static void release_data(struct client *client)
{
    lock_acquire(&clients_lock);
    if (--client->uses == 0 && client->detached)
        detach(client);
    lock_release(&clients_lock);
}

/* ---- dispatch ---- */

static bool has_data(uint32_t method)
{
    return method == FILE_SYSTEM_READ || method == FILE_SYSTEM_WRITE || method == FILE_SYSTEM_READ_DIRECTORY;
}

static bool writes(uint32_t method)
{
    switch (method) {
    case FILE_SYSTEM_WRITE: case FILE_SYSTEM_CREATE: case FILE_SYSTEM_REMOVE: case FILE_SYSTEM_RENAME: case FILE_SYSTEM_LINK:
    case FILE_SYSTEM_TRUNCATE: case FILE_SYSTEM_SET_ATTRIBUTES:
        return true;
    default:
        return false;
    }
}

static int call(uint32_t method, struct file_system_request *request, void *data)
{
    if (!serial)
        return table[method](request, data);
    lock_acquire(&operations_lock);
    int error = table[method](request, data);
    lock_release(&operations_lock);
    return error;
}

/* ---- volumes: they end with the session that has mounted them ---- */

static struct volume *find_volume(uint32_t number)
{
    for (uint32_t i = 0; i < FILE_SYSTEM_VOLUMES; i++)
        if (volumes[i].number == number)
            return &volumes[i];
    return NULL;
}

/* EBUSY: the number is in use, perhaps by an earlier VFS. */
static int enter_volume(const session_t *owner, uint32_t number)
{
    lock_acquire(&clients_lock);
    struct volume *volume = find_volume(0);
    int error = !volume ? ENFILE : find_volume(number) ? EBUSY : 0;
    if (!error)
        *volume = (struct volume){ owner, number };
    lock_release(&clients_lock);
    return error;
}

static void leave_volume(uint32_t number)
{
    lock_acquire(&clients_lock);
    struct volume *volume = find_volume(number);
    if (volume)
        volume->number = 0;
    lock_release(&clients_lock);
}

static bool is_mounted(const session_t *owner, uint32_t number)
{
    const struct volume *volume = find_volume(number);
    return number && volume && volume->owner == owner;
}

static void unmount_by_force(uint32_t number)
{
    struct file_system_request request = { .volume = number, .flags = FILE_SYSTEM_FORCE };
    call(FILE_SYSTEM_UNMOUNT, &request, NULL);
    leave_volume(number);
}

/* No request of it is left. */
void server_session_ended(uint32_t badge, session_t *session)
{
    (void)badge;
    for (uint32_t i = 0; i < FILE_SYSTEM_VOLUMES; i++)
        if (is_mounted(session, volumes[i].number))
            unmount_by_force(volumes[i].number);
    lock_acquire(&clients_lock);
    for (uint32_t i = 0; i < COUNT(clients); i++)
        if (clients[i].owner == session)
            detach(&clients[i]);
    lock_release(&clients_lock);
}

/* ---- requests ---- */

static int mount(const session_t *session, struct file_system_request *request)
{
    uint32_t number = request->volume;
    int error = enter_volume(session, number);
    if (error)
        return error;
    error = call(FILE_SYSTEM_MOUNT, request, NULL);
    if (error)
        leave_volume(number);
    return error;
}

static int unmount(struct file_system_request *request)
{
    uint32_t number = request->volume;
    int error = call(FILE_SYSTEM_UNMOUNT, request, NULL);
    if (!error)
        leave_volume(number);
    return error;
}

static int transfer(const session_t *session, uint32_t method, struct file_system_request *request)
{
    struct client *client;
    void *data = hold_data(session, request, &client);
    if (!data)
        return EFAULT;
    int error = call(method, request, data);
    release_data(client);
    return error;
}

static int run(const session_t *session, uint32_t method, struct file_system_request *request)
{
    if (!table[method])
        return writes(method) ? EROFS : ENOTSUP;
    if (method != FILE_SYSTEM_MOUNT && !is_mounted(session, request->volume))
        return ESTALE;
    request->name[FILE_SYSTEM_NAME - 1] = '\0';
    request->text[VFS_PATH - 1] = '\0';
    if (method == FILE_SYSTEM_MOUNT)
        return mount(session, request);
    if (method == FILE_SYSTEM_UNMOUNT)
        return unmount(request);
    return has_data(method) ? transfer(session, method, request) : call(method, request, NULL);
}

static reply_t operation(const request_t *rq)
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    struct file_system_request *request = session_slot(session, rq->word);
    status_t status = E_BAD_ARGUMENT;
    if (request && session->slot_size >= sizeof(*request))
        status = run(session, rq->method, request);
    session_release(session);
    return reply_error(status);
}

int file_system_run(const file_system_operation_t operations[FILE_SYSTEM_METHODS], bool one_at_a_time)
{
    static method_t methods[FILE_SYSTEM_METHODS] = { server_session_open, attach_method };
    for (uint32_t i = FILE_SYSTEM_MOUNT; i < FILE_SYSTEM_METHODS; i++)
        methods[i] = operation;
    table = operations;
    serial = one_at_a_time;
    status_t status = lock_init(&clients_lock);
    if (status == OK)
        status = lock_init(&operations_lock);
    if (status != OK)
        return status;
    return server_run(NULL, methods, FILE_SYSTEM_METHODS, .stack = STACK_BYTES, .count_calls = true,
                      .handles = ENDPOINT_TAKES_HANDLE(FILE_SYSTEM_SESSION) | ENDPOINT_TAKES_HANDLE(FILE_SYSTEM_ATTACH));
}

/* ---- helpers ---- */

bool file_system_add_entry(void *data, uint32_t *used, uint32_t room, uint32_t inode, uint32_t mode, const char *name,
                           uint32_t name_length)
{
    uint32_t bytes = (sizeof(struct vfs_entry) + name_length + 1 + ENTRY_ALIGNMENT - 1) & ~(ENTRY_ALIGNMENT - 1);
    struct vfs_entry *entry = (struct vfs_entry *)((uint8_t *)data + *used);
    if (name_length > UINT8_MAX || bytes > room - *used)
        return false;
    *entry = (struct vfs_entry){ inode, (uint16_t)bytes, (uint8_t)(mode >> 12 & 15), (uint8_t)name_length };
    memcpy(entry->name, name, name_length);
    entry->name[name_length] = '\0';
    *used += bytes;
    return true;
}

/* Without a clock, files are from 1970. The difference to the machine's uptime is asked for once. */
uint32_t file_system_now(void)
{
    static uint32_t at_boot;
    static bool asked;
    uint32_t uptime = 0, now = 0;
    handle_t clock;
    system_info(INFO_UPTIME_MS, &uptime);
    if (!asked) {
        status_t status = service_find("rtc", &clock);
        if (status == OK) {
            status = rtc_now(clock, &now);
            handle_close(clock);
        }
        if (status == OK)
            at_boot = now - uptime / 1000;
        asked = status != E_PEER_DIED; /* that one will be there again */
    }
    return at_boot + uptime / 1000;
}
