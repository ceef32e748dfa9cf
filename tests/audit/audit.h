/* The audit kernel: the kernel's own objects, linked with checks of its invariants. See audit.c. */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "object.h"

struct endpoint;
struct process;
struct thread;

/* Counts a violation; false when so many were written to the log that this one need not be. */
bool violation_counts(void);
#define check(condition, ...) \
    do { \
        if (!(condition) && violation_counts()) { \
            log_print("audit: " __VA_ARGS__); \
            log_character('\n'); \
        } \
    } while (0)

/* ---- objects.c: every object that can be reached from the process tree ---- */
struct account {
    struct object *object;
    uint32_t references;    /* that were found */
    uint32_t serving;       /* of an endpoint: handles with RIGHT_SERVE */
    uint32_t charged;       /* of a process: bytes */
};

/* Finds them all, then checks reference counts, charges, limits and handle tables. */
void audit_objects(void);
extern struct account accounts[];
extern uint32_t account_count;

/* ---- each of these checks one object ---- */
void audit_thread(struct thread *thread);
void audit_endpoint(struct endpoint *endpoint, uint32_t serving);
void audit_process_memory(struct process *process);

/* ---- and these what there is one of ---- */
void audit_scheduler(void);
void audit_kernel_memory(void);

/* ---- failures.c: allocations that fail when they are told to ---- */
void failures_arm(uint32_t countdown);
uint32_t failures_so_far(void);

#endif
