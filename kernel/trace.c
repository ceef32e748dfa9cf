/* The trace: its ring, its beginning and its end. */
#include "trace.h"

#include "arch.h"
#include "endpoint.h"
#include "memory.h"
#include "process.h"
#include "syscalls.h"

void trace_record(enum trace_kind kind, const struct thread *thread, const struct thread *peer, uint32_t first, uint32_t second)
{
    const struct cpu *cpu = this_cpu();
    struct trace *trace = cpu->trace;
    trace->ring->records[trace->next] = (struct trace_record){
        .time = arch_time(), .kind = kind,
        .thread = thread->number, .process = thread->process->supervisor_badge,
        .peer = peer->number, .peer_process = peer->process->supervisor_badge,
        .owner = cpu->budget->bound->number, .first = first, .second = second,
    };
    trace->ring->count++;
    if (++trace->next == trace->capacity)
        trace->next = 0;
}

void trace_interrupt(enum trace_kind kind, uint32_t line)
{
    trace_event(kind, this_cpu()->current, this_cpu()->current, line, 0);
}

void trace_called(const struct thread *caller)
{
    if (caller->callee)
        trace_event(TRACE_CALL, caller, caller->callee, caller->callee->frame.method, caller->callee->frame.word);
}

/* The request that a worker has just got, unless it waits. */
static void trace_served(const struct thread *worker)
{
    if (worker->link->callee == worker)
        trace_event(TRACE_SERVE, worker->link, worker, worker->frame.method, worker->frame.word);
}

status_t trace_call_service(struct thread *thread, handle_t handle)
{
    status_t status = call_service(thread, handle, TIMEOUT_NEVER, HANDLE_NONE);
    trace_called(thread);
    return status;
}

static void trace_replies(const struct thread *worker)
{
    if (worker->link != &null_thread)
        trace_event(TRACE_REPLY, worker, worker->link, worker->frame.method, worker->frame.word);
}

/* ---- what stands in the call table while there is a trace, so that the calls themselves know nothing of it ---- */

static status_t traced_call(struct thread *caller);
static status_t traced_reply_wait(struct thread *worker);
static status_t traced_wait(struct thread *worker);

enum { CALL, REPLY_WAIT, WAIT };

static struct {
    uint32_t number;
    status_t (*other)(struct thread *thread); /* the handler that is not in the table */
} handlers[] = {
    [CALL] = { SYS_call, traced_call },
    [REPLY_WAIT] = { SYS_reply_wait, traced_reply_wait },
    [WAIT] = { SYS_wait, traced_wait },
};

static status_t traced_call(struct thread *caller)
{
    status_t status = handlers[CALL].other(caller);
    trace_called(caller);
    return status;
}

static status_t traced_reply_wait(struct thread *worker)
{
    trace_replies(worker);
    status_t status = handlers[REPLY_WAIT].other(worker);
    trace_served(worker);
    return status;
}

static status_t traced_wait(struct thread *worker)
{
    status_t status = handlers[WAIT].other(worker);
    trace_served(worker);
    return status;
}

/* Twice, and everything is as it was. The way that they are called stays indirect in both cases: calls by name from here would
 * change what gcc inlines into them. */
static void exchange_handlers(void)
{
    for (uint32_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        status_t (*out)(struct thread *) = syscall_table[handlers[i].number];
        syscall_table[handlers[i].number] = handlers[i].other;
        handlers[i].other = out;
    }
    arch_choose_entry();
}

void trace_start(struct trace *trace, struct memory *memory)
{
    struct cpu *cpu = this_cpu();
    object_hold(&memory->object);
    trace->memory = memory;
    trace->ring = arch_lowmem(memory->first);
    trace->capacity = (memory->pages * PAGE_SIZE - sizeof(struct trace_ring)) / sizeof(struct trace_record);
    trace->ring->capacity = trace->capacity;
    cpu->trace = trace;
    exchange_handlers();
    trace_event(TRACE_BUDGET, cpu->current, cpu->budget->bound, 0, 0); /* who runs, and who pays, when it begins */
}

void trace_destroy(struct object *object)
{
    struct trace *trace = (struct trace *)object;
    if (!trace->memory)
        return;
    this_cpu()->trace = NULL;
    exchange_handlers();
    object_release(&trace->memory->object);
}
