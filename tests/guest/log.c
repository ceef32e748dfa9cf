/* The log service: what others print is kept, and can be read. */
#include "child.h"
#include "supervision.h"

#include "tests/hostile/hostile.h"

static uint32_t ask(const char *name, uint32_t method, uint32_t word)
{
    handle_t partner;
    uint32_t answer = 0xFFFFFFFF;
    if (service_find(name, &partner) == OK)
        service_call(partner, method, word, &answer);
    handle_close(partner);
    return answer;
}

static void lines_are_kept(void)
{
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 1), 0);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 1), 0);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 2), 0);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 1), 0);
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 1), 2);
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 2), 1);
    const struct process_entry *log = entry_of("log");
    expect(log && log->calls >= 6);
}

static void what_is_no_text(void)
{
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 0x80000003), 0);
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 3), 1);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 4), 0);
}

static void bad_requests(void)
{
    expect_equal(ask("hostile-read", HOSTILE_LOG_WRONGLY, 0), HOSTILE_LOG_MISTAKES);
}

/* What is printed first finds the session gone, and goes to the kernel's log. */
static void after_its_restart(void)
{
    expect_equal(ask_init(INIT_KILL, entry_of("log")->number, HANDLE_NONE, NULL, NULL), OK);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 5), 0);
    sleep_microseconds(SECOND / 2);
    expect_equal(ask("hostile-print", HOSTILE_PRINT, 6), 0);
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 1), 0);
    expect_equal(ask("hostile-read", HOSTILE_READ_LOG, 6), 1);
}

static uint32_t end_in_a_line(void)
{
    uint32_t ignored;
    system_call(SYS_log, 0x68202323, 0x20666C61, 0x696C2061, 0x0000656E, 14, &ignored); /* "## half a line" */
    return 7;
}

/* What others print next begins a line of its own: were it not so, the result of this case would not be found. */
static void ends_in_the_middle_of_a_line(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, end_in_a_line, NULL), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

static const struct test_case cases[] = {
    { "lines are kept", lines_are_kept, NULL },
    { "what is no text", what_is_no_text, NULL },
    { "bad requests", bad_requests, NULL },
    { "a process ends in the middle of a line", ends_in_the_middle_of_a_line, NULL },
    { "after its restart", after_its_restart, NULL },
};
TEST_GROUP(log_tests, "log");
