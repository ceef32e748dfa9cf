/* One case for each defect that was found, numbered in the order in which they were. */
#include "child.h"

#define AC 0x00040000u
#define DEATH_LIMIT_MS 500u

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

static const struct test_case cases[] = {
    { "1: a death readies another thread on an idle CPU", death_on_an_idle_cpu, NULL },
    { "2: AC of a worker that replies by INT 250", .run_gate = flags_of_a_reply },
};
TEST_GROUP(regression_tests, "regression");
