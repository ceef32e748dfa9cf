/* A program where there are no services: what then is an error, and what is not. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <signal.h>
#include <unistd.h>

#include "tests.h"

static void console(void)
{
    char text[300];
    expect(isatty(0) && isatty(1));
    expect_error(read(0, text, sizeof(text)), ENXIO);
    memset(text, '.', sizeof(text));
    memcpy(text, "# ", 2);
    text[sizeof(text) - 1] = '\n';
    expect_equal(write(1, text, sizeof(text)), sizeof(text));
}

static void files(void)
{
    struct stat status;
    char text[8];
    expect_error(open("/a", O_RDONLY), ENXIO);
    expect_error(stat("/a", &status), ENXIO);
    expect_error(mkdir("/a", 0755), ENXIO);
    expect_error(opendir("/"), ENXIO);
    expect_error(chdir("/a"), ENXIO);
    expect_text(getcwd(text, sizeof(text)), "/");
    expect(!fopen("/a", "r"));
}

static void others(void)
{
    expect(time(NULL) >= 0 && time(NULL) < 300); /* since 1970, when the machine then was started */
    expect_equal(usleep(10), 0);
    void *block = malloc(300000);
    expect(block);
    free(block);
    expect_error(kill(12345, 9), EACCES);
}

static const struct test_case cases[] = {
    { "console", console },
    { "files", files },
    { "time, memory, other processes", others },
};

TEST_GROUP(alone_tests, "alone");
