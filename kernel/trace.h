/* The trace of a CPU: calls, replies, switches, budgets, interrupts and faults, as records in memory of whoever asked for it.
 * While there is none, calls and replies know nothing of it: a trace puts handlers of its own into the table of INT 250, and
 * points SYSENTER at the entry that leads to C (sysenter/msr.c). The other places test one word. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include <stdint.h>

#include "object.h"
#include "thread.h"

struct memory;

struct trace { /* the authority to trace, or a trace that goes on until its last handle is closed */
    struct object object;
    struct memory *memory;      /* holds a reference; NULL: an authority */
    struct trace_ring *ring;    /* where the memory lies; its owner may write there too, so nothing is read back */
    uint32_t capacity, next;    /* records */
};

/* Begins to fill the memory object, which is contiguous. There is no trace yet. */
void trace_start(struct trace *trace, struct memory *memory);
void trace_destroy(struct object *object);

void trace_record(enum trace_kind kind, const struct thread *thread, const struct thread *peer, uint32_t first, uint32_t second)
    __attribute__((noinline));
/* Writes a record if there is a trace. What the arguments mean: enum trace_kind (abi/postern.h). An event without a peer
 * names the thread twice. */
static inline void trace_event(enum trace_kind kind, const struct thread *thread, const struct thread *peer, uint32_t first,
                               uint32_t second)
{
    if (__builtin_expect(this_cpu()->trace != NULL, 0))
        trace_record(kind, thread, peer, first, second);
}
/* TRACE_INTERRUPT, TRACE_CLOCK. */
void trace_interrupt(enum trace_kind kind, uint32_t line);
/* The call that the thread has just made, unless it waits for a worker. */
void trace_called(const struct thread *caller);
/* call_service() for SYSENTER's slow path. */
status_t trace_call_service(struct thread *thread, handle_t handle);

#endif
