/* What the files of the C library's test program share: cases and expectations. */
#ifndef TESTS_H
#define TESTS_H

#include <errno.h>
#include <stdbool.h>

#include <server.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

struct test_group {
    const char *name;
    const struct test_case *cases;
    uint32_t count;
};

#define TEST_GROUP(symbol, title) \
    const struct test_group symbol = { title, cases, COUNT(cases) }

/* The case fails, with the first of its reasons shown. */
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool test_failed(void);

/* An expectation that is not met ends the function that states it: use them in functions that return nothing. */
#define expect(condition) \
    do { \
        if (!(condition)) { \
            test_fail(__FILE__, __LINE__, "%s (errno %d)", #condition, errno); \
            return; \
        } \
    } while (0)
#define expect_equal(actual, wanted) \
    do { \
        long long actual_ = (long long)(actual), wanted_ = (long long)(wanted); \
        if (actual_ != wanted_) { \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %lld (errno %d)", #actual, actual_, wanted_, errno); \
            return; \
        } \
    } while (0)
#define expect_text(actual, wanted) \
    do { \
        const char *actual_ = (actual), *wanted_ = (wanted); \
        if (strcmp(actual_, wanted_) != 0) { \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #actual, actual_, wanted_); \
            return; \
        } \
    } while (0)
/* The call returns -1 or NULL with this errno. */
#define expect_error(call, error) \
    do { \
        errno = 0; \
        long result_ = (long)(call); \
        if (errno != (error) || (result_ != -1 && result_ != 0)) { \
            test_fail(__FILE__, __LINE__, "%s returns %ld with errno %d, not %d", #call, result_, errno, (error)); \
            return; \
        } \
    } while (0)
/* After a helper that states expectations of its own. */
#define expect_passed() \
    do { \
        if (test_failed()) \
            return; \
    } while (0)

/* Runs the function in so many threads at once, with their numbers, and waits for all of them. */
void run_threads(uint32_t count, void (*function)(void *number));
/* xorshift32; the same sequence in each run. */
uint32_t random_next(uint32_t *state);

/* ---- start-up (start.c) ---- */

/* What main() got. */
void start_keep(int argc, char **argv);

/* ---- services for the library to use (services.c) ---- */

#define CLOCK_START 1800000000u /* seconds since 1970 when the machine started, by our clock */

int console_main(void);
int clock_main(void);

/* ---- files (files.c) ---- */

/* The folder in which all of them work; each case gets it empty. */
#define FOLDER "/libc"

/* Makes a file with this text. */
void make_file(const char *path, const char *text);
/* The file holds exactly this text. */
void expect_file(const char *path, const char *text);
/* Removes everything in a folder. */
void empty_folder(const char *path);

extern const struct test_group start_tests, text_tests, pattern_tests, heap_tests, time_tests, descriptor_tests, file_tests,
    stream_tests, name_tests, directory_tests, path_tests, mount_tests, refused_tests, restart_tests, alone_tests;

#endif
