/* Processes that may be hurt: each has a copy of this program's image, so that any function of ours can run there. */
#ifndef CHILD_H
#define CHILD_H

#include "tests.h"

#define CHILD_QUOTA (256u * 1024u)

/* Every register at a gate: what to enter with, and what came back. Layout known to raw.c. */
struct raw {
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp;
    uint32_t eflags;    /* to set before entering */
    uint32_t segments;  /* selector for DS, ES, FS and GS: those of the mask */
    uint32_t mask;      /* bit 0: DS, 1: ES, 2: FS, 3: GS; the others stay */
    uint32_t ds, es, fs, gs; /* afterwards; the caller's are put back */
    uint32_t esp;       /* at the gate */
};

/* One page that the test program and all its children see at the same address; every child starts with it cleared. */
struct shared {
    handle_t handles[16];
    volatile uint32_t words[256];
    struct raw raw;
};
#define SHARED ((struct shared *)0x70000000)
#define CHILD_STACK_TOP 0x60000000u
#define CHILD_STACK_BYTES (2 * PAGE_SIZE)
#define CHILD_SCRATCH 0x50000000u   /* never used by a child itself */

struct child {
    handle_t process, thread;
    handle_t events;            /* CHILD_FAULTED, CHILD_ENDED */
    uint32_t badge;
    volatile uint32_t faults;   /* how many so far; below, the last */
    uint32_t registers[REGISTER_COUNT];
    /* Decides about a fault: OK lets the thread go on. NULL: the thread ends and child_wait() returns. */
    status_t (*on_fault)(struct child *child, handle_t thread);
};

#define CHILD_FAULTED 1u
#define CHILD_ENDED 2u

void children_start(void);
/* Our handle of the endpoint at which their faults arrive. */
handle_t children_supervisor(void);
/* A process with our image and a stack, and no thread yet. States expectations. */
void child_create(struct child *child, uint32_t quota);
/* Puts a copy of a handle of ours into the child's table, with `rights`; its number there. */
handle_t child_give(struct child *child, handle_t handle, uint32_t rights);
/* Lets it run function(); what that returns becomes the exit code. The main thread of the child has this priority; it may
 * give no higher one than PRIORITY_TESTS. */
void child_start(struct child *child, uint32_t (*function)(void), uint32_t priority);
/* Waits for the end or a fatal fault; CHILD_FAULTED, CHILD_ENDED, or 0 when nothing happens for `timeout` us. */
uint32_t child_wait(struct child *child, uint32_t timeout);
uint32_t child_exit_code(const struct child *child);
void child_end(struct child *child);
/* Where a child's thread begins: EBX holds the function. */
void child_entry(void);
/* All of it: creates, starts and waits two seconds. `prepare` gives handles; NULL: nothing to give. */
uint32_t child_run(struct child *child, uint32_t (*function)(void), void (*prepare)(struct child *child));
/* Expects the function to end by this exception; the child's registers are left in *child. */
void expect_fault(uint32_t (*function)(void), uint32_t vector, struct child *child);

/* on_fault: as if the faulting function had returned at once. Only for functions that push nothing. */
status_t return_from_fault(struct child *child, handle_t thread);

/* Through the gate with all registers from *raw, and all of them back into it. */
void raw_int(struct raw *raw);
void raw_sysenter(struct raw *raw);
extern const char raw_sysenter_return[];
static inline void raw_enter(const struct gate *gate, struct raw *raw)
{
    (gate->sysenter ? raw_sysenter : raw_int)(raw);
}
/* The same for a reply, behind which comes the next request: through SYSENTER, first says to receive it here. */
void raw_reply_sysenter(struct raw *raw);
extern const char raw_received[];
static inline void raw_reply(const struct gate *gate, struct raw *raw)
{
    (gate->sysenter ? raw_reply_sysenter : raw_int)(raw);
}
/* Fills in a call of `method`; every register without a meaning gets `junk`. */
void raw_call(struct raw *raw, const struct gate *gate, handle_t endpoint, uint32_t method, uint32_t word, uint32_t junk);

#endif
