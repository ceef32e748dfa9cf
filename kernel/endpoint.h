/* An endpoint: where callers and workers meet. It holds a stack of idle workers or a queue of callers, never both. */
#ifndef KERNEL_ENDPOINT_H
#define KERNEL_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "object.h"
#include "queue.h"

struct thread;

struct endpoint {
    /* ---- hot: sysenter/entry.asm reads and writes these two ---- */
    struct thread *idle;        /* top of the stack of idle workers, warmest first; null_thread at its bottom */
    uint32_t waiting;           /* callers in the queue; while it is not 0, `idle` is empty */
    /* ---- cold ---- */
    struct object object;
    struct queue callers;       /* THREAD_QUEUED */
    struct list workers;        /* every thread that serves it */
    uint32_t worker_count;
    uint32_t flags;             /* ENDPOINT_NO_QUEUE */
    uint32_t cap;               /* requests of one badge at a time; 0: no cap */
    uint32_t waiting_high, waits, refusals;
};

/* Where calls through unsuitable handles lead: it never has an idle worker, so one test on the fast path covers it. */
extern struct endpoint null_endpoint;

struct endpoint *endpoint_of(struct object *object);
void endpoint_init(struct endpoint *endpoint);
void endpoint_destroy(struct object *object);

/* ---- call.c: what both gates mean ---- */
/* One call from `caller` (current), in its frame: registers of a SYSENTER call, checked handle entry. */
status_t call_send(struct thread *caller, struct endpoint *endpoint, uint32_t badge);
/* Takes the caller out of the call it is in, served or queued, and makes it ready with `status`. A worker that was
 * serving it goes on, on its own budget, with nobody to reply to. */
void call_abandon(struct thread *caller, status_t status);
/* The worker goes away or is stopped: its caller gets E_PEER_DIED. */
void call_drop_caller(struct thread *worker);
/* The last thread of the chain that starts here: it holds the chain's budget. */
struct thread *call_leaf(struct thread *thread);

#endif
