/* The C library's test program: runs every case and prints TAP. Its other roles are those that role= says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

#define PRIORITY_DEFAULT 0

static const struct test_group *const groups[] = {
    &start_tests, &text_tests, &pattern_tests, &heap_tests, &time_tests, &descriptor_tests, &file_tests, &stream_tests,
    &name_tests, &directory_tests, &path_tests, &mount_tests, &refused_tests,
    &restart_tests, &alone_tests,
};

static struct {
    uint32_t number, failures;
    bool failed;
    char reason[200];
} state;

/* ---- what a case reports ---- */

/* Only the first reason counts: later ones are mostly its consequences. */
void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    if (state.failed)
        return;
    state.failed = true;
    int used = snprintf(state.reason, sizeof(state.reason), "%s:%d: ", file, line);
    va_start(arguments, format);
    vsnprintf(state.reason + used, sizeof(state.reason) - (size_t)used, format, arguments);
    va_end(arguments);
}

bool test_failed(void)
{
    return state.failed;
}

/* ---- helpers ---- */

uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct {
    void (*function)(void *);
    handle_t finished;
} threads;

static void thread_main(void *number)
{
    threads.function(number);
    notification_signal(threads.finished, 1u << (uint32_t)number);
}

void run_threads(uint32_t count, void (*function)(void *number))
{
    uint32_t bits, missing = (1u << count) - 1;
    handle_t thread;
    threads.function = function;
    expect_equal(notification_create(&threads.finished), OK);
    for (uint32_t i = 0; i < count; i++) {
        expect_equal(thread_spawn(thread_main, (void *)i, PRIORITY_DEFAULT, &thread), OK);
        handle_close(thread);
    }
    for (; missing; missing &= ~bits)
        expect_equal(notification_wait(threads.finished, missing, 10000000, &bits), OK);
    handle_close(threads.finished);
}

/* ---- running ---- */

static void run_case(const struct test_group *group, const struct test_case *test)
{
    state.failed = false;
    state.reason[0] = '\0';
    if (chdir("/") == 0)
        empty_folder(FOLDER);
    if (!state.failed)
        test->run();
    state.number++;
    state.failures += state.failed;
    printf("%s %lu - %s: %s%s%s\n", state.failed ? "not ok" : "ok", (unsigned long)state.number, group->name, test->name,
           state.failed ? " # " : "", state.reason);
}

/* only=GROUP in the system list runs that one alone; "alone" wants to be so. */
static bool is_wanted(const struct test_group *group)
{
    const char *only = getenv("only");
    return only ? strcmp(only, group->name) == 0 : group != &alone_tests;
}

static void run_all(void)
{
    uint32_t planned = 0;
    for (uint32_t i = 0; i < COUNT(groups); i++)
        planned += is_wanted(groups[i]) ? groups[i]->count : 0;
    printf("1..%lu\n", (unsigned long)planned);
    for (uint32_t i = 0; i < COUNT(groups); i++)
        for (uint32_t j = 0; j < groups[i]->count && is_wanted(groups[i]); j++)
            run_case(groups[i], &groups[i]->cases[j]);
    printf("# %lu cases, %lu failed\n", (unsigned long)state.number, (unsigned long)state.failures);
}

/* ---- the other roles ---- */

static void say_goodbye(void)
{
    printf("goodbye\n");
}

/* Copies its input, which the list redirects, as its output, and says where it is. */
static int write_report(int argc, char **argv)
{
    char line[80], folder[80];
    atexit(say_goodbye);
    printf("%d %s in %s\n", argc, argv[argc - 1], getcwd(folder, sizeof(folder)));
    while (fgets(line, sizeof(line), stdin))
        printf("> %s", line);
    return 0;
}

static int play(const char *role, int argc, char **argv)
{
    if (strcmp(role, "console") == 0)
        return console_main();
    return strcmp(role, "clock") == 0 ? clock_main() : write_report(argc, argv);
}

int main(int argc, char **argv)
{
    const char *role = getenv("role");
    if (role)
        return play(role, argc, argv);
    start_keep(argc, argv);
    mkdir(FOLDER, 0755);
    run_all();
    fflush(stdout);
    machine_exit(state.failures ? 1 : 0);
}
