/* The services that implement file systems: sessions with them, requests to them, the clients' memory passed on to them. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define PROVIDERS 8u
#define ATTACH_TRIES 100u
#define PAUSE 1000u /* microseconds */

struct provider {
    char name[STARTUP_NAME];
    handle_t endpoint;
    session_t session;      /* WORKERS_MAX slots */
    uint32_t busy;          /* bit n: slot n is in use */
    uint64_t attached;      /* bit n: it has the memory of client n */
};

static struct provider providers[PROVIDERS];
static uint32_t provider_count;
static struct lock lock;    /* over all of the above; not held over calls, but for making a provider known */

int error_of(status_t status)
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

static status_t provider_add(const char *name)
{
    struct provider *provider = &providers[provider_count];
    if (provider_count == PROVIDERS || strlen(name) >= STARTUP_NAME)
        return E_NOT_FOUND;
    status_t status = service_find(name, &provider->endpoint);
    if (status != OK)
        return status;
    status = session_open(&provider->session, provider->endpoint, WORKERS_MAX, FILE_SYSTEM_SLOT, 0);
    if (status != OK) {
        handle_close(provider->endpoint);
        return status;
    }
    strcpy(provider->name, name);
    provider_count++;
    return OK;
}

int provider_find(const char *name, struct provider **found)
{
    status_t status = OK;
    uint32_t i = 0;
    if (lock.notification == HANDLE_NONE && lock_init(&lock) != OK)
        return ENOMEM;
    lock_acquire(&lock);
    while (i < provider_count && strcmp(providers[i].name, name) != 0)
        i++;
    if (i == provider_count)
        status = provider_add(name);
    lock_release(&lock);
    *found = &providers[i];
    return status == OK ? 0 : ENODEV;
}

/* ---- requests ---- */

void operation_begin(struct operation *operation, struct provider *provider)
{
    lock_acquire(&lock);
    while (provider->busy == UINT32_MAX) { /* more workers than slots */
        lock_release(&lock);
        sleep_microseconds(PAUSE);
        lock_acquire(&lock);
    }
    operation->provider = provider;
    operation->slot = (uint32_t)__builtin_ctz(~provider->busy);
    provider->busy |= 1u << operation->slot;
    lock_release(&lock);
    operation->request = session_slot(&provider->session, operation->slot);
    memset(operation->request, 0, offsetof(struct file_system_request, name));
}

void operation_end(struct operation *operation)
{
    lock_acquire(&lock);
    operation->provider->busy &= ~(1u << operation->slot);
    lock_release(&lock);
}

int operation_call(struct operation *operation, enum file_system_method method)
{
    return error_of(service_call(operation->provider->endpoint, method, operation->slot, NULL));
}

/* ---- memory of clients ---- */

/* E_BUSY: it still works for the client that had this number before. */
static status_t send_memory(const struct provider *provider, uint32_t client, handle_t memory)
{
    status_t status = OK;
    for (uint32_t i = 0; i < ATTACH_TRIES; i++) {
        handle_t copy = HANDLE_NONE;
        status = memory == HANDLE_NONE ? OK : handle_duplicate(memory, RIGHTS_ALL, 0, &copy);
        if (status != OK)
            return status;
        status = service_call_full(provider->endpoint, FILE_SYSTEM_ATTACH, client, TIMEOUT_NEVER, copy, NULL, NULL);
        if (status != E_BUSY)
            break;
        sleep_microseconds(PAUSE);
    }
    return status;
}

static status_t attach(struct provider *provider, uint32_t client, handle_t memory)
{
    if (provider->attached & 1ull << client)
        return OK;
    lock_acquire(&lock);
    status_t status = provider->attached & 1ull << client ? OK : send_memory(provider, client, memory);
    if (status == OK)
        provider->attached |= 1ull << client;
    lock_release(&lock);
    return status;
}

int operation_transfer(struct operation *operation, enum file_system_method method, const session_t *session, uint32_t offset,
                       uint32_t length)
{
    uint32_t client = client_number(session->context);
    status_t status = attach(operation->provider, client, session->memory);
    if (status != OK)
        return error_of(status);
    operation->request->client = client;
    operation->request->data = offset;
    operation->request->length = length;
    return operation_call(operation, method);
}

void providers_forget(uint32_t client)
{
    for (uint32_t i = 0; i < provider_count; i++) {
        if (providers[i].attached & 1ull << client)
            send_memory(&providers[i], client, HANDLE_NONE);
        lock_acquire(&lock);
        providers[i].attached &= ~(1ull << client);
        lock_release(&lock);
    }
}
