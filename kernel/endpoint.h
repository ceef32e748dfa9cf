/* An endpoint: where callers and workers meet. It holds a stack of idle workers or a queue of callers, never both. */
#ifndef KERNEL_ENDPOINT_H
#define KERNEL_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "object.h"
#include "queue.h"
#include "work.h"

struct thread;

#define WORKERS_MAX 128u        /* of an endpoint: they are looked through with interrupts off, */
#define CAPPED_QUEUE_MAX 100u   /* and where there is a cap so are the callers in the queue */

struct endpoint {
    /* ---- hot: sysenter/entry.asm reads and writes these two ---- */
    struct thread *idle;        /* top of the stack of idle workers, warmest first; null_thread at its bottom */
    uint32_t waiting;           /* callers in the queue; while it is not 0, `idle` is empty */
    /* ---- cold ---- */
    struct object object;
    struct queue callers;       /* THREAD_QUEUED */
    struct list workers;        /* every thread that serves it */
    uint32_t worker_count;
    uint32_t serve_handles;     /* handles with RIGHT_SERVE: while there is one, a worker may come (again) */
    uint32_t flags;             /* ENDPOINT_NO_QUEUE, ENDPOINT_TAKES_* */
    uint32_t cap;               /* requests of one badge at a time; 0: no cap */
    uint32_t waiting_high, waits, refusals;
    struct work work;           /* while callers are to be told that nobody will ever serve them; holds a reference */
    struct endpoint *found;     /* deadlock.c: next of those found by a search; NULL between searches */
    bool told;                  /* deadlock.c: a refusal has been logged */
};

/* Where calls through unsuitable handles lead: it never has an idle worker, so one test on the fast path covers it. */
extern struct endpoint null_endpoint;

static inline struct endpoint *endpoint_of(struct object *object)
{
    return LIST_ENTRY(object, struct endpoint, object);
}
void endpoint_init(struct endpoint *endpoint);
void endpoint_destroy(struct object *object);

/* Pops the warmest idle worker; NULL when all are busy. */
struct thread *endpoint_take_worker(struct endpoint *endpoint);
/* Makes the worker the top of the idle stack. */
void endpoint_add_idle(struct endpoint *endpoint, struct thread *worker);
/* Takes a worker out of the middle of the idle stack. */
void endpoint_remove_idle(struct endpoint *endpoint, struct thread *worker);
void endpoint_queue_caller(struct endpoint *endpoint, struct thread *caller);
/* Its budget is another, or has another priority: it goes to the end of that level. */
void endpoint_requeue_caller(struct thread *caller, uint8_t priority);
void endpoint_remove_caller(struct endpoint *endpoint, struct thread *caller);
/* First of the highest priority; NULL when nobody waits. */
struct thread *endpoint_take_caller(struct endpoint *endpoint);
/* Makes the thread a worker of the endpoint, and no longer of the one before. */
void endpoint_bind_worker(struct endpoint *endpoint, struct thread *worker);
void endpoint_unbind_worker(struct thread *worker);
/* Nobody serves it and nobody can: its callers would wait for ever. */
static inline bool endpoint_is_deserted(const struct endpoint *endpoint)
{
    return endpoint->worker_count == 0 && endpoint->serve_handles == 0;
}
/* Counts a handle with RIGHT_SERVE that came (+1) or went (-1). */
void endpoint_count_server(struct endpoint *endpoint, int change);
/* Requests of one badge that wait or that a worker is at, even if their caller has left them. */
uint32_t endpoint_requests_of(const struct endpoint *endpoint, uint32_t badge);

#define NO_METHOD 0xFFFFFFFFu /* what a worker finds in ESI when waiting failed: no method table reaches so far */

/* ---- call.c: what both gates mean. A status returned while the thread is no longer current is never seen. ---- */
/* The current thread calls: message in its frame. `attach`: handle to move, plus HANDLE_ACCEPT. */
status_t call_service(struct thread *caller, handle_t handle, uint32_t timeout, handle_t attach);
/* The current thread replies to its caller, then waits. Returns the badge of a request that was already waiting. */
status_t call_reply_wait(struct thread *worker);
/* The current thread becomes a worker of the endpoint and waits. */
status_t call_wait(struct thread *worker, struct endpoint *endpoint);
/* A faulted thread calls its supervisor. False: it cannot, and is the caller's to end. */
bool call_supervisor(struct thread *faulted);
/* Takes a thread that is being served, or queued, out of its call, without making it ready; the worker goes on, on its
 * own budget, with nobody to reply to. */
void call_cut(struct thread *caller);
/* A caller that is in no call any more becomes ready with `status`; one whose call was a fault report ends. */
void call_finish(struct thread *caller, status_t status);
/* The first thread of the chain that `thread` is in: its base budget is the one that the chain runs on. */
struct thread *call_root(struct thread *thread);
/* The last thread of the chain: the one that does something for all the others. */
struct thread *call_leaf(const struct thread *thread);

/* ---- deadlock.c ---- */
/* Whether all workers of the endpoint, which are busy, wait through their own calls for `caller`, which runs: then its call is
 * refused. The first refusal at each endpoint is logged, with its chain. Cold: inlined, it would cost the C path 14
 * instructions a round trip. */
bool deadlock_refuses(const struct thread *caller, struct endpoint *endpoint) __attribute__((cold));
/* A worker of the endpoint is gone. If those that are left all wait for each other now: the caller in its queue that is to be
 * refused, so that the others go on; else NULL. */
struct thread *deadlock_find(struct endpoint *endpoint);

#endif
