/* Busy pools: who waits, in which order, who is refused. */
#include "tests.h"

#define CLIENTS 8u

/* Starts a client and waits until it is the `place`-th in the queue. */
static void start_queued(struct client *client, uint32_t priority, uint32_t place)
{
    client_start(client, priority);
    expect_passed();
    expect(endpoint_reaches(client->endpoint, ENDPOINT_QUEUE, place));
}

static void queue_orders(struct client *clients, const uint32_t *priorities, uint32_t count, const struct gate *gate)
{
    order_count = 0;
    for (uint32_t i = 0; i < count && !test_failed(); i++) {
        clients[i] = (struct client){ .gate = gate, .endpoint = gate->services->single, .method = METHOD_ORDER,
                                      .word = priorities[i] << 8 | i };
        start_queued(&clients[i], priorities[i], i + 1);
    }
}

static void finish(struct client *clients, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        expect(task_wait(&clients[i].task));
        expect_equal(clients[i].status, OK);
        expect_equal(clients[i].reply, clients[i].word);
    }
    for (uint32_t i = 0; i < count; i++)
        task_end(&clients[i].task);
}

static void priority_order(const struct gate *gate)
{
    static const uint32_t priorities[] = { 10, 14, 8, 12, 15, 1 };
    static const uint32_t wanted[] = { 4, 1, 3, 0, 2, 5 };
    struct client holder, clients[COUNT(priorities)];
    hold(&holder, gate, gate->services->single, 0);
    queue_orders(clients, priorities, COUNT(priorities), gate);
    expect_passed();
    release_holder(&holder, 0);
    finish(clients, COUNT(priorities));
    expect_equal(order_count, COUNT(priorities));
    for (uint32_t i = 0; i < COUNT(wanted); i++)
        expect_equal(order[i] & 0xFF, wanted[i]);
}

static void arrival_order(const struct gate *gate)
{
    static const uint32_t priorities[] = { 9, 9, 9, 9, 9 };
    struct client holder, clients[COUNT(priorities)];
    hold(&holder, gate, gate->services->single, 0);
    queue_orders(clients, priorities, COUNT(priorities), gate);
    expect_passed();
    release_holder(&holder, 0);
    finish(clients, COUNT(priorities));
    for (uint32_t i = 0; i < COUNT(priorities); i++)
        expect_equal(order[i] & 0xFF, i);
}

static void start_holders(struct client *clients, uint32_t count, const struct gate *gate)
{
    for (uint32_t i = 0; i < count; i++) {
        clients[i] = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = METHOD_HOLD, .word = i };
        client_start(&clients[i], PRIORITY_TESTS);
        expect_passed();
    }
}

/* Four are served and four wait; as each is released the next one gets in. */
static void all_busy_then_drained(const struct gate *gate)
{
    struct client clients[CLIENTS];
    handle_t pool = gate->services->pool;
    uint32_t waits = endpoint_fact(pool, ENDPOINT_WAITS), bits;
    expect(endpoint_reaches(pool, ENDPOINT_IDLE, 4));
    start_holders(clients, CLIENTS, gate);
    expect_passed();
    expect(endpoint_reaches(pool, ENDPOINT_QUEUE, 4));
    expect_equal(endpoint_fact(pool, ENDPOINT_IDLE), 0);
    expect_equal(endpoint_fact(pool, ENDPOINT_WAITS), waits + 4);
    expect(endpoint_fact(pool, ENDPOINT_QUEUE_HIGH) >= 4);
    for (uint32_t i = 0; i < CLIENTS && !test_failed(); i++)
        release_holder(&clients[i], i);
    expect_passed();
    notification_wait(entered, 1, 0, &bits);
    expect(endpoint_reaches(pool, ENDPOINT_IDLE, 4));
    expect_equal(endpoint_fact(pool, ENDPOINT_QUEUE), 0);
}

static void refused(const struct gate *gate)
{
    struct client holder;
    handle_t endpoint = gate->services->refusing;
    uint32_t refusals = endpoint_fact(endpoint, ENDPOINT_REFUSALS), answer;
    hold(&holder, gate, endpoint, 0);
    expect_passed();
    expect_equal(call(gate, endpoint, METHOD_ECHO, 1, &answer), E_BUSY);
    expect_equal(call(gate, endpoint, METHOD_ECHO, 1, &answer), E_BUSY);
    expect_equal(endpoint_fact(endpoint, ENDPOINT_REFUSALS), refusals + 2);
    release_holder(&holder, 0);
    expect_equal(call(gate, endpoint, METHOD_ECHO, 9, &answer), OK);
    expect_equal(answer, 9);
}

static void cap(const struct gate *gate)
{
    handle_t greedy, modest;
    struct client holder;
    uint32_t answer;
    expect_equal(handle_duplicate(gate->services->capped, RIGHT_CALL, 5, &greedy), OK);
    expect_equal(handle_duplicate(gate->services->capped, RIGHT_CALL, 6, &modest), OK);
    hold(&holder, gate, modest, 0);
    expect_passed();
    expect_equal(call(gate, greedy, METHOD_ECHO, 1, &answer), OK); /* from here on two workers wait by the pool's own gate */
    release_holder(&holder, 0);
    expect_passed();
    hold(&holder, gate, greedy, 0);
    expect_passed();
    expect_equal(call(gate, greedy, METHOD_ECHO, 1, &answer), E_BUSY);
    expect_equal(call(gate, modest, METHOD_ECHO, 2, &answer), OK);
    expect_equal(answer, 2);
    release_holder(&holder, 0);
    expect_equal(call(gate, greedy, METHOD_ECHO, 3, &answer), OK);
    handle_close(greedy);
    handle_close(modest);
}

/* The warmest worker first: a lone client is always served by the same one. */
static void lone_client_keeps_one_worker(const struct gate *gate)
{
    struct server_statistics before, after;
    uint32_t answer;
    expect_equal(server_statistics(gate->services->capped, &before), OK);
    for (uint32_t i = 0; i < 100; i++)
        expect_equal(call(gate, gate->services->capped, METHOD_ECHO, i, &answer), OK);
    expect_equal(server_statistics(gate->services->capped, &after), OK);
    expect(after.busy_high <= (before.busy_high ? before.busy_high : 1));
}

/* The handler runs at its caller's priority, whatever that of the worker (PRIORITY_TESTS): a thread in between has to
 * wait for the end of the call. */
static struct {
    struct task task;
    const struct gate *gate;
    struct task *between;
    volatile uint32_t between_ran, ran_during_call;
    status_t status;
} urgent;

static void run_between(struct task *task)
{
    (void)task;
    urgent.between_ran = 1;
}

static void call_urgently(struct task *task)
{
    uint32_t answer;
    (void)task;
    task_go(urgent.between);
    urgent.status = call(urgent.gate, urgent.gate->services->pool, METHOD_SPIN, 20000, &answer);
    urgent.ran_during_call = urgent.between_ran;
}

static void inherits_priority(const struct gate *gate)
{
    struct task between;
    task_create(&between, run_between, PRIORITY_TESTS + 2);
    task_create(&urgent.task, call_urgently, PRIORITY_TESTS + 4);
    expect_passed();
    urgent.gate = gate;
    urgent.between = &between;
    urgent.between_ran = 0;
    task_go(&urgent.task);
    expect(task_wait(&urgent.task));
    expect(task_wait(&between));
    expect_equal(urgent.status, OK);
    expect_equal(urgent.ran_during_call, 0);
    expect_equal(urgent.between_ran, 1);
    task_end(&urgent.task);
    task_end(&between);
}

/* Nobody has come to serve it yet. */
static void cap_counts_the_queue(const struct gate *gate)
{
    struct client clients[2];
    handle_t endpoint;
    uint32_t answer;
    expect_equal(endpoint_create(0, COUNT(clients), &endpoint), OK);
    for (uint32_t i = 0; i < COUNT(clients); i++) {
        clients[i] = (struct client){ .gate = gate, .endpoint = endpoint, .method = METHOD_ECHO };
        start_queued(&clients[i], PRIORITY_TESTS, i + 1);
        expect_passed();
    }
    expect_equal(call(gate, endpoint, METHOD_ECHO, 1, &answer), E_BUSY);
    expect_equal(endpoint_fact(endpoint, ENDPOINT_QUEUE), COUNT(clients));
    expect_equal(endpoint_fact(endpoint, ENDPOINT_REFUSALS), 1);
    for (uint32_t i = 0; i < COUNT(clients); i++)
        task_end(&clients[i].task);
    handle_close(endpoint);
}

static const struct test_case cases[] = {
    { "callers wait in order of priority", .run_gate = priority_order },
    { "callers of one priority wait in order of arrival", .run_gate = arrival_order },
    { "a pool that is all busy, then drained", .run_gate = all_busy_then_drained },
    { "E_BUSY where nobody queues", .run_gate = refused },
    { "a cap for each badge", .run_gate = cap },
    { "a cap counts those who wait", .run_gate = cap_counts_the_queue },
    { "a lone client keeps one worker warm", .run_gate = lone_client_keeps_one_worker },
    { "a handler runs at its caller's priority", .run_gate = inherits_priority },
};
TEST_GROUP(queue_tests, "queue");
