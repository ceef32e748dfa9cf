/* Calls that would wait for themselves: refused with E_DEADLOCK, and only those. */
#include "child.h"

#define RING_MAX 16u
#define SMALL_RING 5u
#define RINGS_SPUN 10u

/* A ring of endpoints with one worker each; a request of word n is forwarded n times. */
struct ring_worker {
    struct task task;
    const struct gate *gate;
    handle_t endpoint, next;
};

static struct ring_worker ring[RING_MAX];

static void serve_ring(struct task *task)
{
    const struct ring_worker *self = (const struct ring_worker *)task;
    struct message message = { .word = 0 };
    for (status_t badge = ipc_wait(self->endpoint, &message); badge >= 0; badge = ipc_reply_wait(&message)) {
        uint32_t left = message.word;
        message.status = left ? call(self->gate, self->next, 0, left - 1, &message.word) : OK;
        message.handle = HANDLE_NONE;
    }
}

static void ring_start(const struct gate *gate, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        expect_equal(endpoint_create(0, 0, &ring[i].endpoint), OK);
    for (uint32_t i = 0; i < count; i++) {
        ring[i].gate = gate;
        ring[i].next = ring[(i + 1) % count].endpoint;
        task_create(&ring[i].task, serve_ring, PRIORITY_TESTS);
        task_go(&ring[i].task);
        expect(endpoint_reaches(ring[i].endpoint, ENDPOINT_IDLE, 1));
    }
}

static void ring_end(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        task_end(&ring[i].task);
        handle_close(ring[i].endpoint);
        ring[i] = (struct ring_worker){ .gate = NULL };
    }
}

/* The n-th forward would come back to where the chain began. */
static void circle_of(const struct gate *gate, uint32_t count)
{
    uint32_t answer = 0;
    ring_start(gate, count);
    expect_passed();
    expect_equal(call(gate, ring[0].endpoint, 0, count - 1, &answer), OK);
    expect_equal(call(gate, ring[0].endpoint, 0, count, &answer), E_DEADLOCK);
    expect_equal(endpoint_fact(ring[0].endpoint, ENDPOINT_REFUSALS), 1);
    expect_equal(endpoint_fact(ring[0].endpoint, ENDPOINT_QUEUE), 0);
    expect_equal(call(gate, ring[0].endpoint, 0, count - 1, &answer), OK);
    ring_end(count);
}

static void call_to_oneself(const struct gate *gate) { circle_of(gate, 1); }
static void circle_of_two(const struct gate *gate) { circle_of(gate, 2); }
static void circle_of_five(const struct gate *gate) { circle_of(gate, SMALL_RING); }
static void circle_of_many(const struct gate *gate) { circle_of(gate, RING_MAX); } /* the report names no more than a few */

static void refused_with_a_deadline(const struct gate *gate)
{
    struct message message = { .word = 0 };
    ring_start(gate, 2);
    expect_passed();
    message = (struct message){ .word = 2, .handle = HANDLE_NONE };
    expect_equal(ipc_call(ring[1].endpoint, SECOND, &message), OK);
    expect_equal(message.status, E_DEADLOCK);
    ring_end(2);
}

/* ---- pools ---- */

static void nest(const struct gate *gate, handle_t endpoint, enum service_method method)
{
    nested_gate = gate;
    nested_target = endpoint;
    nested_method = method;
}

/* Each forward takes one of four workers: the fifth call meets none that does not wait for it. */
static void pool_waits_for_itself(const struct gate *gate)
{
    uint32_t answer = 0;
    nest(gate, gate->services->pool, METHOD_FORWARD);
    expect_equal(call(gate, gate->services->pool, METHOD_FORWARD, 0, &answer), E_DEADLOCK);
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    nest(gate, gate->services->pool, METHOD_ECHO);
    expect_equal(call(gate, gate->services->pool, METHOD_FORWARD, 5, &answer), OK);
    expect_equal(answer, 5);
}

/* One worker of the pool does something else, so the call waits, and is answered. */
static void busy_is_not_deadlock(const struct gate *gate)
{
    struct client holder, client;
    hold(&holder, gate, gate->services->pool, 0);
    expect_passed();
    nest(gate, gate->services->pool, METHOD_FORWARD);
    client = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = METHOD_FORWARD };
    client_start(&client, PRIORITY_TESTS);
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_QUEUE, 1));
    release_holder(&holder, 0);
    expect(task_wait(&client.task)); /* the worker that was let go made the next forward, which met no other */
    expect_equal(client.status, OK);
    expect_equal(client.service_status, E_DEADLOCK);
    task_end(&client.task);
}

/* Two clients hold a worker each, and each needs another: the first waits for the second, which is refused, and whose end
 * serves the first. */
struct pair_worker {
    struct task task;
    const struct gate *gate;
    handle_t endpoint;
    handle_t go; /* notification: call now */
};

static void serve_pair(struct task *task)
{
    const struct pair_worker *self = (const struct pair_worker *)task;
    struct message message = { .word = 0 };
    uint32_t bits;
    for (status_t badge = ipc_wait(self->endpoint, &message); badge >= 0; badge = ipc_reply_wait(&message)) {
        message.status = OK;
        if (message.word) {
            notification_wait(self->go, message.word, TIMEOUT_NEVER, &bits);
            message.status = call(self->gate, self->endpoint, 0, 0, &message.word);
        }
        message.handle = HANDLE_NONE;
    }
}

static void pair_start(struct pair_worker *pair, const struct gate *gate, handle_t endpoint, handle_t go)
{
    *pair = (struct pair_worker){ .gate = gate, .endpoint = endpoint, .go = go };
    task_create(&pair->task, serve_pair, PRIORITY_TESTS);
    task_go(&pair->task);
}

static void two_clients(const struct gate *gate)
{
    struct pair_worker pair[2];
    struct client clients[2];
    handle_t endpoint, go;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(notification_create(&go), OK);
    for (uint32_t i = 0; i < 2; i++)
        pair_start(&pair[i], gate, endpoint, go);
    expect_passed();
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 2));
    for (uint32_t i = 0; i < 2; i++) {
        clients[i] = (struct client){ .gate = gate, .endpoint = endpoint, .word = 1u << i };
        client_start(&clients[i], PRIORITY_TESTS);
        expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1 - i));
    }
    notification_signal(go, 1);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 1));
    notification_signal(go, 2);
    for (uint32_t i = 0; i < 2; i++) {
        expect(task_wait(&clients[i].task));
        expect_equal(clients[i].status, OK);
        expect_equal(clients[i].service_status, i == 0 ? OK : E_DEADLOCK);
        task_end(&clients[i].task);
    }
    for (uint32_t i = 0; i < 2; i++)
        task_end(&pair[i].task);
    handle_close(go);
    handle_close(endpoint);
}

/* The worker that might have served the waiting call dies instead: who waits is told then. */
static void last_other_worker_dies(const struct gate *gate)
{
    struct pair_worker pair[2];
    struct client clients[2];
    handle_t endpoint, go;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(notification_create(&go), OK);
    for (uint32_t i = 0; i < 2; i++) {
        pair_start(&pair[i], gate, endpoint, go);
        expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, i + 1));
    }
    for (uint32_t i = 0; i < 2; i++) { /* the second worker serves the first client: the warmest comes first */
        clients[i] = (struct client){ .gate = gate, .endpoint = endpoint, .word = 1u << i };
        client_start(&clients[i], PRIORITY_TESTS);
        expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1 - i));
    }
    notification_signal(go, 1);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 1));
    task_end(&pair[0].task);
    for (uint32_t i = 0; i < 2; i++)
        expect(task_wait(&clients[i].task));
    expect_equal(clients[0].status, OK);
    expect_equal(clients[0].service_status, E_DEADLOCK);
    expect_equal(clients[1].status, E_PEER_DIED);
    for (uint32_t i = 0; i < 2; i++)
        task_end(&clients[i].task);
    task_end(&pair[1].task);
    handle_close(go);
    handle_close(endpoint);
}

/* Searches leave nothing behind that the next one would stumble over. */
static void again_and_again(const struct gate *gate)
{
    for (uint32_t i = 0; i < RINGS_SPUN && !test_failed(); i++)
        circle_of(gate, 1 + i % SMALL_RING);
}

static const struct test_case cases[] = {
    { "a call to oneself", .run_gate = call_to_oneself },
    { "a circle of two services", .run_gate = circle_of_two },
    { "a circle of five services", .run_gate = circle_of_five },
    { "a circle of sixteen services", .run_gate = circle_of_many },
    { "a circle, with a deadline", .run_gate = refused_with_a_deadline },
    { "a pool that waits for itself", .run_gate = pool_waits_for_itself },
    { "a busy pool is no deadlock", .run_gate = busy_is_not_deadlock },
    { "two clients that need two workers each of two", .run_gate = two_clients },
    { "the only worker that could have served dies", .run_gate = last_other_worker_dies },
    { "circles again and again", .run_gate = again_and_again },
};
TEST_GROUP(deadlock_tests, "deadlock");
