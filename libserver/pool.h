/* Pools of workers: what server.c builds, worker.asm runs and session.c asks. */
#ifndef LIBSERVER_POOL_H
#define LIBSERVER_POOL_H

#include "internal.h"

#define POOL_WORKERS_MAX 64u

struct pool {
    struct pool *next;
    handle_t endpoint;
    uint32_t region;            /* POOL_WORKERS_MAX slots, or as many as the pool can ever need */
    uint32_t slots, slot_pages; /* slot: one guard page, then the stack */
    uint32_t count;             /* workers made: slots [0, count) are in use */
    uint32_t busy_high;         /* workers that ever got a request: as many were busy at once, the idle stack is LIFO */
    bool announced;             /* init is told of busy_high */
    uint32_t reserve;
    handle_t wake;              /* notification for the thread that refills; HANDLE_NONE: no reserve */
    uint8_t priority;
    void (*received)(void);     /* the worker loop of this pool's gate */
    const method_t *methods;
    uint32_t method_count;
    handle_t threads[POOL_WORKERS_MAX];
    session_t *held[POOL_WORKERS_MAX]; /* by the worker, to be let go of if it dies; NULL: none */
};

/* The top of a worker's stack; ESP points here while it waits. Each worker has the method table on its own stack, so
 * that any number of pools share one loop, which reaches the table through ESP at no cost, on a page that it uses
 * anyway. worker.asm knows the offsets. */
struct worker_block {
    handle_t handle;            /* ends the request_t below; HANDLE_NONE for good where the endpoint takes no handles */
    uint32_t method_count;
    handle_t reply_handle;      /* goes with the reply that worker_reply_with_handle makes */
    void (*received)(void);
    handle_t endpoint;
    struct pool *pool;
    method_t methods[];
};

/* What the loop has pushed below the block when a handler runs; the request's last member is the block's first. */
struct worker_call {
    void (*return_address)(void);
    const request_t *argument;
    request_t request;
};
#define WORKER_CALL_BYTES offsetof(struct worker_call, request.handle)

_Static_assert(offsetof(struct worker_block, methods) == 24, "as in worker.asm");
_Static_assert(STATISTICS_ADDRESS == 0x21000 && offsetof(struct startup_statistics, calls) == 0, "as in worker.asm");
_Static_assert(sizeof(request_t) == 16 && WORKER_CALL_BYTES == 20, "as in worker.asm");

/* ---- worker.asm ---- */
void worker_start(void);            /* entry of a worker thread, ESP = its block */
_Noreturn void worker_become(struct worker_block *block); /* the calling thread becomes that worker */
void worker_received_sysenter(void);
void worker_received_sysenter_counted(void);
void worker_received_sysenter_handles(void);
void worker_received_sysenter_handles_counted(void);
void worker_received_int(void);
void worker_received_int_counted(void);
void worker_reply_with_handle(void);

/* ---- for worker.asm ---- */
void worker_first_request(struct pool *pool);

#endif
