/* What the files of the test program share: cases and expectations, gates, threads, the services under test. */
#ifndef TESTS_H
#define TESTS_H

#include <server.h>

#include "libserver/testing/tap.h"

/* ---------------------------------------------------------------- cases (main.c) */

/* One of the two gates, and the services of ours whose workers reply through it. */
struct gate {
    const char *name;
    bool sysenter;
    status_t (*call)(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status);
    status_t (*null)(void);
    const struct services *services;
};

enum { GATE_INT, GATE_SYSENTER, GATES };
extern const struct gate gates[GATES];

struct test_case {
    const char *name;
    void (*run)(void);                          /* this, or the next */
    void (*run_gate)(const struct gate *gate);  /* makes two cases of it, one for each gate */
};

struct test_group {
    const char *name;
    const struct test_case *cases;
    uint32_t count;
};

#define TEST_GROUP(symbol, title) \
    const struct test_group symbol = { title, cases, COUNT(cases) }

/* ---------------------------------------------------------------- small helpers (support.c) */

#define PRIORITY_TESTS 16u      /* of the main thread and of every worker; the system list says so too */
#define SECOND 1000000u         /* microseconds */

uint32_t info(uint32_t which);
uint32_t process_fact(handle_t process, uint32_t which);
uint32_t endpoint_fact(handle_t endpoint, uint32_t which);
/* Bytes of our quota in use, once threads of lower priority have let go of what they still held. */
uint32_t quota_used(void);
/* Waits up to a second until the fact has the value. */
bool endpoint_reaches(handle_t endpoint, uint32_t which, uint32_t value);
uint32_t uptime(void); /* milliseconds */
/* Keeps the CPU busy. */
void spin(uint32_t microseconds);
/* Whether the time stamp counter counts executed instructions: icount, Bochs. */
bool ticks_are_instructions(void);
/* xorshift32; the same sequence in each run. */
uint32_t random_next(uint32_t *state);
/* Status of one call, and of the service if that is OK. */
status_t call(const struct gate *gate, handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply);

/* Asks the audit kernel (tests/audit/request.h); false: this is another kernel. */
bool audit_ask(uint32_t question, uint32_t *answer);
/* Expects the audit kernel to find nothing wrong; other kernels are not asked. */
void expect_audit(void);
/* The registers of the local APIC; NULL, and the case skipped or failed, where that cannot be. (interrupts.c) */
volatile uint32_t *apic_open(void);
void apic_close(void);

/* The authority to trace, from init. (trace.c) */
status_t trace_authority(handle_t *authority);
/* A trace of our own into so many pages; it ends, and what it has recorded is given back. These state expectations. */
void trace_begin(uint32_t pages);
void trace_end(void);
void trace_forget(void);

/* A thread of ours on a stack of its own. */
struct task {
    void (*run)(struct task *task);
    handle_t thread, done;
    void *stack;
};
/* Makes the thread; task_go() lets it run. */
void task_create(struct task *task, void (*run)(struct task *task), uint32_t priority);
void task_go(struct task *task);
/* True once run() has returned; waits up to two seconds for it. */
bool task_wait(struct task *task);
/* True when run() has not returned after 20 ms. */
bool task_blocked(struct task *task);
/* Ends the thread wherever it is and frees what it had. */
void task_end(struct task *task);

/* A thread that makes one call and keeps what came back. */
struct client {
    struct task task;
    const struct gate *gate;
    handle_t endpoint;
    uint32_t method, word, timeout; /* timeout other than 0 or TIMEOUT_NEVER: INT 250 whatever the gate */
    uint32_t reply;
    status_t status, service_status;
};
void client_start(struct client *client, uint32_t priority);

/* ---------------------------------------------------------------- the services under test (services.c) */

struct services {
    handle_t pool;      /* four workers */
    handle_t single;    /* one worker */
    handle_t refusing;  /* one worker, no queue */
    handle_t capped;    /* four workers, one request for each badge */
};

enum service_method {
    METHOD_ECHO = 1,    /* word -> word. Method 0 is that of sessions */
    METHOD_BADGE,       /* -> badge */
    METHOD_NUMBER,      /* -> method */
    METHOD_STATUS,      /* replies with the service status `word` */
    METHOD_MISSING,     /* NULL in the table */
    METHOD_HOLD,        /* tells `entered`, waits for bit `word` of `release`; word -> word + 1 */
    METHOD_CANCELLED,   /* tells `entered`, waits until it has no caller any more; counts in `cancelled` */
    METHOD_ORDER,       /* appends word to `order` */
    METHOD_NESTED,      /* calls METHOD_ECHO of `nested_target` through `nested_gate` */
    METHOD_FORWARD,     /* calls nested_method of `nested_target` through `nested_gate` */
    METHOD_FLAGS,       /* -> EFLAGS of the handler */
    METHOD_SEGMENTS,    /* -> DS | ES << 8 | FS << 16 | GS << 24 of the handler */
    METHOD_SPIN,        /* spins for `word` microseconds */
    METHOD_TAKE,        /* keeps the attached handle in `taken`; -> 1 if there was one */
    METHOD_GIVE,        /* replies with the handle `word` attached; -> 77 */
    METHOD_SLOT,        /* adds one to each byte of slot `word` of the client's session; -> slot size */
    METHOD_PATTERN,     /* leaves junk in the FPU; -> word */
    METHODS
};

extern struct services services[GATES];
extern handle_t entered, release;
extern volatile uint32_t cancelled;
extern volatile uint32_t order[16], order_count;
extern handle_t nested_target;
extern uint32_t nested_method;
extern const struct gate *nested_gate;
extern volatile handle_t taken;

void services_start(void);
/* The one of pool.c. */
void pool_start(void);
/* Waits up to a second for a METHOD_HOLD or METHOD_CANCELLED to have been entered. */
bool service_entered(void);
/* Starts a client that holds a worker; release_holder() lets it end. */
void hold(struct client *client, const struct gate *gate, handle_t endpoint, uint32_t bit);
void release_holder(struct client *client, uint32_t bit);

extern const struct test_group call_tests, queue_tests, death_tests, deadline_tests, transfer_tests, sysenter_tests,
    flags_tests, protection_tests, handle_tests, memory_tests, quota_tests, thread_tests, budget_tests,
    notification_tests, device_tests, fpu_tests, hostile_tests, fuzz_tests, interrupt_tests, regression_tests,
    regression_call_tests, spawn_tests, restart_tests, log_tests, deadlock_tests, exhaustion_tests, kill_tests,
    caller_tests, pool_tests, making_tests, long_tests, attack_tests, waiting_tests, trace_tests;

#endif
