/* What a program is told by init, or by the program that starts it: one page, mapped read-only at STARTUP_ADDRESS. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

#include <postern.h>

#define STARTUP_ADDRESS 0x00020000u
#define STATISTICS_ADDRESS (STARTUP_ADDRESS + PAGE_SIZE) /* struct startup_statistics */
#define STARTUP_MAGIC 0x53525450u /* "PTRS" */
#define STARTUP_NAME 17           /* a service name: up to 16 bytes and the 0 */
#define STARTUP_KEY 16
#define STARTUP_RESOURCES 16
#define STARTUP_ARGUMENTS 2048

/* Where things lie in every program's address space. The library hands out [ALLOCATION_BOTTOM, ALLOCATION_TOP),
 * programs are linked below it, and whoever starts a program puts its first stack above it. */
#define PROGRAM_BOTTOM 0x00100000u
#define ALLOCATION_BOTTOM 0x80000000u
#define ALLOCATION_TOP 0xB0000000u
#define STACK_TOP (USER_TOP - PAGE_SIZE)

struct startup_resource {
    char key[STARTUP_KEY];          /* "ports", "irq", "device-memory"; empty after the last */
    handle_t handle;
};

struct startup {
    uint32_t magic;
    char name[STARTUP_NAME];        /* in the system list */
    uint32_t priority;              /* of the first thread */
    uint32_t text_start, text_end;  /* the segment with its code, for fault reports */
    handle_t process;               /* the program itself: handle 1 << 5, the first that is put into its table */
    handle_t init;                  /* init's endpoint: 2 << 5 */
    handle_t endpoint;              /* its own, to serve and to control: 3 << 5; HANDLE_NONE for children (spawn.h) */
    struct startup_resource resources[STARTUP_RESOURCES];
    char arguments[STARTUP_ARGUMENTS]; /* "key=value\0key=value\0\0" */
};

/* What a program tells init: a page that it writes, zero at first. */
struct startup_statistics {
    uint32_t calls;                 /* requests handled, of pools with .count_calls */
    uint32_t busy_high;             /* workers of its announced pool that were ever busy at once */
};

_Static_assert(sizeof(struct startup) <= PAGE_SIZE, "the startup page is one page");

#endif
