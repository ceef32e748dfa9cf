/* Start-up: arguments, environment, redirections, the working directory, exit handlers. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#define TRIES 500u

static char **arguments;
static int argument_count;

void start_keep(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
}

static void given_arguments(void)
{
    expect_equal(argument_count, 3);
    expect_text(arguments[0], "libc-tests");
    expect_text(arguments[1], "first");
    expect_text(arguments[2], "second");
    expect(!arguments[3]);
    arguments[1][0] = 'F';
    expect_text(arguments[1], "First");
}

static void environment(void)
{
    expect_text(getenv("home"), "/libc");
    expect(!getenv("0") && !getenv("none"));
    expect_equal(setenv("none", "some", 0), 0);
    expect_text(getenv("none"), "some");
    expect_equal(unsetenv("none"), 0);
    expect(!getenv("none"));
}

/* ---- what the programs in the role of a writer left ---- */

static char text[2048];

static const char *read_text(const char *path)
{
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
    text[length > 0 ? length : 0] = '\0';
    close(file);
    return text;
}

static uint32_t count_of(const char *wanted)
{
    uint32_t count = 0;
    for (const char *found = text; (found = strstr(found, wanted)); found++)
        count++;
    return count;
}

/* They run beside us, and may have no end yet. */
static void wait_for_ends(const char *path, uint32_t ends)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        read_text(path);
        if (count_of("goodbye\n") == ends)
            return;
        usleep(10000);
    }
    test_fail(__FILE__, __LINE__, "%s never came to its end: \"%s\"", path, text);
}

static void redirections(void)
{
    wait_for_ends("/written", 1);
    expect_passed();
    expect(strncmp(text, "3 last in /boot\n> ", 18) == 0 && strstr(text, "stdout=/written"));
    expect_text(text + strlen(text) - 8, "goodbye\n");
}

static void appended(void)
{
    wait_for_ends("/appended", 2);
    expect_passed();
    expect_equal(count_of("1 appender-1 in /\n"), 1);
    expect_equal(count_of("1 appender-2 in /\n"), 1);
}

static const struct test_case cases[] = {
    { "arguments", given_arguments },
    { "environment", environment },
    { "redirections, exit handlers", redirections },
    { "redirection to the end of a file", appended },
};

TEST_GROUP(start_tests, "start");
