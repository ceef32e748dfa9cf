/* The guest's side of the Test Anything Protocol: numbered cases, checks that name what failed. */
#ifndef TAP_H
#define TAP_H

#include <server.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* A failed check is remembered with its text and place; the case goes on, so that it can clean up. */
#define CHECK(condition) check_that(condition, #condition, __FILE__, __LINE__)
/* The same, showing the number that came out. */
#define CHECK_EQUAL(measured, expected) check_equal((uint32_t)(measured), (uint32_t)(expected), #measured, __FILE__, __LINE__)
bool check_that(bool condition, const char *text, const char *file, int line);
bool check_equal(uint32_t measured, uint32_t expected, const char *text, const char *file, int line);
/* The running case cannot run on this machine: reported as skipped, with the reason. */
void skip(const char *reason);

/* One file, one group; each table ends with a NULL name. */
extern const struct test call_tests[], sysenter_tests[], protection_tests[], handle_tests[], memory_tests[], thread_tests[],
    notification_tests[], fpu_tests[], failure_tests[], fuzz_tests[];

/* ---- gates: IPC cases run once through each ---- */
struct gate {
    const char *name;
    status_t (*call)(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status);
};
/* Runs the body for every gate that this machine has. */
void for_each_gate(void (*body)(const struct gate *gate));

uint32_t info(uint32_t which);
/* Gives other threads of our priority the CPU until they all wait. */
void settle(void);

#endif
