/* Sessions: memory that a client and a service share, named in calls by slot number. */
#include "internal.h"

#define SESSIONS 64u
#define SLOT_BYTES_MIN 64u
#define SESSION_BYTES_MAX (16u << 20)

/* The word of METHOD_SESSION_OPEN: log2 of the slot size, and the number of slots above it; 0 closes. */
#define SLOTS_SHIFT 8

struct client_session { /* service side */
    const void *pool;   /* NULL: free */
    uint32_t badge;
    session_t session;
};

static struct client_session sessions[SESSIONS];

static uint32_t logarithm(uint32_t number)
{
    return 31 - (uint32_t)__builtin_clz(number);
}

static bool shape_is_good(uint32_t slots, uint32_t slot_size)
{
    return slots > 0 && slot_size >= SLOT_BYTES_MIN && (slot_size & (slot_size - 1)) == 0 &&
           slot_size <= SESSION_BYTES_MAX && slots <= SESSION_BYTES_MAX / slot_size;
}

static status_t map(session_t *session)
{
    uint32_t pages = pages_of(session->slots * session->slot_size);
    uint32_t address = address_reserve(pages);
    if (address == 0)
        return E_NO_MEMORY;
    status_t status = process_map(self_process(), session->memory, address, PROTECT_READ | PROTECT_WRITE, 0, pages);
    if (status != OK)
        address_release(address, pages);
    else
        session->base = (uint8_t *)address;
    return status;
}

/* A range whose memory was revoked cannot be unmapped any more, and is free all the same. */
static void unmap(session_t *session)
{
    uint32_t pages = pages_of(session->slots * session->slot_size);
    process_unmap(self_process(), (uint32_t)session->base, pages);
    address_release((uint32_t)session->base, pages);
}

static void drop(session_t *session)
{
    unmap(session);
    handle_close(session->memory);
}

void *session_slot(const session_t *session, uint32_t slot)
{
    return session && slot < session->slots ? session->base + slot * session->slot_size : NULL;
}

/* ---- client ---- */

/* What the service gets cannot be used to revoke or to pass on. */
static status_t offer(const session_t *session, handle_t endpoint)
{
    handle_t offered;
    status_t status = handle_duplicate(session->memory, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, 0, &offered);
    if (status != OK)
        return status;
    uint32_t word = logarithm(session->slot_size) | session->slots << SLOTS_SHIFT;
    status = service_call_full(endpoint, METHOD_SESSION_OPEN, word, TIMEOUT_NEVER, offered, NULL, NULL);
    if (status != OK)
        handle_close(offered); /* it may have gone to the service, which is as good */
    return status;
}

status_t session_open(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size)
{
    session_t opened = { .slots = slots, .slot_size = slot_size };
    if (!shape_is_good(slots, slot_size))
        return E_BAD_ARGUMENT;
    status_t status = memory_create(pages_of(slots * slot_size), 0, &opened.memory);
    if (status != OK)
        return status;
    status = map(&opened);
    if (status != OK) {
        handle_close(opened.memory);
        return status;
    }
    status = offer(&opened, endpoint);
    if (status == OK) {
        *session = opened;
    } else {
        drop(&opened);
    }
    return status;
}

void session_close(session_t *session, handle_t endpoint)
{
    service_call_full(endpoint, METHOD_SESSION_OPEN, 0, TIMEOUT_NEVER, HANDLE_NONE, NULL, NULL);
    drop(session);
    *session = (session_t){ 0 };
}

/* ---- service ---- */

static struct client_session *find(const void *pool, uint32_t badge)
{
    for (uint32_t i = 0; i < SESSIONS; i++) {
        struct client_session *entry = &sessions[(badge + i) % SESSIONS];
        if (entry->pool == pool && (!pool || entry->badge == badge))
            return entry;
    }
    return NULL;
}

const session_t *request_session(const request_t *request)
{
    const struct client_session *entry = find(request_pool(request), request->badge);
    return entry ? &entry->session : NULL;
}

/* Takes the entry out of the table; false when there is none. */
static bool forget(const void *pool, uint32_t badge, session_t *session)
{
    lock_acquire(&library_lock);
    struct client_session *entry = find(pool, badge);
    if (entry) {
        *session = entry->session;
        entry->pool = NULL;
    }
    lock_release(&library_lock);
    return entry != NULL;
}

static bool remember(const void *pool, uint32_t badge, const session_t *session)
{
    lock_acquire(&library_lock);
    struct client_session *entry = find(NULL, badge);
    if (entry) {
        entry->session = *session;
        entry->badge = badge;
        entry->pool = pool; /* last: request_session looks without the lock */
    }
    lock_release(&library_lock);
    return entry != NULL;
}

static status_t accept(const request_t *request)
{
    uint32_t size_shift = request->word & ((1u << SLOTS_SHIFT) - 1), pages;
    session_t session = { .memory = request->handle, .slots = request->word >> SLOTS_SHIFT };
    if (size_shift >= 32 || !shape_is_good(session.slots, 1u << size_shift))
        return E_BAD_ARGUMENT;
    session.slot_size = 1u << size_shift;
    status_t status = memory_info(session.memory, &pages);
    if (status != OK)
        return status;
    if (pages < pages_of(session.slots * session.slot_size))
        return E_BAD_ARGUMENT;
    status = map(&session);
    if (status == OK && !remember(request_pool(request), request->badge, &session)) {
        unmap(&session);
        status = E_NO_MEMORY;
    }
    return status;
}

reply_t server_session_open(const request_t *request)
{
    session_t old;
    if (forget(request_pool(request), request->badge, &old))
        drop(&old);
    if (request->word == 0 && request->handle == HANDLE_NONE)
        return reply(0);
    status_t status = accept(request);
    if (status != OK)
        handle_close(request->handle);
    return reply_error(status);
}
