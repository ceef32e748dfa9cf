/* What libserver promises of pools, sessions and locks: workers are replaced, stacks guarded, sessions end with their client. */
#include "child.h"

#define WORD_PROCESS 0xFFFFFFFFu        /* of METHOD_SESSION_OPEN: the handle is the client's process */
#define ONE_PAGE (12u | 1u << 8)        /* the same for memory: one slot of 2^12 bytes */
#define BADGE 0x51
#define ROUNDS 100u
#define SESSIONS_MAX 100u               /* more than the library has places for */
#define RACES 2000u
#define RACE_PAUSE 37u                  /* microseconds: no multiple of what an opening takes */

enum { POOL_ECHO = 1, POOL_EXIT, POOL_GUARD, POOL_HELD, POOL_EXIT_HELD, POOL_METHODS };

/* ---- a service of ours with a reserve; made once, for a pool stays as long as its process. No case has three workers busy,
 * so that it does not grow ---- */

static handle_t pool;
static volatile uint32_t began, ended, held_word;
static volatile status_t opened;
static volatile bool racing;

status_t server_session_began(uint32_t badge, session_t *session)
{
    (void)session;
    began += badge == BADGE;
    return OK;
}

void server_session_ended(uint32_t badge, session_t *session)
{
    (void)session;
    ended += badge == BADGE;
}

static reply_t echo(const request_t *rq) { return reply(rq->word); }

static reply_t end_worker(const request_t *rq)
{
    (void)rq;
    thread_exit();
    return reply(0);
}

/* A stack has two pages and the handler runs on the upper one, so the second below must be free. */
static reply_t map_at_guard(const request_t *rq)
{
    uint32_t page = ((uint32_t)rq & ~(PAGE_SIZE - 1)) - 2 * PAGE_SIZE;
    handle_t memory = HANDLE_NONE;
    status_t status = memory_create(1, 0, &memory);
    if (status == OK && (status = process_map(self_process(), memory, page, PROTECT_READ, 0, 1)) == OK)
        process_unmap(self_process(), page, 1);
    handle_close(memory);
    return reply((uint32_t)status);
}

/* Uses its session's memory after its client has gone. */
static reply_t use_held(const request_t *rq)
{
    uint32_t bits;
    session_t *session = session_hold(rq);
    notification_signal(entered, 1);
    notification_wait(release, 1, TIMEOUT_NEVER, &bits);
    held_word = ended == 0 ? *(volatile uint32_t *)session_slot(session, 0) : 0;
    session_release(session);
    return reply(0);
}

static reply_t end_holding(const request_t *rq)
{
    session_hold(rq);
    return end_worker(rq);
}

static const method_t methods[POOL_METHODS] = {
    [METHOD_SESSION_OPEN] = server_session_open, [POOL_ECHO] = echo,    [POOL_EXIT] = end_worker,
    [POOL_GUARD] = map_at_guard,                 [POOL_HELD] = use_held,
    [POOL_EXIT_HELD] = end_holding,
};

void pool_start(void)
{
    if (server_start(&pool, methods, POOL_METHODS, .workers = 3, .reserve = 1,
                     .handles = ENDPOINT_TAKES_HANDLE(METHOD_SESSION_OPEN)) != OK)
        print("Bail out! the pool under test does not start\n");
}

static void dead_worker_is_replaced(void)
{
    uint32_t workers = endpoint_fact(pool, ENDPOINT_WORKERS), answer = 0;
    for (uint32_t i = 0; i < 3; i++) {
        expect_equal(service_call(pool, POOL_EXIT, 0, &answer), E_PEER_DIED);
        expect(endpoint_reaches(pool, ENDPOINT_WORKERS, workers));
        expect(endpoint_reaches(pool, ENDPOINT_IDLE, workers));
    }
    expect_equal(service_call(pool, POOL_ECHO, 8, &answer), OK);
    expect_equal(answer, 8);
}

static void stacks_are_guarded(void)
{
    uint32_t status = 1;
    expect_equal(service_call(pool, POOL_GUARD, 0, &status), OK);
    expect_equal(status, OK);
}

/* ---- sessions, opened for a child by us, so that it can die at any time ---- */

static status_t offer(handle_t endpoint, uint32_t word, handle_t handle)
{
    handle_t offered;
    status_t status = handle_duplicate(handle, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, 0, &offered);
    if (status != OK)
        return status;
    status = service_call_full(endpoint, METHOD_SESSION_OPEN, word, TIMEOUT_NEVER, offered, NULL, NULL);
    if (status != OK)
        handle_close(offered);
    return status;
}

static void open_session(struct child *child, handle_t *client, handle_t *memory)
{
    *child = (struct child){ .on_fault = NULL };
    began = ended = 0;
    child_create(child, CHILD_QUOTA);
    expect_passed();
    expect_equal(handle_duplicate(pool, RIGHT_CALL, BADGE, client), OK);
    expect_equal(memory_create(1, MEMORY_IRREVOCABLE, memory), OK);
    expect_equal(offer(*client, WORD_PROCESS, child->process), OK);
    expect_equal(offer(*client, ONE_PAGE, *memory), OK);
    expect_equal(began, 1);
}

static bool session_ends(void)
{
    for (uint32_t i = 0; i < 100 && ended == 0; i++)
        sleep_microseconds(1000);
    return ended == 1;
}

static void session_ends_with_its_client(void)
{
    struct child child;
    handle_t client, memory;
    uint32_t before = quota_used();
    open_session(&child, &client, &memory);
    expect_passed();
    sleep_microseconds(10000);
    expect_equal(ended, 0);
    child_end(&child);
    expect(session_ends());
    handle_close(client);
    handle_close(memory);
    expect_equal(quota_used(), before);
}

static void call_held(struct task *task)
{
    (void)task;
    service_call(taken, POOL_HELD, 0, NULL);
}

/* The memory stays as long as a request holds the session. */
static void session_is_held(void)
{
    struct child child;
    struct task caller;
    handle_t client, memory;
    open_session(&child, &client, &memory);
    expect_passed();
    taken = client;
    task_create(&caller, call_held, PRIORITY_TESTS);
    task_go(&caller);
    expect(service_entered());
    child_end(&child);
    sleep_microseconds(10000);
    expect_equal(ended, 0);
    held_word = 1;
    notification_signal(release, 1);
    expect(task_wait(&caller));
    expect_equal(held_word, 0);
    expect(session_ends());
    task_end(&caller);
    handle_close(client);
    handle_close(memory);
}

static void open_again(struct task *task)
{
    session_t session;
    (void)task;
    opened = session_open(&session, taken, 1, PAGE_SIZE, 0);
    if (opened == OK)
        session_close(&session, taken);
}

/* While a request of a client that has died is under way, the next one with its badge gets no session, and the library waits. */
static void session_waits_for_the_last(void)
{
    struct child child;
    struct task caller, next;
    handle_t client, memory;
    open_session(&child, &client, &memory);
    expect_passed();
    taken = client;
    opened = E_CANCELLED;
    task_create(&caller, call_held, PRIORITY_TESTS);
    task_go(&caller);
    expect(service_entered());
    child_end(&child);
    expect_equal(offer(client, WORD_PROCESS, self_process()), E_BUSY);
    task_create(&next, open_again, PRIORITY_TESTS);
    task_go(&next);
    sleep_microseconds(3 * SECOND);
    expect_equal(opened, E_CANCELLED);
    expect_equal(ended, 0);
    notification_signal(release, 1);
    expect(task_wait(&caller));
    expect(task_wait(&next));
    expect_equal(opened, OK);
    expect_equal(ended, 2);
    task_end(&caller);
    task_end(&next);
    handle_close(client);
    handle_close(memory);
}

/* How many more sessions there may be. */
static uint32_t room(void)
{
    handle_t clients[SESSIONS_MAX];
    uint32_t made = 0, opened_now = 0;
    while (made < SESSIONS_MAX && handle_duplicate(pool, RIGHT_CALL, BADGE + 1 + made, &clients[made]) == OK)
        opened_now += offer(clients[made++], WORD_PROCESS, self_process()) == OK;
    while (made > 0) {
        service_call(clients[--made], METHOD_SESSION_OPEN, 0, NULL);
        handle_close(clients[made]);
    }
    return opened_now;
}

static void keep_opening(struct task *task)
{
    (void)task;
    while (racing) {
        offer(taken, WORD_PROCESS, self_process());
        sleep_microseconds(RACE_PAUSE);
    }
}

/* Several threads open one at once: the last one stays. */
static void racing_sessions(void)
{
    struct task rival;
    handle_t client;
    uint32_t before = room();
    expect(before > 0 && before < SESSIONS_MAX);
    expect_equal(handle_duplicate(pool, RIGHT_CALL, BADGE, &client), OK);
    taken = client;
    racing = true;
    task_create(&rival, keep_opening, PRIORITY_TESTS + 1);
    task_go(&rival);
    for (uint32_t i = 0; i < RACES; i++)
        offer(client, WORD_PROCESS, self_process());
    racing = false;
    expect(task_wait(&rival));
    task_end(&rival);
    expect_equal(service_call(client, METHOD_SESSION_OPEN, 0, NULL), OK);
    expect_equal(room(), before);
    handle_close(client);
}

/* A worker that dies holds nothing any more. */
static void session_is_let_go(void)
{
    struct child child;
    handle_t client, memory;
    uint32_t workers = endpoint_fact(pool, ENDPOINT_WORKERS);
    open_session(&child, &client, &memory);
    expect_passed();
    expect_equal(service_call(client, POOL_EXIT_HELD, 0, NULL), E_PEER_DIED);
    expect(endpoint_reaches(pool, ENDPOINT_WORKERS, workers));
    expect_equal(ended, 0);
    child_end(&child);
    expect(session_ends());
    handle_close(client);
    handle_close(memory);
}

/* The client could pull it from under the service, which would end. */
static void revocable_memory_is_refused(void)
{
    struct child child;
    handle_t client, memory, revocable;
    open_session(&child, &client, &memory);
    expect_passed();
    expect_equal(memory_revoke(memory), E_BAD_STATE);
    expect_equal(memory_create(1, 0, &revocable), OK);
    expect_equal(offer(client, WORD_PROCESS, child.process), OK);
    expect_equal(offer(client, ONE_PAGE, revocable), E_BAD_TYPE);
    expect_equal(offer(client, ONE_PAGE, startup_handle("irq")), E_BAD_TYPE);
    expect_equal(offer(client, ONE_PAGE, memory), OK);
    child_end(&child);
    handle_close(client);
    handle_close(memory);
    handle_close(revocable);
}

/* What the service refuses it does not keep. */
static void refused_memory_is_closed(void)
{
    handle_t client, memory;
    uint32_t before = quota_used();
    expect_equal(handle_duplicate(pool, RIGHT_CALL, BADGE, &client), OK);
    for (uint32_t i = 0; i < 3; i++) {
        expect_equal(memory_create(1, MEMORY_IRREVOCABLE, &memory), OK);
        expect_equal(offer(client, ONE_PAGE, memory), E_BAD_STATE); /* the process did not come first */
        handle_close(memory);
    }
    handle_close(client);
    expect_equal(quota_used(), before);
}

/* ---- handles ---- */

/* Only the method that opens sessions takes one; the others would let clients fill the service's table. */
static void handles_that_nobody_takes(void)
{
    static const uint32_t others[] = { POOL_ECHO, POOL_METHODS, 15, 16, 32, 0xFFFFFFFE, METHOD_FAULT };
    handle_t attached, offer;
    uint32_t type, rights, before = quota_used();
    expect_equal(notification_create(&attached), OK);
    for (uint32_t i = 0; i < COUNT(others); i++) {
        expect_equal(handle_duplicate(attached, RIGHT_READ | RIGHT_TRANSFER, 0, &offer), OK);
        expect_equal(service_call_full(pool, others[i], 0, TIMEOUT_NEVER, offer, NULL, NULL), E_NO_RIGHT);
        expect_equal(handle_info(offer, &type, &rights), OK); /* still ours */
        handle_close(offer);
    }
    handle_close(attached);
    expect_equal(quota_used(), before);
}

/* ---- locks and addresses ---- */

static struct lock lock;
static volatile uint32_t counted;

static void count_locked(struct task *task)
{
    (void)task;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        lock_acquire(&lock);
        uint32_t seen = counted;
        thread_yield();
        counted = seen + 1;
        lock_release(&lock);
    }
}

static void lock_keeps_others_out(void)
{
    struct task tasks[3];
    counted = 0;
    expect_equal(lock_init(&lock), OK);
    for (uint32_t i = 0; i < COUNT(tasks); i++)
        task_create(&tasks[i], count_locked, PRIORITY_TESTS);
    for (uint32_t i = 0; i < COUNT(tasks); i++)
        task_go(&tasks[i]);
    for (uint32_t i = 0; i < COUNT(tasks); i++)
        expect(task_wait(&tasks[i]));
    for (uint32_t i = 0; i < COUNT(tasks); i++)
        task_end(&tasks[i]);
    expect_equal(counted, COUNT(tasks) * ROUNDS);
    handle_close(lock.notification);
}

static void addresses_are_apart(void)
{
    uint32_t upper = address_reserve(2), lower = address_reserve(2);
    expect(upper && lower && lower < upper);
    expect(upper - lower >= 3 * PAGE_SIZE);
    address_release(upper, 2);
    address_release(lower, 2);
}

/* To the SYSENTER gate these would be other operations. */
static void negative_services(void)
{
    static const handle_t negative[] = { (handle_t)OP_NULL, (handle_t)OP_REPLY_WAIT, 0x80000000 };
    for (uint32_t i = 0; i < COUNT(negative); i++)
        expect_equal(service_call(negative[i], POOL_ECHO, 1, NULL), E_BAD_HANDLE);
}

static const struct test_case cases[] = {
    { "a dead worker is replaced", dead_worker_is_replaced, NULL },
    { "a worker's stack is guarded", stacks_are_guarded, NULL },
    { "a session ends with its client", session_ends_with_its_client, NULL },
    { "a session that is held stays", session_is_held, NULL },
    { "a session waits for the last", session_waits_for_the_last, NULL },
    { "sessions opened at once", racing_sessions, NULL },
    { "a worker that dies lets its session go", session_is_let_go, NULL },
    { "memory that can be revoked is refused", revocable_memory_is_refused, NULL },
    { "refused memory is closed", refused_memory_is_closed, NULL },
    { "handles that nobody takes", handles_that_nobody_takes, NULL },
    { "a lock keeps others out", lock_keeps_others_out, NULL },
    { "ranges of addresses are apart", addresses_are_apart, NULL },
    { "services with negative handles", negative_services, NULL },
};
TEST_GROUP(pool_tests, "pool");
