/* Who waits for a thread: what a supervisor is told of a chain of calls that ends in a fault, and what nobody is told. */
#include "child.h"

#define LINKS 3u            /* children, each of which calls the next; the last faults */

struct chain {
    struct child links[LINKS];
    handle_t endpoints[LINKS];
};

static struct chain chain;

/* What thread_caller() said while the fault was reported; depth 0, 1, 2, 3 and the last that there is. */
#define DEPTHS 5u
static const uint32_t depths[DEPTHS] = { 0, 1, 2, 3, 0xFFFFFFFF };
static struct { status_t status; uint32_t badge; } seen[DEPTHS];
static status_t by_call_right, by_another_endpoint, by_process, by_nothing, unreadable;

/* ---- the chain ---- */

/* Replies through the gate, and waits for what comes next through it too: the fast path links only workers that it resumes. */
static void reply_and_wait(const struct gate *gate)
{
    struct raw raw = { .eax = gate->sysenter ? (uint32_t)OP_REPLY_WAIT : SYS_reply_wait, .esi = OK, .edi = HANDLE_NONE,
                       .eflags = 0x202 };
    raw_reply(gate, &raw);
}

static uint32_t link(void)
{
    uint32_t place = SHARED->words[0], answer;
    const struct gate *gate = &gates[SHARED->words[1]];
    struct message first = { .word = 0 };
    ipc_wait(SHARED->handles[place], &first);
    reply_and_wait(gate);
    if (place == LINKS - 1)
        *(volatile uint32_t *)0 = 1;
    return (uint32_t)call(gate, SHARED->handles[LINKS + place], METHOD_ECHO, 0, &answer);
}

static status_t note_callers(struct child *child, handle_t thread)
{
    handle_t weak = HANDLE_NONE;
    uint32_t badge;
    (void)child;
    for (uint32_t i = 0; i < DEPTHS; i++)
        seen[i].status = thread_caller(thread, children_supervisor(), depths[i], &seen[i].badge);
    handle_duplicate(children_supervisor(), RIGHTS_ALL & ~RIGHT_SERVE, 0, &weak);
    by_call_right = thread_caller(thread, weak, 0, &badge);
    handle_close(weak);
    by_another_endpoint = thread_caller(thread, services[GATE_INT].pool, 0, &badge);
    by_process = thread_caller(thread, self_process(), 0, &badge);
    by_nothing = thread_caller(thread, HANDLE_NONE, 0, &badge);
    handle_duplicate(thread, RIGHTS_ALL & ~RIGHT_READ, 0, &weak);
    unreadable = thread_caller(weak, children_supervisor(), 0, &badge);
    handle_close(weak);
    return E_PEER_DIED;
}

/* Each serves before the next one starts, and has answered once. */
static void start_link(uint32_t place)
{
    uint32_t answer;
    SHARED->words[0] = place;
    child_start(&chain.links[place], link, PRIORITY_TESTS);
    expect_passed();
    expect(endpoint_reaches(chain.endpoints[place], ENDPOINT_IDLE, 1));
    expect_equal(service_call(chain.endpoints[place], METHOD_ECHO, 0, &answer), OK);
    expect(endpoint_reaches(chain.endpoints[place], ENDPOINT_IDLE, 1));
}

static void start_chain(const struct gate *gate)
{
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < LINKS; i++) {
        chain.links[i].on_fault = note_callers;
        child_create(&chain.links[i], CHILD_QUOTA);
        expect_equal(endpoint_create(0, 0, &chain.endpoints[i]), OK);
    }
    SHARED->words[1] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    for (uint32_t i = 0; i < LINKS; i++) {
        SHARED->handles[i] = child_give(&chain.links[i], chain.endpoints[i], RIGHT_SERVE);
        if (i + 1 < LINKS)
            SHARED->handles[LINKS + i] = child_give(&chain.links[i], chain.endpoints[i + 1], RIGHT_CALL);
    }
    for (uint32_t i = 0; i < LINKS && !test_failed(); i++)
        start_link(i);
}

static void end_chain(void)
{
    for (uint32_t i = 0; i < LINKS; i++) {
        child_end(&chain.links[i]);
        handle_close(chain.endpoints[i]);
    }
}

/* ---- cases ---- */

static void fault_in_a_chain(const struct gate *gate)
{
    struct client client;
    uint32_t badges[LINKS];
    start_chain(gate);
    expect_passed();
    for (uint32_t i = 0; i < LINKS; i++)
        badges[i] = chain.links[i].badge;
    client = (struct client){ .gate = gate, .endpoint = chain.endpoints[0], .method = METHOD_ECHO };
    client_start(&client, PRIORITY_TESTS);
    expect_passed();
    expect_equal(child_wait(&chain.links[LINKS - 1], 2 * SECOND), CHILD_FAULTED);
    end_chain();
    task_end(&client.task);
    expect_equal(seen[0].status, OK);
    expect_equal(seen[0].badge, badges[1]);
    expect_equal(seen[1].status, OK);
    expect_equal(seen[1].badge, badges[0]);
    expect_equal(seen[2].status, E_NO_RIGHT); /* our own thread, whose supervisor is init */
    expect_equal(seen[3].status, E_NO_CALLER);
    expect_equal(seen[4].status, E_NO_CALLER);
}

static void others_are_told_nothing(const struct gate *gate)
{
    fault_in_a_chain(gate);
    expect_passed();
    expect_equal(by_call_right, E_NO_RIGHT);
    expect_equal(by_another_endpoint, E_NO_RIGHT);
    expect_equal(by_process, E_BAD_TYPE);
    expect_equal(by_nothing, E_BAD_HANDLE);
    expect_equal(unreadable, E_NO_RIGHT);
}

/* Two wait at one endpoint, so that the second is linked to the first, which is no caller. */
static handle_t idle_endpoint;

static void wait_idly(struct task *task)
{
    struct message message = { .word = 0 };
    (void)task;
    ipc_wait(idle_endpoint, &message);
}

static void idle_workers_serve_nobody(void)
{
    struct task tasks[2];
    uint32_t badge;
    expect_equal(endpoint_create(0, 0, &idle_endpoint), OK);
    for (uint32_t i = 0; i < COUNT(tasks); i++) {
        task_create(&tasks[i], wait_idly, PRIORITY_TESTS);
        task_go(&tasks[i]);
    }
    expect_passed();
    expect(endpoint_reaches(idle_endpoint, ENDPOINT_IDLE, COUNT(tasks)));
    for (uint32_t i = 0; i < COUNT(tasks); i++) {
        expect_equal(thread_caller(tasks[i].thread, idle_endpoint, 0, &badge), E_NO_CALLER);
        expect_equal(thread_caller(tasks[i].thread, idle_endpoint, 1, &badge), E_NO_CALLER);
    }
    expect_equal(thread_destroy(tasks[0].thread), OK);
    expect_equal(thread_caller(tasks[0].thread, idle_endpoint, 0, &badge), E_BAD_STATE);
    for (uint32_t i = 0; i < COUNT(tasks); i++)
        task_end(&tasks[i]);
    handle_close(idle_endpoint);
}

/* ---- what each thread waits for ---- */

/* Of another thread than the wanted one: not there. */
static struct thread_facts facts_of(uint32_t number)
{
    struct thread_facts facts = { 0 };
    process_thread(HANDLE_NONE, number - 1, &facts);
    return facts.number == number ? facts : (struct thread_facts){ .state = ~0u };
}

/* The thread made last has the highest number. */
static uint32_t last_number(void)
{
    struct thread_facts facts = { 0 };
    uint32_t last = 0;
    while (process_thread(HANDLE_NONE, last, &facts) == OK) {
        last = facts.number > last ? facts.number : ~0u;
    }
    return last;
}

/* One service thread, a caller that it serves, and another in the queue behind. */
static void threads_say_whom_they_wait_for(const struct gate *gate)
{
    struct client served, queued;
    uint32_t numbers[2];
    hold(&served, gate, gate->services->single, 0);
    numbers[0] = last_number();
    queued = (struct client){ .gate = gate, .endpoint = gate->services->single, .method = METHOD_ECHO };
    client_start(&queued, PRIORITY_TESTS);
    expect(endpoint_reaches(queued.endpoint, ENDPOINT_QUEUE, 1));
    numbers[1] = last_number();
    expect_passed();
    expect(numbers[1] > numbers[0]);
    struct thread_facts caller = facts_of(numbers[0]), worker = facts_of(caller.peer);
    expect_equal(caller.state, THREAD_FACT_ACTIVE);
    expect_equal(worker.state, THREAD_FACT_NOTIFIED);
    expect_equal(worker.peer, 0);
    expect_equal(facts_of(numbers[1]).state, THREAD_FACT_QUEUED);
    expect_equal(facts_of(numbers[1]).peer, worker.number);
    release_holder(&served, 0);
    expect(task_wait(&queued.task));
    worker = facts_of(worker.number);
    expect_equal(worker.state, THREAD_FACT_ACTIVE); /* idle */
    expect_equal(worker.peer, 0);
    task_end(&queued.task);
}

static void a_queue_without_workers(const struct gate *gate)
{
    struct client client = { .gate = gate, .method = METHOD_ECHO };
    expect_equal(endpoint_create(0, 0, &client.endpoint), OK);
    client_start(&client, PRIORITY_TESTS);
    expect(endpoint_reaches(client.endpoint, ENDPOINT_QUEUE, 1));
    struct thread_facts caller = facts_of(last_number());
    expect_equal(caller.state, THREAD_FACT_QUEUED);
    expect_equal(caller.peer, 0);
    task_end(&client.task);
    expect_equal(handle_close(client.endpoint), OK);
}

static void threads_are_told_to_who_has_control(void)
{
    struct thread_facts facts = { 0 };
    handle_t weak;
    expect_equal(process_thread(HANDLE_NONE, last_number(), &facts), E_NOT_FOUND);
    expect_equal(process_thread(HANDLE_NONE, 0xFFFFFFFF, &facts), E_NOT_FOUND);
    expect_equal(handle_duplicate(self_process(), RIGHTS_ALL & ~RIGHT_CONTROL, 0, &weak), OK);
    expect_equal(process_thread(weak, 0, &facts), E_NO_RIGHT);
    expect_equal(handle_close(weak), OK);
}

static const struct test_case cases[] = {
    { "callers of a thread that faults", .run_gate = fault_in_a_chain },
    { "callers are told to their supervisor alone", .run_gate = others_are_told_nothing },
    { "idle workers serve nobody", idle_workers_serve_nobody, NULL },
    { "threads say whom they wait for", .run_gate = threads_say_whom_they_wait_for },
    { "a queue without workers leads to nobody", .run_gate = a_queue_without_workers },
    { "threads are told to who has control", threads_are_told_to_who_has_control, NULL },
};
TEST_GROUP(caller_tests, "callers");
