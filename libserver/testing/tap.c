/* What a test program in the guest reports: TAP, with the reason of each failure. */
#include "tap.h"

#define REASON_BYTES 160u
#define NAME_BYTES 120u

static struct {
    uint32_t number, failures;
    bool failed;
    const char *skipped;
    char reason[REASON_BYTES];
} state;

static void format_reason(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    state.reason[text_format(state.reason, REASON_BYTES - 1, format, &arguments)] = '\0';
    va_end(arguments);
}

/* Only the first reason counts: later ones are mostly its consequences. */
void test_fail(const char *file, uint32_t line, const char *what)
{
    if (!state.failed)
        format_reason("%s:%u: %s", file, line, what);
    state.failed = true;
}

void test_fail_equal(const char *file, uint32_t line, const char *what, uint32_t actual, uint32_t wanted)
{
    if (!state.failed)
        format_reason("%s:%u: %s is 0x%x, not 0x%x", file, line, what, actual, wanted);
    state.failed = true;
}

void test_skip(const char *reason)
{
    state.skipped = reason;
}

bool test_failed(void)
{
    return state.failed;
}

void tap_plan(uint32_t count)
{
    print("1..%u\n", count);
}

void tap_begin(void)
{
    state.failed = false;
    state.skipped = NULL;
    state.reason[0] = '\0';
}

void tap_report(const char *format, ...)
{
    char name[NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    name[text_format(name, NAME_BYTES - 1, format, &arguments)] = '\0';
    va_end(arguments);
    state.number++;
    state.failures += state.failed;
    const char *comment = state.failed ? " # " : state.skipped ? " # SKIP " : "";
    print("%s %u - %s%s%s\n", state.failed ? "not ok" : "ok", state.number, name, comment,
          state.failed ? state.reason : state.skipped ? state.skipped : "");
}

void tap_end(void)
{
    print("# %u cases, %u failed\n", state.number, state.failures);
    machine_exit(state.failures ? 1 : 0);
}

int tap_run(const struct tap_case *cases, uint32_t count)
{
    tap_plan(count);
    for (uint32_t i = 0; i < count; i++) {
        tap_begin();
        cases[i].run();
        tap_report("%s", cases[i].name);
    }
    tap_end();
}
