/* The log service: what others print is kept, and can be read. */
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

static const struct test_case cases[] = {
    { "lines are kept", lines_are_kept, NULL },
    { "what is no text", what_is_no_text, NULL },
    { "bad requests", bad_requests, NULL },
    { "after its restart", after_its_restart, NULL },
};
TEST_GROUP(log_tests, "log");
