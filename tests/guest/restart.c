/* A service that init starts again when it ends: its clients keep their handles, and those that wait are served. */
#include "supervision.h"

#include "tests/hostile/hostile.h"

#define NAME "hostile-again"
#define WORKERS 4u

static handle_t partner;

static void find(void)
{
    expect_equal(service_find(NAME, &partner), OK);
}

static void expect_served(const struct gate *gate)
{
    uint32_t answer = 0;
    expect_equal(call(gate, partner, HOSTILE_ECHO, 0x5EED, &answer), OK);
    expect_equal(answer, 0x5EED);
}

static void after_its_end(const struct gate *gate, uint32_t method)
{
    find();
    expect_passed();
    const struct process_entry *entry = entry_of(NAME);
    uint32_t restarts = entry->restarts, number = entry->number, answer;
    expect_served(gate);
    expect_equal(call(gate, partner, method, 0, &answer), E_PEER_DIED);
    expect_served(gate);
    expect_passed();
    expect_equal(entry->restarts, restarts + 1);
    expect_equal(entry->number, number);
    expect(reaches(&entry->state, PROCESS_RUNNING)); /* its workers serve a moment before it is announced */
    handle_close(partner);
}

static void after_an_exit(const struct gate *gate) { after_its_end(gate, HOSTILE_EXIT); }
static void after_a_fault(const struct gate *gate) { after_its_end(gate, HOSTILE_FAULT); }

static void start_client(struct client *client, const struct gate *gate, uint32_t method)
{
    *client = (struct client){ .gate = gate, .endpoint = partner, .method = method, .word = 5 };
    client_start(client, PRIORITY_TESTS);
}

static void expect_result(struct client *client, status_t status)
{
    expect(task_wait(&client->task));
    expect_equal(client->status, status);
    task_end(&client->task);
}

/* All workers are busy for ever: those that they serve are told, and the caller that waits has a new instance answer it. */
static void queued_callers_wait(const struct gate *gate)
{
    struct client served[WORKERS], queued;
    find();
    expect_served(gate);
    const struct process_entry *entry = entry_of(NAME);
    for (uint32_t i = 0; i < WORKERS; i++)
        start_client(&served[i], gate, HOSTILE_SILENT);
    expect(reaches(&entry->idle, 0));
    start_client(&queued, gate, HOSTILE_ECHO);
    expect(reaches(&entry->queue, 1));
    expect_equal(ask_init(INIT_KILL, entry->number, HANDLE_NONE, NULL, NULL), OK);
    for (uint32_t i = 0; i < WORKERS; i++)
        expect_result(&served[i], E_PEER_DIED);
    expect_result(&queued, OK);
    expect_passed();
    expect_equal(queued.reply, 5);
    handle_close(partner);
}

/* Both threads are reported in the same words: the second report, of a process that is gone, must not end the next instance. */
static void two_threads_fault(void)
{
    struct client client;
    find();
    expect_passed();
    const struct process_entry *entry = entry_of(NAME);
    uint32_t restarts = entry->restarts;
    start_client(&client, &gates[GATE_INT], HOSTILE_FAULT_TWICE);
    expect_result(&client, E_PEER_DIED);
    expect_served(&gates[GATE_INT]);
    sleep_microseconds(SECOND / 20);
    expect_served(&gates[GATE_INT]);
    expect(reaches(&entry->state, PROCESS_RUNNING));
    expect_equal(entry->restarts, restarts + 1);
    handle_close(partner);
}

/* ---- what init reports of them: the harness reads it ---- */

static void fault_in_a_chain(uint32_t method)
{
    const struct process_entry *entry = entry_of("hostile-last");
    uint32_t answer;
    expect_equal(service_find("hostile-print", &partner), OK);
    expect(reaches(&entry->state, PROCESS_RUNNING));
    expect_equal(service_call(partner, HOSTILE_FORWARD, method, &answer), E_PEER_DIED);
}

/* The two before the one that has ended are as they were, and the next one serves them. */
static void chain_goes_on(void)
{
    uint32_t answer;
    expect_passed();
    expect_equal(service_call(partner, HOSTILE_FORWARD, HOSTILE_EAT, &answer), OK);
    handle_close(partner);
}

static void chain_writes_to_nothing(void)
{
    fault_in_a_chain(HOSTILE_FAULT);
    chain_goes_on();
}

static void chain_calls_nothing(void)
{
    fault_in_a_chain(HOSTILE_NULL_CALL);
    chain_goes_on();
}

static void chain_overflows_its_stack(void)
{
    fault_in_a_chain(HOSTILE_OVERFLOW);
    chain_goes_on();
}

/* Of a higher priority than whoever faults, and awake again many times while the report is printed. */
#define PRINTER_PRIORITY (PRIORITIES - 2)
#define PRINTER_PAUSE 20u

static volatile bool printing;

static void print_lines(struct task *task)
{
    (void)task;
    while (printing) {
        print("# beside\n");
        sleep_microseconds(PRINTER_PAUSE);
    }
}

static void reported_beside_a_printer(void)
{
    struct task printer;
    printing = true;
    task_create(&printer, print_lines, PRINTER_PRIORITY);
    task_go(&printer);
    expect_passed();
    fault_in_a_chain(HOSTILE_FAULT);
    printing = false;
    expect(task_wait(&printer));
    task_end(&printer);
    chain_goes_on();
}

static const struct test_case cases[] = {
    { "handles stay valid after an exit", .run_gate = after_an_exit },
    { "handles stay valid after a fault", .run_gate = after_a_fault },
    { "callers in the queue wait for the next instance", .run_gate = queued_callers_wait },
    { "two threads of one process fault", two_threads_fault, NULL },
    { "a null pointer written to, two calls deep", chain_writes_to_nothing, NULL },
    { "a null pointer called, two calls deep", chain_calls_nothing, NULL },
    { "a stack that overflows, two calls deep", chain_overflows_its_stack, NULL },
    { "a fault reported beside somebody who prints", reported_beside_a_printer, NULL },
};
TEST_GROUP(restart_tests, "restart");
