/* The test program: runs every case through the gates it is meant for and prints TAP. */
#include "tests.h"

#include "child.h"

#include "tests/audit/request.h"

static const struct test_group *const groups[] = {
    &call_tests,     &queue_tests,   &death_tests,  &deadline_tests,     &transfer_tests, &sysenter_tests,
    &flags_tests,    &protection_tests, &handle_tests, &memory_tests,    &quota_tests,    &thread_tests,
    &budget_tests,   &notification_tests, &device_tests, &fpu_tests,     &hostile_tests,  &fuzz_tests,
    &interrupt_tests, &regression_tests, &regression_call_tests, &spawn_tests, &restart_tests, &log_tests,
    &deadlock_tests, &exhaustion_tests, &kill_tests, &caller_tests, &pool_tests, &making_tests,
    &long_tests,     &attack_tests, &waiting_tests, &trace_tests,
};

#define SETTLE_TRIES 100u

/* ---- running ---- */

static void report(const struct test_group *group, const struct test_case *test, const char *gate)
{
    tap_report("%s: %s%s%s%s", group->name, test->name, gate ? " [" : "", gate ? gate : "", gate ? "]" : "");
}

/* Threads and processes that end do so a moment after those who wait for them are told. */
static void check_nothing_left(uint32_t threads, uint32_t processes)
{
    for (uint32_t i = 0; i < SETTLE_TRIES; i++) {
        if (info(INFO_THREADS_ALIVE) <= threads && info(INFO_PROCESSES_ALIVE) <= processes)
            return;
        sleep_microseconds(1000);
    }
    if (info(INFO_PROCESSES_ALIVE) > processes)
        test_fail_equal(__FILE__, __LINE__, "processes left behind", info(INFO_PROCESSES_ALIVE), processes);
    test_fail_equal(__FILE__, __LINE__, "threads left behind", info(INFO_THREADS_ALIVE), threads);
}

static void run_case(const struct test_group *group, const struct test_case *test, const struct gate *gate)
{
    uint32_t threads = info(INFO_THREADS_ALIVE), processes = info(INFO_PROCESSES_ALIVE);
    tap_begin();
    if (gate && gate->sysenter && !gate_sysenter_usable())
        test_skip("no SYSENTER");
    else if (gate)
        test->run_gate(gate);
    else
        test->run();
    if (!test_failed())
        check_nothing_left(threads, processes);
    if (!test_failed())
        expect_audit();
    report(group, test, gate ? gate->name : NULL);
}

static void run_group(const struct test_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->cases[i].run)
            run_case(group, &group->cases[i], NULL);
        for (uint32_t gate = 0; gate < GATES && group->cases[i].run_gate; gate++)
            run_case(group, &group->cases[i], &gates[gate]);
    }
}

/* only=GROUP in the system list runs that one alone. */
static bool is_wanted(const struct test_group *group)
{
    const char *only = argument("only");
    return !only || strcmp(only, group->name) == 0;
}

static uint32_t plan(void)
{
    uint32_t count = 0;
    for (uint32_t group = 0; group < COUNT(groups); group++)
        for (uint32_t i = 0; i < groups[group]->count && is_wanted(groups[group]); i++)
            count += groups[group]->cases[i].run ? 1 : GATES;
    return count;
}

int main(void)
{
    tap_plan(plan());
    services_start();
    pool_start();
    children_start();
    for (uint32_t i = 0; i < COUNT(groups); i++)
        if (is_wanted(groups[i]))
            run_group(groups[i]);
    uint32_t audits;
    if (audit_ask(AUDIT_CHECKS, &audits))
        print("# %u audits\n", audits);
    tap_end();
}
