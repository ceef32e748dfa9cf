/* Sessions and pages of the fake: client and service see the same memory, exactly as large as it was asked for. */
#include "fake_internal.h"

#include "../internal.h"

#define SESSIONS 64u
#define MAPPINGS 256u

struct client_session {             /* service side */
    const struct service *service;  /* NULL: free */
    uint32_t badge, uses;
    bool ended;
    session_t session;
};

static struct client_session sessions[SESSIONS];
static struct object *mappings[MAPPINGS]; /* memory outlives its handles while it is mapped */

/* ---- pages ---- */

uint32_t pages_of(uint32_t bytes) { return (bytes + PAGE_SIZE - 1) / PAGE_SIZE; }

void *pages_allocate(uint32_t bytes)
{
    return may_allocate() ? calloc(pages_of(bytes), PAGE_SIZE) : NULL;
}

void pages_free(void *address, uint32_t bytes)
{
    (void)bytes;
    free(address);
}

status_t pages_map(handle_t memory, uint32_t pages, uint32_t protection, void **address)
{
    status_t status;
    uint32_t rights = RIGHT_READ | (protection & PROTECT_WRITE ? RIGHT_WRITE : 0);
    const struct entry *entry = entry_find(memory, TYPE_MEMORY, rights, &status);
    if (!entry)
        return status;
    if (pages == 0 || !may_allocate())
        return E_NO_MEMORY;
    if (pages > entry->object->pages)
        return E_BAD_ARGUMENT;
    for (uint32_t i = 0; i < MAPPINGS; i++) {
        if (mappings[i])
            continue;
        mappings[i] = entry->object;
        mappings[i]->references++;
        *address = mappings[i]->bytes;
        return OK;
    }
    return E_NO_MEMORY;
}

void pages_unmap(void *address, uint32_t pages)
{
    for (uint32_t i = 0; i < MAPPINGS; i++) {
        if (!mappings[i] || mappings[i]->bytes != address)
            continue;
        object_drop(mappings[i]);
        mappings[i] = NULL;
        return;
    }
    fail_msg("pages_unmap() of %u pages that are not mapped", pages);
}

/* ---- client ---- */

status_t session_offer(const session_t *session, handle_t endpoint, uint32_t rights)
{
    handle_t offered;
    status_t status = handle_duplicate(session->memory, rights | RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, 0, &offered);
    if (status != OK)
        return status;
    status = service_call_full(endpoint, METHOD_SESSION_OPEN, session_word(session), TIMEOUT_NEVER, offered, NULL, NULL);
    if (status != OK)
        handle_close(offered);
    return status;
}

status_t session_open(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size, uint32_t rights)
{
    session_t opened;
    status_t status = session_create(&opened, slots, slot_size);
    if (status != OK)
        return status;
    status = session_offer(&opened, endpoint, rights);
    if (status == OK)
        *session = opened;
    else
        session_drop(&opened);
    return status;
}

void session_close(session_t *session, handle_t endpoint)
{
    service_call(endpoint, METHOD_SESSION_OPEN, 0, NULL);
    session_drop(session);
    *session = (session_t){ 0 };
}

/* ---- service ---- */

static struct client_session *find(const struct service *service, uint32_t badge)
{
    for (struct client_session *entry = sessions; entry < sessions + SESSIONS; entry++)
        if (entry->service == service && (!service || (entry->badge == badge && !entry->ended)))
            return entry;
    return NULL;
}

/* The service under test is told; one that the test provides shares the program with it, but not its sessions. */
static void clear_away(struct client_session *entry)
{
    if (entry->service == own_service)
        server_session_ended(entry->badge, &entry->session);
    session_drop(&entry->session);
    entry->service = NULL;
}

static void end(struct client_session *entry)
{
    entry->ended = true;
    if (entry->uses == 0)
        clear_away(entry);
}

static status_t begin(const request_t *request, struct client_session *entry)
{
    session_t session;
    status_t status = session_take(request, &session);
    if (status != OK)
        return status;
    if (current->service == own_service)
        status = server_session_began(request->badge, &session);
    if (status == OK)
        *entry = (struct client_session){ .service = current->service, .badge = request->badge, .session = session };
    else
        session_unmap(&session);
    return status;
}

reply_t server_session_open(const request_t *request)
{
    struct client_session *old = find(current->service, request->badge), *free_entry = find(NULL, 0);
    if (old)
        end(old);
    if (request->handle == HANDLE_NONE)
        return reply_error(request->word == 0 ? OK : E_BAD_ARGUMENT);
    status_t status = free_entry ? begin(request, free_entry) : E_NO_MEMORY;
    if (status != OK)
        handle_close(request->handle);
    return reply_error(status);
}

session_t *session_hold(const request_t *request)
{
    struct client_session *entry = find(current->service, request->badge);
    if (!entry)
        return NULL;
    entry->uses++;
    return &entry->session;
}

void session_release(session_t *session)
{
    struct client_session *entry =
        (struct client_session *)((uint8_t *)session - offsetof(struct client_session, session));
    if (entry->uses == 0)
        fail_msg("session_release() of a session that nobody holds");
    if (--entry->uses == 0 && entry->ended)
        clear_away(entry);
}

uint32_t fake_sessions_held(void)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < SESSIONS; i++)
        held += sessions[i].service ? sessions[i].uses : 0;
    return held;
}
