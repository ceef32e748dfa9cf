/* Sessions: memory that a client and a service share, named in calls by slot number.
 *
 * Opening one takes two calls, since a call carries one handle: the client's process, by which the service learns of its
 * death, then the memory. In this order no session outlives its client. */
#include "internal.h"

#define SESSIONS 64u
#define LINGER_PAUSE 1000u /* microseconds */

/* The word of METHOD_SESSION_OPEN: session_word(); with no handle it closes; or this, with the process. */
#define WORD_PROCESS 0xFFFFFFFFu

struct client_session { /* service side */
    const void *pool;   /* NULL: free */
    uint32_t badge;
    uint32_t uses;      /* requests that hold the session */
    bool ended;         /* gone with the last of them; nobody finds it any more */
    handle_t process;   /* the client's, watched */
    session_t session;  /* no slots before the memory has come */
};

static struct client_session sessions[SESSIONS];
static handle_t deaths; /* notification: some client has died */

/* ---- client ---- */

static status_t send_handle(handle_t endpoint, uint32_t word, uint32_t timeout, handle_t handle, uint32_t rights)
{
    handle_t offered;
    status_t status = handle_duplicate(handle, rights | RIGHT_READ | RIGHT_TRANSFER, 0, &offered);
    if (status != OK)
        return status;
    status = service_call_full(endpoint, METHOD_SESSION_OPEN, word, timeout, offered, NULL, NULL);
    if (status != OK)
        handle_close(offered); /* it may have gone to the service, which is as good */
    return status;
}

/* What the service gets cannot be used to control us. */
static status_t offer(const session_t *session, handle_t endpoint, uint32_t rights, uint32_t timeout)
{
    status_t status = send_handle(endpoint, WORD_PROCESS, timeout, self_process(), 0);
    return status == OK ? send_handle(endpoint, session_word(session), timeout, session->memory, RIGHT_WRITE | rights) : status;
}

/* While the service still works for an earlier life of ours, we wait, however long it takes. */
status_t session_offer(const session_t *session, handle_t endpoint, uint32_t rights)
{
    status_t status;
    while ((status = offer(session, endpoint, rights, TIMEOUT_NEVER)) == E_BUSY) {
        status = sleep_microseconds(LINGER_PAUSE);
        if (status != OK)
            break;
    }
    return status;
}

static status_t keep_if(status_t status, session_t *opened, session_t *session)
{
    if (status == OK)
        *session = *opened;
    else
        session_drop(opened);
    return status;
}

status_t session_open(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size, uint32_t rights)
{
    session_t opened;
    status_t status = session_create(&opened, slots, slot_size);
    return status == OK ? keep_if(session_offer(&opened, endpoint, rights), &opened, session) : status;
}

status_t session_open_soon(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size, uint32_t timeout)
{
    session_t opened;
    status_t status = session_create(&opened, slots, slot_size);
    return status == OK ? keep_if(offer(&opened, endpoint, 0, timeout), &opened, session) : status;
}

void session_close(session_t *session, handle_t endpoint)
{
    service_call_full(endpoint, METHOD_SESSION_OPEN, 0, TIMEOUT_NEVER, HANDLE_NONE, NULL, NULL);
    session_drop(session);
    *session = (session_t){ 0 };
}

/* ---- service ---- */

static struct client_session *find(const void *pool, uint32_t badge)
{
    for (uint32_t i = 0; i < SESSIONS; i++) {
        struct client_session *entry = &sessions[(badge + i) % SESSIONS];
        if (entry->pool == pool && (!pool || (entry->badge == badge && !entry->ended)))
            return entry;
    }
    return NULL;
}

session_t *session_hold(const request_t *request)
{
    lock_acquire(&library_lock);
    struct client_session *entry = find(request_pool(request), request->badge);
    bool good = entry && entry->session.base;
    if (good) {
        entry->uses++;
        *pool_held(entry->pool, (uint32_t)request) = &entry->session;
    }
    lock_release(&library_lock);
    return good ? &entry->session : NULL;
}

/* ---- the end of a session ---- */

/* Whoever sees the last use off clears the entry away: the one that ends the session, or the last request that holds it. */
static void clear_away(struct client_session *entry)
{
    if (entry->session.base) {
        server_session_ended(entry->badge, &entry->session);
        session_drop(&entry->session);
    }
    handle_close(entry->process);
    entry->pool = NULL;
}

static struct client_session *entry_of(session_t *session)
{
    return (struct client_session *)((uint8_t *)session - offsetof(struct client_session, session));
}

void session_release(session_t *session)
{
    *pool_held(entry_of(session)->pool, (uint32_t)__builtin_frame_address(0)) = NULL;
    session_abandon(session);
}

void session_abandon(session_t *session)
{
    struct client_session *entry = entry_of(session);
    lock_acquire(&library_lock);
    bool last = --entry->uses == 0 && entry->ended;
    lock_release(&library_lock);
    if (last)
        clear_away(entry);
}

/* The lock is held, and given up. */
static void end(struct client_session *entry)
{
    bool last = entry && entry->uses == 0;
    if (entry)
        entry->ended = true;
    lock_release(&library_lock);
    if (last)
        clear_away(entry);
}

static void end_of_client(const request_t *request)
{
    lock_acquire(&library_lock);
    end(find(request_pool(request), request->badge));
}

static bool has_died(const struct client_session *entry)
{
    uint32_t alive = 1;
    return entry->pool && process_info(entry->process, PROCESS_ALIVE, &alive) == OK && !alive;
}

/* False when there is none. */
static bool end_of_dead(void)
{
    struct client_session *entry = sessions;
    lock_acquire(&library_lock);
    while (entry < sessions + SESSIONS && (entry->ended || !has_died(entry)))
        entry++;
    bool found = entry < sessions + SESSIONS;
    end(found ? entry : NULL);
    return found;
}

static void watch_deaths(void *unused)
{
    uint32_t bits;
    (void)unused;
    for (;;) {
        notification_wait(deaths, 1, TIMEOUT_NEVER, &bits);
        while (end_of_dead())
            continue;
    }
}

/* Before the first client comes: a thread must not be made by a request. */
status_t sessions_init(void)
{
    handle_t thread;
    if (deaths != HANDLE_NONE)
        return OK;
    status_t status = notification_create(&deaths);
    if (status == OK)
        status = thread_spawn(watch_deaths, NULL, 0, &thread);
    if (status == OK)
        handle_close(thread);
    return status;
}

/* ---- its beginning ---- */

/* What is still done for an earlier life of the client must not mix with what the new one asks for. The lock is held. */
static bool lingers(const request_t *request)
{
    const void *pool = request_pool(request);
    for (const struct client_session *entry = sessions; entry < sessions + SESSIONS; entry++)
        if (entry->pool == pool && entry->badge == request->badge && entry->ended && has_died(entry))
            return true;
    return false;
}

/* The lock is held. E_BUSY: the client asks again. */
static status_t enter_process(const request_t *request)
{
    if (lingers(request))
        return E_BUSY;
    struct client_session *entry = find(NULL, request->badge);
    if (!entry)
        return E_NO_MEMORY;
    *entry = (struct client_session){ .pool = request_pool(request), .badge = request->badge, .process = request->handle };
    return OK;
}

/* Whatever session the client has ends here; of several that it opens at once, the last one stays. */
static status_t accept_process(const request_t *request)
{
    status_t status = process_watch(request->handle, deaths, 1);
    if (status != OK)
        return status;
    struct client_session *old;
    lock_acquire(&library_lock);
    while ((old = find(request_pool(request), request->badge))) {
        end(old);
        lock_acquire(&library_lock);
    }
    status = enter_process(request);
    lock_release(&library_lock);
    return status;
}

/* E_BAD_STATE: the process did not come first, or there is memory already. */
static status_t enter(const request_t *request, const session_t *session)
{
    lock_acquire(&library_lock);
    struct client_session *entry = find(request_pool(request), request->badge);
    bool good = entry && !entry->session.base;
    if (good)
        entry->session = *session;
    lock_release(&library_lock);
    return good ? OK : E_BAD_STATE;
}

static status_t accept_memory(const request_t *request)
{
    session_t session;
    status_t status = session_take(request, &session);
    if (status != OK)
        return status;
    status = server_session_began(request->badge, &session);
    if (status == OK) {
        status = enter(request, &session);
        if (status != OK)
            server_session_ended(request->badge, &session);
    }
    if (status != OK)
        session_unmap(&session);
    return status;
}

reply_t server_session_open(const request_t *request)
{
    if (request->handle == HANDLE_NONE) {
        end_of_client(request);
        return reply_error(request->word == 0 ? OK : E_BAD_ARGUMENT);
    }
    status_t status = request->word == WORD_PROCESS ? accept_process(request) : accept_memory(request);
    if (status != OK)
        handle_close(request->handle);
    return reply_error(status);
}
