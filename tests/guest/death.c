/* Deaths on either side of a call: every call completes exactly once, and the pool stays usable. */
#include "child.h"

static void expect_usable(const struct gate *gate, handle_t endpoint)
{
    uint32_t answer = 0;
    expect_equal(call(gate, endpoint, METHOD_ECHO, 1234, &answer), OK);
    expect_equal(answer, 1234);
}

/* ---- the client's end ---- */

static void start_cancellable(struct client *client, const struct gate *gate, handle_t endpoint)
{
    *client = (struct client){ .gate = gate, .endpoint = endpoint, .method = METHOD_CANCELLED };
    cancelled = 0;
    client_start(client, PRIORITY_TESTS);
    expect_passed();
    expect(service_entered());
}

static bool was_cancelled(handle_t endpoint, uint32_t workers)
{
    return endpoint_reaches(endpoint, ENDPOINT_IDLE, workers) && cancelled == 1;
}

static void client_destroyed_while_served(const struct gate *gate)
{
    struct client client;
    start_cancellable(&client, gate, gate->services->single);
    expect_passed();
    task_end(&client.task);
    expect(was_cancelled(gate->services->single, 1));
    expect_usable(gate, gate->services->single);
}

static void client_cancelled_while_served(const struct gate *gate)
{
    struct client client;
    start_cancellable(&client, gate, gate->services->single);
    expect_passed();
    expect_equal(thread_cancel(client.task.thread), OK);
    expect(task_wait(&client.task));
    expect_equal(client.status, E_CANCELLED);
    expect(was_cancelled(gate->services->single, 1));
    task_end(&client.task);
    expect_usable(gate, gate->services->single);
}

static void client_stopped_while_served(const struct gate *gate)
{
    struct client client;
    start_cancellable(&client, gate, gate->services->single);
    expect_passed();
    expect_equal(thread_stop(client.task.thread), OK);
    expect(task_blocked(&client.task));
    expect(was_cancelled(gate->services->single, 1));
    expect_equal(thread_start(client.task.thread), OK);
    expect(task_wait(&client.task));
    expect_equal(client.status, E_CANCELLED);
    task_end(&client.task);
}

static void start_queued(struct client *holder, struct client *client, const struct gate *gate)
{
    hold(holder, gate, gate->services->single, 0);
    *client = (struct client){ .gate = gate, .endpoint = gate->services->single, .method = METHOD_ORDER, .word = 7 };
    order_count = 0;
    client_start(client, PRIORITY_TESTS);
    expect_passed();
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 1));
}

static void client_destroyed_in_queue(const struct gate *gate)
{
    struct client holder, client;
    start_queued(&holder, &client, gate);
    expect_passed();
    task_end(&client.task);
    expect_equal(endpoint_fact(gate->services->single, ENDPOINT_QUEUE), 0);
    release_holder(&holder, 0);
    expect_usable(gate, gate->services->single);
    expect_equal(order_count, 0);
}

static void client_cancelled_in_queue(const struct gate *gate)
{
    struct client holder, client;
    start_queued(&holder, &client, gate);
    expect_passed();
    expect_equal(thread_cancel(client.task.thread), OK);
    expect(task_wait(&client.task));
    expect_equal(client.status, E_CANCELLED);
    release_holder(&holder, 0);
    expect_equal(order_count, 0);
    task_end(&client.task);
}

/* A whole process dies while one of its threads is served, and another waits in the queue. */
static uint32_t child_calls(void)
{
    uint32_t answer;
    call(&gates[SHARED->words[0]], SHARED->handles[0], METHOD_CANCELLED, 0, &answer);
    return 0;
}

static void client_process_killed(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    cancelled = 0;
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    SHARED->handles[0] = child_give(&child, gate->services->single, RIGHT_CALL);
    child_start(&child, child_calls, PRIORITY_TESTS);
    expect_passed();
    expect(service_entered());
    child_end(&child);
    expect(was_cancelled(gate->services->single, 1));
    expect_usable(gate, gate->services->single);
}

/* ---- the client's end while its worker is itself in a call ---- */

/* client -> a worker of the pool -> the single one, which holds on. */
static void start_sub_call(struct client *client, const struct gate *gate)
{
    nested_gate = gate;
    nested_target = gate->services->single;
    nested_method = METHOD_HOLD;
    *client = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = METHOD_FORWARD, .word = 2 };
    client_start(client, PRIORITY_TESTS);
    expect_passed();
    expect(service_entered());
}

/* The rest of the chain runs to its end, and replies to nobody. */
static void expect_rest_runs(const struct gate *gate)
{
    expect_equal(endpoint_fact(gate->services->single, ENDPOINT_IDLE), 0);
    notification_signal(release, 1u << 2);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_IDLE, 1));
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    expect_usable(gate, gate->services->pool);
    expect_usable(gate, gate->services->single);
}

static void client_destroyed_above_a_sub_call(const struct gate *gate)
{
    struct client client;
    start_sub_call(&client, gate);
    expect_passed();
    task_end(&client.task);
    expect_rest_runs(gate);
}

static void client_cancelled_above_a_sub_call(const struct gate *gate)
{
    struct client client;
    start_sub_call(&client, gate);
    expect_passed();
    expect_equal(thread_cancel(client.task.thread), OK);
    expect(task_wait(&client.task));
    expect_equal(client.status, E_CANCELLED);
    expect_rest_runs(gate);
    task_end(&client.task);
}

/* ---- the service's end ---- */

static uint32_t child_serves(void)
{
    struct message message = { .word = 0 };
    ipc_wait(SHARED->handles[0], &message);
    while (SHARED->words[2] == 0) {
        SHARED->words[1]++;
        uint32_t method = message.method;
        if (method == METHOD_HOLD)
            notification_wait(SHARED->handles[1], 1, TIMEOUT_NEVER, &message.word);
        if (method == METHOD_STATUS)
            process_destroy(HANDLE_NONE, 9);
        if (method == METHOD_SPIN)
            *(volatile uint32_t *)0 = 1;
        message.status = OK;
        message.handle = HANDLE_NONE;
        ipc_reply_wait(&message);
    }
    return 0;
}

struct partner { /* a child that serves `endpoint` */
    struct child child;
    handle_t endpoint;
};

/* With the endpoint in our hands it is not deserted when the child dies, so those who wait go on waiting. */
static void partner_start(struct partner *partner)
{
    *partner = (struct partner){ .endpoint = HANDLE_NONE };
    expect_equal(endpoint_create(0, 0, &partner->endpoint), OK);
    child_create(&partner->child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&partner->child, partner->endpoint, RIGHT_SERVE);
    SHARED->handles[1] = child_give(&partner->child, release, RIGHT_READ);
    child_start(&partner->child, child_serves, PRIORITY_TESTS);
    expect_passed();
    expect(endpoint_reaches(partner->endpoint, ENDPOINT_IDLE, 1));
}

static void partner_end(struct partner *partner)
{
    child_end(&partner->child);
    handle_close(partner->endpoint);
}

static void start_client(struct client *client, const struct gate *gate, const struct partner *partner, uint32_t method)
{
    *client = (struct client){ .gate = gate, .endpoint = partner->endpoint, .method = method };
    client_start(client, PRIORITY_TESTS);
}

static void expect_peer_died(struct client *client)
{
    expect(task_wait(&client->task));
    expect_equal(client->status, E_PEER_DIED);
    task_end(&client->task);
}

static void service_killed(const struct gate *gate)
{
    struct partner partner;
    struct client client;
    partner_start(&partner);
    expect_passed();
    start_client(&client, gate, &partner, METHOD_HOLD);
    expect(task_blocked(&client.task));
    expect_equal(process_destroy(partner.child.process, 3), OK);
    expect_peer_died(&client);
    partner_end(&partner);
}

static void service_exits(const struct gate *gate)
{
    struct partner partner;
    struct client client;
    partner_start(&partner);
    expect_passed();
    start_client(&client, gate, &partner, METHOD_STATUS);
    expect_peer_died(&client);
    expect_equal(child_exit_code(&partner.child), 9);
    partner_end(&partner);
}

static void worker_faults(const struct gate *gate)
{
    struct partner partner;
    struct client client;
    partner_start(&partner);
    expect_passed();
    start_client(&client, gate, &partner, METHOD_SPIN);
    expect_peer_died(&client);
    expect_equal(child_wait(&partner.child, SECOND), CHILD_FAULTED);
    expect_equal(partner.child.registers[REGISTER_FAULT_VECTOR], 14);
    partner_end(&partner);
}

static void worker_destroyed(const struct gate *gate)
{
    struct partner partner;
    struct client client;
    partner_start(&partner);
    expect_passed();
    start_client(&client, gate, &partner, METHOD_HOLD);
    expect(task_blocked(&client.task));
    expect_equal(thread_destroy(partner.child.thread), OK);
    expect_peer_died(&client);
    partner_end(&partner);
}

/* Whoever waits in the queue meets the next worker; when none can come any more, the error. */
static void queue_outlives_worker(const struct gate *gate)
{
    struct partner partner;
    struct client served, queued;
    partner_start(&partner);
    expect_passed();
    start_client(&served, gate, &partner, METHOD_HOLD);
    expect(task_blocked(&served.task));
    start_client(&queued, gate, &partner, METHOD_ECHO);
    expect(endpoint_reaches(partner.endpoint, ENDPOINT_QUEUE, 1));
    expect_equal(process_destroy(partner.child.process, 3), OK);
    expect_peer_died(&served);
    expect(task_blocked(&queued.task));
    expect_equal(handle_close(partner.endpoint), OK);
    expect_peer_died(&queued);
    child_end(&partner.child);
}

/* A chain client -> our worker -> partner: the middle dies, the far end goes on and is told. */
static void leaf_dies(const struct gate *gate)
{
    struct partner partner;
    struct client client;
    partner_start(&partner);
    expect_passed();
    nested_gate = gate;
    nested_target = partner.endpoint;
    nested_method = METHOD_STATUS;
    client = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = METHOD_FORWARD };
    client_start(&client, PRIORITY_TESTS);
    expect(task_wait(&client.task));
    expect_equal(client.status, OK);
    expect_equal(client.service_status, E_PEER_DIED);
    task_end(&client.task);
    partner_end(&partner);
    expect_usable(gate, gate->services->pool);
}

static uint32_t child_forwards(void)
{
    struct message message = { .word = 0 };
    ipc_wait(SHARED->handles[0], &message);
    call(&gates[SHARED->words[0]], SHARED->handles[1], METHOD_CANCELLED, 0, &message.word);
    return 0;
}

static void middle_dies(const struct gate *gate)
{
    struct partner partner = { .endpoint = HANDLE_NONE };
    struct client client;
    cancelled = 0;
    expect_equal(endpoint_create(0, 0, &partner.endpoint), OK);
    child_create(&partner.child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    SHARED->handles[0] = child_give(&partner.child, partner.endpoint, RIGHT_SERVE);
    SHARED->handles[1] = child_give(&partner.child, gate->services->single, RIGHT_CALL);
    child_start(&partner.child, child_forwards, PRIORITY_TESTS);
    start_client(&client, gate, &partner, METHOD_ECHO);
    expect_passed();
    expect(service_entered());
    partner_end(&partner);
    expect_peer_died(&client);
    expect(was_cancelled(gate->services->single, 1));
    expect_usable(gate, gate->services->single);
}

/* ---- replies that nobody waits for ---- */

static void reply_without_caller(const struct gate *gate)
{
    struct raw raw;
    raw_call(&raw, gate, 0, 0, 0, 0);
    raw.eax = gate->sysenter ? (uint32_t)OP_REPLY_WAIT : SYS_reply_wait;
    raw_reply(gate, &raw);
    expect_equal(raw.eax, E_NO_CALLER);
    expect_equal(raw.esi, 0xFFFFFFFF);
}

static handle_t own_endpoint;

static void wait_while_serving(struct task *task)
{
    struct message message = { .word = 0 }, second = { .word = 0 };
    (void)task;
    if (ipc_wait(own_endpoint, &message) < 0)
        return;
    message.word = (uint32_t)ipc_wait(own_endpoint, &second);
    message.status = (status_t)second.method;
    message.handle = HANDLE_NONE;
    ipc_reply_wait(&message);
}

static void wait_before_reply(const struct gate *gate)
{
    struct task worker;
    uint32_t answer = 0;
    status_t service_status = 0;
    expect_equal(endpoint_create(0, 0, &own_endpoint), OK);
    task_create(&worker, wait_while_serving, PRIORITY_TESTS);
    task_go(&worker);
    expect_passed();
    expect_equal(gate->call(own_endpoint, 0, 0, &answer, &service_status), OK);
    expect_equal(answer, E_BAD_STATE);
    expect_equal(service_status, -1);
    task_end(&worker);
    handle_close(own_endpoint);
}

/* ---- workers that are not serving, or serve what nobody else could ---- */

static void wait_once(struct task *task)
{
    struct message message = { .word = 0 };
    (void)task;
    if (ipc_wait(own_endpoint, &message) >= 0)
        sleep_microseconds(10 * SECOND);
}

/* Those above and below it on the stack go on waiting. */
static void idle_worker_ends(void)
{
    static const uint32_t order[] = { 1, 3, 0, 2 };
    struct task workers[COUNT(order)];
    expect_equal(endpoint_create(0, 0, &own_endpoint), OK);
    for (uint32_t i = 0; i < COUNT(workers); i++) {
        task_create(&workers[i], wait_once, PRIORITY_TESTS);
        task_go(&workers[i]);
        expect(endpoint_reaches(own_endpoint, ENDPOINT_IDLE, i + 1));
    }
    for (uint32_t i = 0; i < COUNT(order); i++) {
        task_end(&workers[order[i]]);
        expect_equal(endpoint_fact(own_endpoint, ENDPOINT_IDLE), COUNT(order) - 1 - i);
    }
    handle_close(own_endpoint);
}

/* No handle is left by which another worker could come: whoever is queued learns it from the last worker's end. */
static void last_worker_ends(const struct gate *gate)
{
    struct task worker;
    handle_t callable;
    expect_equal(endpoint_create(0, 0, &own_endpoint), OK);
    expect_equal(handle_duplicate(own_endpoint, RIGHT_CALL | RIGHT_READ, 0, &callable), OK);
    struct client served = { .gate = gate, .endpoint = callable }, queued = served;
    task_create(&worker, wait_once, PRIORITY_TESTS);
    task_go(&worker);
    expect(endpoint_reaches(callable, ENDPOINT_IDLE, 1));
    client_start(&served, PRIORITY_TESTS);
    expect(task_blocked(&served.task));
    client_start(&queued, PRIORITY_TESTS);
    expect(endpoint_reaches(callable, ENDPOINT_QUEUE, 1));
    expect_equal(handle_close(own_endpoint), OK);
    expect(task_blocked(&queued.task));
    task_end(&worker);
    expect_peer_died(&served);
    expect_peer_died(&queued);
    handle_close(callable);
}

static void status_of_no_request(void)
{
    expect_equal(request_status(), E_CANCELLED);
}

/* The worker that is calling is cut off from its caller; whom it called goes on, on the worker's own budget. */
static void caller_of_a_caller_dies(const struct gate *gate)
{
    struct client client = { .gate = gate, .endpoint = gate->services->pool, .method = METHOD_FORWARD };
    uint32_t answer = 0;
    nested_target = gate->services->single;
    nested_method = METHOD_HOLD;
    nested_gate = gate;
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    client_start(&client, PRIORITY_TESTS);
    expect_passed();
    expect(service_entered());
    task_end(&client.task);
    expect_equal(endpoint_fact(gate->services->pool, ENDPOINT_IDLE), 3);
    expect_equal(endpoint_fact(gate->services->single, ENDPOINT_IDLE), 0);
    expect_equal(notification_signal(release, 1), OK);
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    expect(endpoint_reaches(gate->services->single, ENDPOINT_IDLE, 1));
    expect_equal(call(gate, gate->services->single, METHOD_ECHO, 5, &answer), OK);
    expect_equal(answer, 5);
}

static const struct test_case cases[] = {
    { "client destroyed while served", .run_gate = client_destroyed_while_served },
    { "client cancelled while served", .run_gate = client_cancelled_while_served },
    { "client stopped while served", .run_gate = client_stopped_while_served },
    { "client destroyed while its worker is in a sub-call", .run_gate = client_destroyed_above_a_sub_call },
    { "client cancelled while its worker is in a sub-call", .run_gate = client_cancelled_above_a_sub_call },
    { "client destroyed in the queue: the service never sees it", .run_gate = client_destroyed_in_queue },
    { "client cancelled in the queue", .run_gate = client_cancelled_in_queue },
    { "client's process killed while served", .run_gate = client_process_killed },
    { "service's process killed while serving", .run_gate = service_killed },
    { "service's process exits while serving", .run_gate = service_exits },
    { "worker faults while serving", .run_gate = worker_faults },
    { "worker destroyed while serving", .run_gate = worker_destroyed },
    { "queued callers outlive a worker, not the endpoint", .run_gate = queue_outlives_worker },
    { "the end of a chain dies", .run_gate = leaf_dies },
    { "the middle of a chain dies", .run_gate = middle_dies },
    { "a reply without a caller", .run_gate = reply_without_caller },
    { "a wait before the reply", .run_gate = wait_before_reply },
    { "an idle worker ends in the middle of the stack", idle_worker_ends, NULL },
    { "the last worker ends, and no other can come", .run_gate = last_worker_ends },
    { "request status outside a request", status_of_no_request, NULL },
    { "the caller of a caller dies", .run_gate = caller_of_a_caller_dies },
};
TEST_GROUP(death_tests, "death");
