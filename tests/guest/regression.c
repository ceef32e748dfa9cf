/* One case for each defect that was found, numbered in the order in which they were. */
#include "child.h"

#define AC 0x00040000u
#define DEATH_LIMIT_MS 500u

/* ---- 1 ---- */

static uint32_t end_at_once(void)
{
    return 7;
}

/* INT 250 left without looking at cpu->reschedule when the calling thread had died: whoever its death made ready
 * waited for the next interrupt. */
static void death_on_an_idle_cpu(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t before = uptime();
    uint32_t outcome = child_run(&child, end_at_once, NULL);
    uint32_t waited = uptime() - before;
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect(waited < DEATH_LIMIT_MS);
}

/* ---- 2 ---- */

static handle_t answering_endpoint;

static void answer_with_alignment_check(struct task *task)
{
    struct raw wait = { .eax = SYS_wait, .ecx = answering_endpoint, .eflags = 0x202 };
    struct raw reply = { .eax = SYS_reply_wait, .ebx = 5, .esi = OK, .edi = HANDLE_NONE, .eflags = 0x202 | AC };
    (void)task;
    raw_int(&wait);
    raw_int(&reply);
}

/* INT does not clear AC, and without SMAP nor did the kernel: SYSEXIT handed a worker's AC to its client. */
static void flags_of_a_reply(const struct gate *gate)
{
    struct task worker;
    struct raw raw;
    expect_equal(endpoint_create(0, 0, &answering_endpoint), OK);
    task_create(&worker, answer_with_alignment_check, PRIORITY_TESTS);
    task_go(&worker);
    expect_passed();
    expect(endpoint_reaches(answering_endpoint, ENDPOINT_IDLE, 1));
    raw_call(&raw, gate, answering_endpoint, METHOD_ECHO, 4, 0);
    raw_enter(gate, &raw);
    task_end(&worker);
    handle_close(answering_endpoint);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx, 5);
    expect_equal(raw.eflags & AC, 0);
}

/* ---- 3 ---- */

#define SUPERVISORS 150u
#define CHAIN_QUOTA (30u * 1024u)
#define CODE_ADDRESS 0x10000u

/* EBX: endpoint. Waits for a fault report, and then faults itself. */
static const uint8_t wait_and_fault[] = { 0x89, 0xD9, 0xB8, SYS_wait, 0, 0, 0, 0xCD, 0xFA, 0x0F, 0x0B };
#define FAULT_AT_ONCE (CODE_ADDRESS + sizeof(wait_and_fault) - 2)

static struct {
    handle_t code, endpoints[SUPERVISORS], processes[SUPERVISORS];
} chain;

static void prepare_code(void)
{
    uint32_t window = address_reserve(1);
    expect_equal(memory_create(1, 0, &chain.code), OK);
    expect_equal(process_map(HANDLE_NONE, chain.code, window, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
    memcpy((void *)window, wait_and_fault, sizeof(wait_and_fault));
    process_unmap(HANDLE_NONE, window, 1);
    address_release(window, 1);
}

/* Number `i` is supervised through endpoint i, and serves the endpoint before it; the first one just faults. */
static void start_supervisor(uint32_t i)
{
    handle_t there = HANDLE_NONE, thread;
    expect_equal(endpoint_create(0, 0, &chain.endpoints[i]), OK);
    expect_equal(process_create(CHAIN_QUOTA, chain.endpoints[i], 0, &chain.processes[i]), OK);
    expect_equal(process_map(chain.processes[i], chain.code, CODE_ADDRESS, PROTECT_READ | PROTECT_EXECUTE, 0, 1), OK);
    if (i > 0)
        expect_equal(process_give(chain.processes[i], chain.endpoints[i - 1], RIGHT_SERVE, &there), OK);
    expect_equal(thread_create(chain.processes[i], i ? CODE_ADDRESS : FAULT_AT_ONCE, 0, there, PRIORITY_TESTS, &thread), OK);
    expect_equal(thread_start(thread), OK);
    handle_close(thread);
}

static void end_chain(void)
{
    for (uint32_t i = 0; i < SUPERVISORS && chain.processes[i]; i++) {
        expect_equal(process_fact(chain.processes[i], PROCESS_THREADS), 0);
        expect_equal(process_destroy(chain.processes[i], 0), OK);
        handle_close(chain.processes[i]);
        handle_close(chain.endpoints[i]);
    }
    handle_close(chain.code);
}

/* Each thread ended its caller, which ended its own: the kernel stack grew with the chain. */
static void chain_of_faulting_supervisors(void)
{
    memset(&chain, 0, sizeof(chain));
    prepare_code();
    for (uint32_t i = 0; i < SUPERVISORS && !test_failed(); i++)
        start_supervisor(i);
    expect_passed();
    expect(endpoint_reaches(chain.endpoints[SUPERVISORS - 1], ENDPOINT_QUEUE, 1));
    handle_close(chain.endpoints[SUPERVISORS - 1]);
    end_chain();
}

static const struct test_case cases[] = {
    { "1: a death readies another thread on an idle CPU", death_on_an_idle_cpu, NULL },
    { "2: AC of a worker that replies by INT 250", .run_gate = flags_of_a_reply },
    { "3: a chain of supervisors that fault", chain_of_faulting_supervisors, NULL },
};
TEST_GROUP(regression_tests, "regression");
