/* The numbered cases go on: defects of calls, queues and charges that a review found. */
#include "child.h"

#define PRIORITY_LOW (PRIORITY_TESTS - 8)
#define PRIORITY_MIDDLE (PRIORITY_TESTS - 4)
#define WATCHES 1000u

/* A worker of `endpoint`: a request waits for those bits of `go` that its word has, calls `next` with the word below, and replies
 * with what came of it; one of word 0 is answered at once. */
struct server {
    struct task task;
    const struct gate *gate;
    handle_t endpoint, next, go;
};

static uint32_t below(uint32_t word)
{
    return word & 0x80000000u ? word - 1 : 0;
}

static void serve(struct task *task)
{
    const struct server *self = (const struct server *)task;
    struct message message = { .word = 0 };
    uint32_t bits;
    for (status_t badge = ipc_wait(self->endpoint, &message); badge >= 0; badge = ipc_reply_wait(&message)) {
        message.status = OK;
        if (message.word && !(message.word & 0x80000000u))
            notification_wait(self->go, message.word, TIMEOUT_NEVER, &bits);
        if (message.word)
            message.status = call(self->gate, self->next, 0, below(message.word), &message.word);
        message.handle = HANDLE_NONE;
    }
}

static void server_start_at(struct server *server, const struct gate *gate, handle_t endpoint, handle_t next, handle_t go)
{
    uint32_t workers = endpoint_fact(endpoint, ENDPOINT_WORKERS);
    *server = (struct server){ .gate = gate, .endpoint = endpoint, .next = next, .go = go };
    task_create(&server->task, serve, PRIORITY_TESTS);
    task_go(&server->task);
    expect(endpoint_reaches(endpoint, ENDPOINT_WORKERS, workers + 1));
}

static void client_of(struct client *client, const struct gate *gate, handle_t endpoint, uint32_t word, uint32_t priority)
{
    *client = (struct client){ .gate = gate, .endpoint = endpoint, .word = word };
    client_start(client, priority);
}

static void expect_answer(struct client *client, status_t status, status_t service_status)
{
    expect(task_wait(&client->task));
    expect_equal(client->status, status);
    expect_equal(client->service_status, service_status);
    task_end(&client->task);
}

/* ---- 20 ---- */

/* A client that opened its session again and again used up the quota of its service, which watches it. */
static void watches_again_and_again(void)
{
    struct child child = { .on_fault = NULL };
    handle_t events;
    uint32_t bits = 0;
    expect_equal(notification_create(&events), OK);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    expect_equal(process_watch(child.process, events, 1), OK);
    uint32_t used = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    for (uint32_t i = 0; i < WATCHES; i++)
        expect_equal(process_watch(child.process, events, i % 2 ? 2 : 4), OK);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), used);
    child_end(&child);
    expect_equal(notification_wait(events, 7, 0, &bits), OK);
    expect_equal(bits, 7);
    handle_close(events);
}

/* ---- 21 ---- */

/* A worker's death closes a circle: the one that is part of it is refused, and not whoever else waits there. */
static void bystander_of_a_circle(const struct gate *gate)
{
    struct server front[2], back;
    struct client through_front, through_back, busy, bystander;
    handle_t endpoint, further, go;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(endpoint_create(0, 0, &further), OK);
    expect_equal(notification_create(&go), OK);
    server_start_at(&front[0], gate, endpoint, further, go);
    server_start_at(&front[1], gate, endpoint, further, go); /* the warmest, which comes first */
    server_start_at(&back, gate, further, endpoint, go);
    expect_passed();
    client_of(&busy, gate, endpoint, 4, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1));
    client_of(&through_front, gate, endpoint, 1, PRIORITY_TESTS);
    client_of(&through_back, gate, further, 2, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 0) && endpoint_reaches(further, ENDPOINT_IDLE, 0));
    notification_signal(go, 1);
    expect(endpoint_reaches(further, ENDPOINT_QUEUE, 1));
    notification_signal(go, 2);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 1));
    client_of(&bystander, gate, endpoint, 0, PRIORITY_LOW);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 2));
    task_end(&front[1].task);
    expect_answer(&busy, E_PEER_DIED, OK);
    expect_answer(&through_back, OK, E_DEADLOCK);
    expect_answer(&through_front, OK, OK);
    expect_answer(&bystander, OK, OK);
    task_end(&front[0].task);
    task_end(&back.task);
    handle_close(go);
    handle_close(further);
    handle_close(endpoint);
}

/* ---- 22 ---- */

/* In a child, two threads of which serve the endpoint: word 2 waits for ever, word 1 makes a call to the pool itself. */
static uint32_t serve_in_child(void)
{
    struct message message = { .word = 0 };
    uint32_t bits;
    for (status_t badge = ipc_wait(SHARED->handles[0], &message); badge >= 0; badge = ipc_reply_wait(&message)) {
        if (message.word == 2)
            notification_wait(SHARED->handles[1], 1, TIMEOUT_NEVER, &bits);
        if (message.word == 1)
            call(&gates[SHARED->words[0]], SHARED->handles[0], 0, 0, &message.word);
        message.handle = HANDLE_NONE;
        message.status = OK;
    }
    return 0;
}

static void second_thread(struct child *child, handle_t *thread)
{
    expect_equal(thread_create(child->process, (uint32_t)child_entry, CHILD_STACK_TOP - PAGE_SIZE, (uint32_t)serve_in_child,
                               PRIORITY_TESTS, thread), OK);
}

/* The thread that is killed first is once the one that serves the waiting call, and once the other. */
static void service_killed_in_a_call_to_itself(const struct gate *gate, bool second_first)
{
    struct child child = { .on_fault = NULL };
    struct client busy, nested, next;
    struct server successor;
    handle_t endpoint, never, thread = HANDLE_NONE;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(notification_create(&never), OK);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    SHARED->handles[0] = child_give(&child, endpoint, RIGHT_SERVE | RIGHT_CALL);
    SHARED->handles[1] = child_give(&child, never, RIGHT_READ);
    second_thread(&child, &thread);
    expect_passed();
    if (second_first) {
        expect_equal(thread_start(thread), OK);
        expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1));
    }
    child_start(&child, serve_in_child, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, second_first ? 2 : 1));
    if (!second_first)
        expect_equal(thread_start(thread), OK);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 2));
    client_of(&busy, gate, endpoint, 2, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1));
    client_of(&nested, gate, endpoint, 1, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 1));
    client_of(&next, gate, endpoint, 0, PRIORITY_LOW);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, 2));
    child_end(&child);
    expect_answer(&busy, E_PEER_DIED, OK);
    expect_answer(&nested, E_PEER_DIED, OK);
    expect_equal(endpoint_fact(endpoint, ENDPOINT_QUEUE), 1);
    server_start_at(&successor, gate, endpoint, HANDLE_NONE, never);
    expect_answer(&next, OK, OK);
    task_end(&successor.task);
    handle_close(thread);
    handle_close(never);
    handle_close(endpoint);
}

/* Who waited for the service's next life was refused, as if its last worker, about to die as well, waited for them. */
static void pool_that_dies_piece_by_piece(const struct gate *gate)
{
    for (uint32_t i = 0; i < 2 && !test_failed(); i++)
        service_killed_in_a_call_to_itself(gate, i);
}

/* ---- 23 ---- */

#define NESTED_LEAST 12u
#define NESTED_MOST (2 * NESTED_LEAST)
#define CHAIN 0x80000000u

static struct server nested_servers[NESTED_MOST + 2], further_server;
static struct client waiting[NESTED_MOST], holders[4];

/* `count` workers of one pool nested in each other, the last of which waits elsewhere; two that wait for a signal; and as many
 * callers in the queue. Returns how long it takes to end one of the two. */
static uint32_t end_beside(uint32_t count, handle_t endpoint, handle_t further, handle_t go)
{
    const struct gate *gate = &gates[GATE_INT];
    for (uint32_t i = 0; i < count; i++)
        server_start_at(&nested_servers[i], gate, endpoint, i ? endpoint : further, go);
    server_start_at(&further_server, gate, further, endpoint, go);
    client_of(&holders[0], gate, further, 1, PRIORITY_TESTS);
    endpoint_reaches(further, ENDPOINT_IDLE, 0);
    client_of(&holders[1], gate, endpoint, CHAIN + count, PRIORITY_TESTS);
    endpoint_reaches(further, ENDPOINT_QUEUE, 1);
    for (uint32_t i = 0; i < 2; i++) {
        server_start_at(&nested_servers[count + i], gate, endpoint, further, go);
        client_of(&holders[2 + i], gate, endpoint, 2u << i, PRIORITY_TESTS);
        endpoint_reaches(endpoint, ENDPOINT_IDLE, 0);
    }
    for (uint32_t i = 0; i < count; i++)
        client_of(&waiting[i], gate, endpoint, 0, PRIORITY_TESTS);
    endpoint_reaches(endpoint, ENDPOINT_QUEUE, count);
    uint64_t begin = ticks();
    thread_destroy(nested_servers[count + 1].task.thread);
    return (uint32_t)(ticks() - begin);
}

static uint32_t time_of_an_end(uint32_t count)
{
    handle_t endpoint = HANDLE_NONE, further = HANDLE_NONE, go = HANDLE_NONE;
    endpoint_create(0, 0, &endpoint);
    endpoint_create(0, 0, &further);
    notification_create(&go);
    uint32_t took = end_beside(count, endpoint, further, go);
    for (uint32_t i = 0; i < count; i++)
        task_end(&waiting[i].task);
    for (uint32_t i = 0; i < COUNT(holders); i++)
        task_end(&holders[i].task);
    for (uint32_t i = 0; i < count + 2; i++)
        task_end(&nested_servers[i].task);
    task_end(&further_server.task);
    handle_close(go);
    handle_close(further);
    handle_close(endpoint);
    return took;
}

/* It took the cube of their number, with interrupts off: seconds. */
static void ending_beside_nested_workers(void)
{
    uint32_t least = time_of_an_end(NESTED_LEAST), most = time_of_an_end(NESTED_MOST);
    expect_passed();
    if (ticks_are_instructions())
        expect(most < 3 * least);
}

/* ---- 24 ---- */

/* The pages of a process's own bitmap were charged to nobody. */
static void pages_of_ports(void)
{
    struct child child = { .on_fault = NULL };
    handle_t port;
    expect_equal(ioport_create(startup_handle("ports"), 0x70, 1, &port), OK);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    uint32_t used = process_fact(child.process, PROCESS_QUOTA_USED);
    expect_equal(ioport_grant(port, child.process), OK);
    expect_equal(process_fact(child.process, PROCESS_QUOTA_USED), used + 3 * PAGE_SIZE);
    expect_equal(ioport_grant(port, child.process), OK);
    expect_equal(process_fact(child.process, PROCESS_QUOTA_USED), used + 3 * PAGE_SIZE);
    child_end(&child);
    handle_close(port);
}

/* ---- 25 ---- */

static struct raw received;
static handle_t stopped_at, reply_now;

/* Replies through the gate, and keeps what the next request brings. */
static void reply_once(struct task *task)
{
    struct message first = { .word = 0 };
    uint32_t bits;
    (void)task;
    ipc_wait(stopped_at, &first);
    notification_wait(reply_now, 1, TIMEOUT_NEVER, &bits);
    received = (struct raw){ .eax = (uint32_t)OP_REPLY_WAIT, .ebx = 1, .esi = OK, .eflags = 0x202 };
    raw_reply_sysenter(&received);
}

static void attach_one(struct task *task)
{
    handle_t notification = HANDLE_NONE;
    (void)task;
    notification_create(&notification);
    service_call_full(stopped_at, 0, 5, TIMEOUT_NEVER, notification, NULL, NULL);
}

/* A worker that came by SYSENTER, and was stopped before it saw its request, lost the handle that came along. */
static void stopped_with_a_handle(void)
{
    struct task worker, sender;
    uint32_t handle = 0;
    if (!gate_sysenter_usable()) {
        test_skip("no SYSENTER");
        return;
    }
    expect_equal(endpoint_create(ENDPOINT_TAKES_HANDLES, 0, &stopped_at), OK);
    expect_equal(notification_create(&reply_now), OK);
    task_create(&worker, reply_once, PRIORITY_TESTS);
    task_create(&sender, attach_one, PRIORITY_LOW);
    task_go(&worker);
    expect(endpoint_reaches(stopped_at, ENDPOINT_IDLE, 1));
    struct client client;
    client_of(&client, &gates[GATE_INT], stopped_at, 1, PRIORITY_TESTS);
    task_go(&sender);
    expect(endpoint_reaches(stopped_at, ENDPOINT_QUEUE, 1));
    notification_signal(reply_now, 1);
    expect(task_wait(&client.task));
    expect_equal(client.status, OK);
    task_end(&client.task);
    expect_equal(thread_stop(worker.thread), OK);
    expect_equal(thread_read_register(worker.thread, REGISTER_EDI, &handle), OK);
    expect_equal(thread_write_register(worker.thread, REGISTER_EBP, 3), OK);
    expect_equal(thread_start(worker.thread), OK);
    expect(task_wait(&worker));
    expect(handle != HANDLE_NONE);
    expect_equal(received.edi, handle);
    expect_equal(received.ebx, 5);
    expect_equal(received.ebp, 3);
    expect_equal(handle_close(handle), OK);
    task_end(&worker);
    task_end(&sender);
    handle_close(reply_now);
    handle_close(stopped_at);
}

/* ---- 26 ---- */

/* Whoever waits in a queue waits at the priority that it has now. */
static void priority_changes_in_a_queue(const struct gate *gate)
{
    struct client holder, low, middle;
    order_count = 0;
    hold(&holder, gate, gate->services->single, 0);
    expect_passed();
    low = (struct client){ .gate = gate, .endpoint = gate->services->single, .method = METHOD_ORDER, .word = 1 };
    middle = low;
    middle.word = 2;
    client_start(&middle, PRIORITY_MIDDLE);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 1));
    client_start(&low, PRIORITY_LOW);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 2));
    expect_equal(budget_set(low.task.thread, PRIORITY_TESTS, 10000), OK);
    release_holder(&holder, 0);
    expect(task_wait(&low.task) && task_wait(&middle.task));
    expect_equal(order_count, 2);
    expect_equal(order[0], 1);
    expect_equal(order[1], 2);
    task_end(&low.task);
    task_end(&middle.task);
}

static const struct test_case cases[] = {
    { "20: watches again and again", watches_again_and_again, NULL },
    { "21: a bystander of a circle", .run_gate = bystander_of_a_circle },
    { "22: a pool that dies piece by piece", .run_gate = pool_that_dies_piece_by_piece },
    { "23: an end beside nested workers", ending_beside_nested_workers, NULL },
    { "24: the pages of ports", pages_of_ports, NULL },
    { "25: stopped with a handle", stopped_with_a_handle, NULL },
    { "26: another priority while in a queue", .run_gate = priority_changes_in_a_queue },
};
TEST_GROUP(regression_call_tests, "regression");
