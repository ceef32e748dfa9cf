/* A thread (execution context), its budget (scheduling context), and the CPU that it belongs to.
 *
 * A call lends the caller's budget to the worker. The chain of one logical thread is root -> callee -> callee -> leaf;
 * only the leaf runs, on the budget of the root, and nothing has to be written for that on the fast path: the CPU just
 * keeps its current budget while its current thread changes. Ideas: seL4 MCS (lending), Hubris (handlers say what runs
 * next, one place switches), xv6 (the rule beside each field). */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "list.h"
#include "local.h"
#include "object.h"
#include "queue.h"
#include "timer.h"
#include "work.h"

struct cpu;
struct endpoint;
struct memory;
struct process;
struct thread;
struct trace;

struct budget {
    struct object object;       /* type and payer unused in the budget that is embedded in a thread */
    struct list link;           /* in cpu->ready while its thread waits for the CPU */
    struct thread *thread;      /* who runs on it next; valid while in cpu->ready */
    struct thread *bound;       /* the thread whose chain it serves as base budget; NULL: a free budget object */
    uint8_t priority;           /* 0 to 31 */
    bool queued;                /* in cpu->ready */
    uint32_t slice;             /* ticks of one turn */
    uint32_t left;              /* ticks left of this turn */
    uint64_t used;              /* ticks of CPU time ever used */
};

/* Where a thread is when it is neither running nor linked in by the fast path. */
enum thread_state {
    THREAD_ACTIVE,      /* running, serving, calling or idle: see thread_activity() */
    THREAD_STOPPED,     /* created and not started, or stopped */
    THREAD_READY,       /* its budget is in cpu->ready */
    THREAD_QUEUED,      /* caller in endpoint->callers: every worker is busy */
    THREAD_WAITING,     /* in notification->waiters */
    THREAD_DOOMED,      /* in cpu->work: it ends on the way out of the kernel */
    THREAD_DEAD
};

/* What THREAD_ACTIVE means, derived and never stored, so that the fast path need not write it. */
enum thread_activity { ACTIVITY_RUNNING, ACTIVITY_CALLING, ACTIVITY_IDLE };

/* thread.flags: zero is the only value with which the fast path resumes a thread. */
#define FLAG_RESUME_BY_IRET 0x01u   /* came in by INT, exception or interrupt: every register is in the frame */
#define FLAG_NEVER 0x02u            /* null_thread: neither worker nor caller */
#define FLAG_ACCEPTS_HANDLE 0x04u   /* the caller takes a handle with the reply */
#define FLAG_FAULTED 0x08u          /* its call is a fault report: the reply resumes or destroys it */
#define FLAG_DEADLINE 0x10u         /* its timer is armed: to be cancelled on the way */
#define FLAG_FPU 0x20u              /* its FPU state is in the registers of the CPU (arch's) */
#define FLAG_SINGLE_STEP 0x40u      /* entered by SYSENTER with TF set: leaves by IRET with TF set (arch's) */

#define BADGE_NONE 0xFFFFFFFFu      /* no handle has it */

struct thread {
    struct object object;
    uint32_t padding_to_line[5];    /* so that the 64 bytes from frame.eip on are one cache line */

    struct frame frame;             /* owner: the entry code while running, C otherwise. Its tail is hot: eip, esp */
    /* ---- the hot line goes on: sysenter/entry.asm uses these, arch/x86/offsets.c names them ---- */
    uint32_t root;                  /* = process->space.root: CR3 */
    struct handle_entry *handles;   /* = process->handles.entries */
    uint32_t handle_mask;           /* = HANDLE_MASK */
    uint32_t flags;                 /* FLAG_*; 0: nothing unusual */
    struct thread *link;            /* serving: the caller. Idle: the next idle worker. Otherwise null_thread */
    struct thread *callee;          /* being served: the worker. Otherwise NULL */
    struct endpoint *endpoint;      /* which it serves; null_endpoint before its first wait */
    uint32_t wait_eip, wait_esp;    /* of its last SYS_wait: where it receives, once it has replied through SYSENTER. While it
                                       idles so, frame.eip and frame.esp are stale: arch_frame_complete() */
    struct handle_entry *last_entry;    /* in the live table of the process: what the last call through SYSENTER went through */
    /* ---- end of the hot line ---- */

    struct process *process;        /* holds a reference */
    uint32_t number;                /* of all threads ever created, for traces; 0: idle */
    struct list in_process;         /* process->threads */
    struct list in_endpoint;        /* endpoint->workers */
    struct list queue_link;         /* endpoint->callers or notification->waiters, by state */
    enum thread_state state;
    uint32_t badge;                 /* as caller by the C path: of the handle it called through */
    uint32_t left_by;               /* as worker: badge of the caller that has left it, until it replies or waits; BADGE_NONE */
    handle_t attached;              /* as caller: handle to move with the request, until it is delivered */
    struct budget *base;            /* own, or a bound budget object: the budget of the chain of which it is the root */
    struct budget *budget;          /* QUEUED, WAITING, READY: the one it runs on next; else stale */
    struct budget own;
    union {                         /* by state */
        struct endpoint *queued_at;                                     /* THREAD_QUEUED; holds a reference */
        struct { struct notification *notification; uint32_t mask; } waiting;   /* THREAD_WAITING; holds a reference */
    };
    uint8_t queued_priority;        /* THREAD_QUEUED: level that it is queued with: its budget's */
    bool searched;                  /* deadlock.c: a search has been here; false between searches */
    struct timer timer;             /* deadline of the blocking call it is in */
    struct work work;               /* THREAD_DOOMED */
    struct memory *making;          /* by memory_create, which has more pages to make; holds the only reference; else NULL */
    struct { uint32_t vector, error, address; } fault;
    void *fpu;                      /* arch's: 512 bytes, 16-byte aligned */
};

/* Per-CPU state; nothing else in the kernel is global that changes at run time on the call path.
 * The kernel stack ends where this structure begins, so `tss.esp0 == SYSENTER_ESP == &cpu`: entry code finds `current`
 * above the words that the CPU or it has just pushed. */
struct cpu {
    struct thread *current;         /* offset 0, relied upon by entry code */
    struct budget *budget;          /* the running budget; current's own or lent to it */
    struct thread *idle;            /* runs when nothing is ready; has no user frame */
    struct process *kernel;         /* owns idle, and pays for what nobody else does */
    struct queue ready;             /* budgets */
    bool reschedule;                /* a better budget became ready, or the slice ended: schedule before leaving */
    uint64_t budget_since;          /* arch_time() when `budget` began to run or was last charged */
    struct timer *timers;           /* the soonest of those that are armed */
    struct queue work;              /* to be done before a thread that caused it is left to */
    uint8_t work_priority;          /* that what is added has at least: of the step that adds it */
    uint32_t switches, interrupts, threads_created, threads_alive, processes_alive;
    const void *sysenter_entry;     /* where MSR_SYSENTER_EIP points; NULL: no SYSENTER (sysenter/msr.c) */
    struct trace *trace;            /* the one that goes on; NULL: none */
};

extern struct thread null_thread; /* flags FLAG_NEVER: stands where no thread stands, so that one compare covers it */

/* Creates a stopped thread in `process`, charged to it. NULL: E_NO_MEMORY. The reference returned is the caller's. */
struct thread *thread_create(struct process *process, uint32_t entry, uint32_t stack, uint32_t argument, uint8_t priority);
/* Makes the idle thread of this CPU and null_thread. */
void thread_init(void);
enum thread_activity thread_activity(const struct thread *thread);
/* Ends whatever blocks the thread, with `status`; it becomes ready. Nothing happens if nothing blocks it. */
void thread_unblock(struct thread *thread, status_t status);
/* What the timer of a thread does when its call or its wait has taken too long. */
void thread_timed_out(struct timer *timer);
void thread_stop(struct thread *thread);
void thread_start(struct thread *thread);
/* Ends a thread wherever it is; its caller gets E_PEER_DIED, its worker is cut loose. */
void thread_kill(struct thread *thread);
/* Ends a blocked thread because another one has ended: not at once, or a chain of them would grow the kernel stack. */
void thread_doom(struct thread *thread);
void thread_destroy(struct object *object);
/* Gives back the memory object that it is making, if any. */
void thread_stop_making(struct thread *thread);

/* ---- scheduler.c ---- */
/* Puts a thread on the run queue with the budget it is to run on; asks for a reschedule if it is better. */
void scheduler_ready(struct thread *thread, struct budget *budget);
/* The current thread stops running, for `state`, and keeps its budget; picks what runs next. */
void scheduler_block(enum thread_state state);
/* Direct switch on the running budget: the fast path's idea in C. The old thread must be linked somewhere already. */
void scheduler_switch_to(struct thread *next);
/* Takes a ready thread off the run queue. */
void scheduler_unready(struct thread *thread);
/* Puts the current thread back on the queue and picks the best (yield: at the end of its level). */
void scheduler_preempt(bool at_end);
/* The last that the kernel does before it leaves, while `reschedule` is set: a better thread, or, if it may, a step of the work
 * that is left. True: interrupts are to be let in, and then this is to be called with `may_work`. */
bool scheduler_leave(bool may_work);
/* Runs whatever is best; the current thread has been blocked or has died. */
void scheduler_run_next(void);
/* Makes `budget` the running one, with accounts settled and the slice timer set. */
void scheduler_set_budget(struct budget *budget);
/* Charges the time since the last settlement to the running budget. */
void scheduler_account(void);
void budget_init(struct budget *budget, uint8_t priority, uint32_t slice);

#endif
