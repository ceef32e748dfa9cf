/* Tests in the guest: a program states expectations in cases and prints TAP, which the host judges (tests/boot/tap.py).
 *
 *     static void adds(void)
 *     {
 *         uint32_t sum;
 *         expect_equal(sum_add(service, 5, &sum), OK);
 *         expect(sum >= 5);
 *     }
 *
 *     static const struct tap_case cases[] = { { "adds", adds } };
 *
 *     int main(void) { return tap_run(cases, COUNT(cases)); }
 *
 * Its line of the system list says essential = true and control = true: the machine ends with it, with 0 if all cases passed. */
#ifndef TAP_H
#define TAP_H

#include <server.h>

struct tap_case {
    const char *name;
    void (*run)(void);
};

/* An expectation that is not met ends the function that states it, and fails the case: use them in functions that return
 * nothing. */
#define expect(condition) \
    do { \
        if (!(condition)) { \
            test_fail(__FILE__, __LINE__, #condition); \
            return; \
        } \
    } while (0)
#define expect_equal(actual, wanted) \
    do { \
        uint32_t actual_ = (uint32_t)(actual), wanted_ = (uint32_t)(wanted); \
        if (actual_ != wanted_) { \
            test_fail_equal(__FILE__, __LINE__, #actual, actual_, wanted_); \
            return; \
        } \
    } while (0)
/* After a helper that states expectations of its own. */
#define expect_passed() \
    do { \
        if (test_failed()) \
            return; \
    } while (0)

/* Runs every case and ends the machine. */
_Noreturn int tap_run(const struct tap_case *cases, uint32_t count);

/* The case fails, with the first of its reasons shown. */
void test_fail(const char *file, uint32_t line, const char *what);
void test_fail_equal(const char *file, uint32_t line, const char *what, uint32_t actual, uint32_t wanted);
void test_skip(const char *reason);
bool test_failed(void);

/* The parts of tap_run(), for a program with a loop of its own: each case begins, and is reported under the text that the format
 * makes. */
void tap_plan(uint32_t count);
void tap_begin(void);
void tap_report(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void tap_end(void);

#endif
