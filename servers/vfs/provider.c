/* The services that implement file systems: sessions with them, requests to them, the clients' memory passed on to them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "internal.h"

#define PROVIDERS 8u
#define TRIES 8u            /* of a request, when its provider ends again and again: perhaps because of it */
#define ATTACH_TRIES 100u
#define PAUSE 1000u         /* microseconds */
#define OWN_SLOT WORKERS_MAX
#define HEAD offsetof(struct file_system_request, attributes)
#define COPY(to, from) __builtin_memcpy(to, from, HEAD) /* a few moves; memcpy() would be a call */

struct provider {
    struct connection connection; /* WORKERS_MAX slots, and OWN_SLOT */
    char name[STARTUP_NAME];
    struct lock lock;       /* over what follows; not held over calls */
    uint32_t busy;          /* bit n: slot n is in use */
    uint32_t life;          /* of the service: how often it was started again */
    uint64_t attached;      /* bit n: it has the memory of client n */
    struct lock attaching;  /* one client's memory is sent at a time */
};

static struct provider providers[PROVIDERS];
static uint32_t provider_count;
static struct lock adding;  /* of providers, one at a time */

static int error_of(status_t status)
{
    if (status >= 0)
        return status;
    switch (status) {
    case E_NO_MEMORY: return ENOMEM;
    case E_BAD_ARGUMENT: return EINVAL;
    case E_NO_RIGHT: return EACCES;
    case E_NOT_SUPPORTED: case E_NO_METHOD: return ENOTSUP;
    case E_TIMED_OUT: return ETIMEDOUT;
    default: return EIO;
    }
}

/* ---- providers ---- */

/* A new instance knows of no volume, no open file and no memory of clients. */
static status_t renewed(struct connection *connection)
{
    struct provider *provider = (struct provider *)connection;
    print("vfs: %s was started again\n", provider->name);
    lock_acquire(&provider->lock);
    provider->attached = 0;
    provider->life++;
    lock_release(&provider->lock);
    return mounts_renew(provider);
}

status_t providers_init(void)
{
    return lock_init(&adding);
}

/* Those of a provider that could not be reached stay for the next. */
static status_t make_locks(struct provider *provider)
{
    struct lock *const locks[] = { &provider->connection.lock, &provider->lock, &provider->attaching };
    status_t status = OK;
    for (uint32_t i = 0; i < COUNT(locks) && status == OK; i++)
        if (locks[i]->notification == HANDLE_NONE)
            status = lock_init(locks[i]);
    return status;
}

/* With what we merely use, such as the log, we may have a session already, which another one would end. */
static bool may_be_called(const char *name)
{
    const char *list = argument("calls");
    size_t length = strlen(name);
    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, name, length) == 0 && (list[length] == ',' || list[length] == '\0'))
            return true;
    }
    return false;
}

static status_t provider_add(const char *name)
{
    struct provider *provider = &providers[provider_count];
    if (provider_count == PROVIDERS || strlen(name) >= STARTUP_NAME || !may_be_called(name))
        return E_NOT_FOUND;
    strcpy(provider->name, name);
    provider->connection = (struct connection){ .service = provider->name, .slots = WORKERS_MAX + 1,
                                                .slot_size = FILE_SYSTEM_SLOT, .renewed = renewed,
                                                .lock = provider->connection.lock };
    status_t status = make_locks(provider);
    if (status == OK)
        status = connection_open(&provider->connection);
    provider_count += status == OK;
    return status;
}

int provider_find(const char *name, struct provider **found)
{
    status_t status = OK;
    uint32_t i = 0;
    lock_acquire(&adding);
    while (i < provider_count && strcmp(providers[i].name, name) != 0)
        i++;
    if (i == provider_count)
        status = provider_add(name);
    lock_release(&adding);
    *found = &providers[i];
    return status == OK ? 0 : ENODEV;
}

/* ---- memory of clients ---- */

static status_t send_memory(const struct provider *provider, uint32_t client, handle_t memory)
{
    handle_t copy;
    status_t status = handle_duplicate(memory, RIGHTS_ALL, 0, &copy);
    if (status != OK)
        return status;
    status = service_call_full(provider->connection.endpoint, FILE_SYSTEM_ATTACH, client, TIMEOUT_NEVER, copy, NULL, NULL);
    if (status != OK)
        handle_close(copy); /* it may have gone to the service, which is as good */
    return status;
}

static void note_attached(struct provider *provider, uint32_t client, uint32_t life)
{
    lock_acquire(&provider->lock);
    if (provider->life == life)
        provider->attached |= 1ull << client;
    lock_release(&provider->lock);
}

/* E_BUSY: it still works for the client that had this number before. E_BAD_STATE: it has no session with us; the same request
 * with nothing attached opens one. */
static status_t attach_new(struct provider *provider, uint32_t client, handle_t memory)
{
    status_t status = E_BUSY;
    for (uint32_t i = 0; i < ATTACH_TRIES && (status == E_BUSY || status == E_BAD_STATE); i++) {
        uint32_t life = provider->life;
        status = send_memory(provider, client, memory);
        if (status == OK)
            note_attached(provider, client, life);
        else if (status == E_BUSY)
            sleep_microseconds(PAUSE);
        else if (status == E_BAD_STATE)
            connection_call(&provider->connection, FILE_SYSTEM_ATTACH, client, NULL);
    }
    return status;
}

static bool is_attached(const struct provider *provider, uint32_t client)
{
    return provider->attached & 1ull << client;
}

static status_t attach(struct provider *provider, const session_t *session)
{
    uint32_t client = client_number(session->context);
    if (is_attached(provider, client))
        return OK;
    lock_acquire(&provider->attaching);
    status_t status = is_attached(provider, client) ? OK : attach_new(provider, client, session->memory);
    lock_release(&provider->attaching);
    return status;
}

void providers_forget(uint32_t client)
{
    for (uint32_t i = 0; i < provider_count; i++) {
        struct provider *provider = &providers[i];
        if (is_attached(provider, client))
            service_call(provider->connection.endpoint, FILE_SYSTEM_ATTACH, client, NULL);
        lock_acquire(&provider->lock);
        provider->attached &= ~(1ull << client);
        lock_release(&provider->lock);
    }
}

/* ---- requests ---- */

void operation_begin(struct operation *operation, struct provider *provider, const uint32_t *volume)
{
    lock_acquire(&provider->lock);
    while (provider->busy == UINT32_MAX) { /* more workers than slots */
        lock_release(&provider->lock);
        sleep_microseconds(PAUSE);
        lock_acquire(&provider->lock);
    }
    operation->provider = provider;
    operation->volume = volume ? volume : &operation->fixed;
    operation->client = NULL;
    operation->slot = (uint32_t)__builtin_ctz(~provider->busy);
    provider->busy |= 1u << operation->slot;
    lock_release(&provider->lock);
    operation->request = session_slot(&provider->connection.session, operation->slot);
    memset(operation->request, 0, offsetof(struct file_system_request, name));
}

void operation_end(struct operation *operation)
{
    lock_acquire(&operation->provider->lock);
    operation->provider->busy &= ~(1u << operation->slot);
    lock_release(&operation->provider->lock);
}

static bool may_be_repeated(enum file_system_method method, uint32_t flags)
{
    switch (method) {
    case FILE_SYSTEM_CREATE: case FILE_SYSTEM_REMOVE: case FILE_SYSTEM_RENAME: case FILE_SYSTEM_LINK: case FILE_SYSTEM_UNMOUNT:
        return false;
    case FILE_SYSTEM_WRITE:
        return !(flags & O_APPEND);
    default:
        return true;
    }
}

/* The volume's number is read before all else, since it changes after all else. */
static status_t try(struct operation *operation, enum file_system_method method)
{
    operation->used = operation->request->volume = *operation->volume;
    status_t status = operation->client ? attach(operation->provider, operation->client) : OK;
    return status == OK ? connection_call(&operation->provider->connection, method, operation->slot, NULL) : status;
}

/* Whether the volume has got another number, now or soon. */
static bool volume_changed(const struct operation *operation)
{
    mounts_settle(operation->provider);
    return *operation->volume != operation->used;
}

/* What the request says lies in its head, but for names and attributes, which nobody changes. */
int operation_call(struct operation *operation, enum file_system_method method)
{
    uint8_t head[HEAD];
    status_t status;
    COPY(head, operation->request);
    for (uint32_t ends = 0;;) {
        status = try(operation, method);
        if (status == OK)
            return 0;
        if (status == E_PEER_DIED && !may_be_repeated(method, operation->request->flags))
            return OUTCOME_UNKNOWN;
        if (status != E_PEER_DIED && (status != ESTALE || !volume_changed(operation)))
            return status == ESTALE && operation->volume == &operation->fixed ? PLACE_GONE : error_of(status);
        if (status == E_PEER_DIED && ++ends == TRIES)
            return EIO;
        COPY(operation->request, head);
    }
}

void operation_close(const struct operation *operation)
{
    operation->request->volume = *operation->volume;
    service_call(operation->provider->connection.endpoint, FILE_SYSTEM_CLOSE, operation->slot, NULL);
}

int operation_transfer(struct operation *operation, enum file_system_method method, const session_t *session, uint32_t offset,
                       uint32_t length)
{
    operation->client = session;
    operation->request->client = client_number(session->context);
    operation->request->data = offset;
    operation->request->length = length;
    return operation_call(operation, method);
}

/* ---- our own slot ---- */

void provider_lock(struct provider *provider)
{
    lock_acquire(&provider->connection.lock);
}

void provider_unlock(struct provider *provider)
{
    lock_release(&provider->connection.lock);
}

struct file_system_request *provider_request(struct provider *provider, uint32_t volume, uint32_t node, uint32_t generation)
{
    struct file_system_request *request = session_slot(&provider->connection.session, OWN_SLOT);
    memset(request, 0, sizeof(*request));
    request->volume = volume;
    request->node = node;
    request->generation = generation;
    return request;
}

status_t provider_call(struct provider *provider, enum file_system_method method)
{
    return service_call(provider->connection.endpoint, method, OWN_SLOT, NULL);
}
