/* Calls on processes, threads and budgets. */
#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "notification.h"
#include "process.h"
#include "syscalls.h"
#include "thread.h"

#define PROCESS_PAGES 2u /* that are cleared for a new process: for its handles and a page directory */
#define SLICE_MICROSECONDS_MIN 100u
#define SLICE_MICROSECONDS_MAX 1000000u

static bool has_ended(const struct object *object, enum object_type type)
{
    return (type == TYPE_PROCESS && !((const struct process *)object)->alive) ||
           (type == TYPE_THREAD && ((const struct thread *)object)->state == THREAD_DEAD);
}

void *syscall_find(struct thread *thread, handle_t handle, enum object_type type, uint32_t rights, status_t *status)
{
    if (type == TYPE_PROCESS && handle == HANDLE_NONE)
        return thread->process;
    struct handle_entry *entry = process_handle_find(thread->process, handle, type, rights, status);
    if (entry && !has_ended(entry->object, type))
        return entry->object;
    if (entry)
        *status = E_BAD_STATE;
    return NULL;
}

/* A process gives away no more than it has. */
static status_t check_priority(const struct thread *thread, uint32_t priority)
{
    if (priority >= PRIORITIES)
        return E_BAD_ARGUMENT;
    return priority <= thread->process->highest ? OK : E_NO_RIGHT;
}

/* ---- processes ---- */

status_t sys_process_create(struct thread *thread)
{
    const struct frame *frame = &thread->frame;
    struct endpoint *supervisor = NULL;
    uint32_t badge = frame->edx;
    status_t status = OK;
    if (frame->ecx != HANDLE_NONE) {
        struct handle_entry *entry = process_handle_find(thread->process, frame->ecx, TYPE_ENDPOINT, RIGHT_CALL, &status);
        if (!entry)
            return status;
        supervisor = endpoint_of(entry->object);
        if (!(supervisor->flags & ENDPOINT_TAKES_HANDLES)) /* each report brings one */
            return E_NO_RIGHT;
        if (entry->badge) /* whoever reports through this handle is known: no fault can be put down to another */
            badge = entry->badge;
    }
    if (badge > 0x7FFFFFFF)
        return E_BAD_ARGUMENT;
    if ((status = check_priority(thread, frame->esi)) != OK)
        return status;
    if ((status = kernel_frame_stock(PROCESS_PAGES)) != OK) /* to clear one takes long enough for an entry */
        return status == CALL_AGAIN ? arch_call_again(thread) : status;
    struct process *process = process_create(thread->process, frame->ebx);
    if (!process)
        return E_NO_MEMORY;
    process->supervisor = supervisor;
    process->supervisor_badge = badge;
    process->highest = frame->esi;
    if (supervisor)
        object_hold(&supervisor->object);
    status = syscall_return_handle(thread, thread->process, &process->object, RIGHTS_ALL, 0);
    if (status != OK)
        process_kill(process, 0);
    object_release(&process->object);
    return status;
}

SYSCALL_ON(process_destroy, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    process_kill(process, thread->frame.ecx);
    return OK;
}

SYSCALL_ON(process_give, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    const struct frame *frame = &thread->frame;
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(thread->process, frame->ecx, TYPE_NONE, RIGHT_TRANSFER, &status);
    if (!entry)
        return status;
    return syscall_return_handle(thread, process, entry->object, entry->rights & frame->edx, entry->badge);
}

SYSCALL_ON(process_watch, struct process *process, TYPE_PROCESS, RIGHT_READ)
{
    status_t status = OK;
    struct notification *notification = syscall_find(thread, thread->frame.ecx, TYPE_NOTIFICATION, RIGHT_WRITE, &status);
    return notification ? process_watch(process, notification, thread->frame.edx, thread->process) : status;
}

/* On the own budgets of its threads, so what services did for them is included, and what they do for clients is not. */
static uint32_t used_microseconds(const struct process *process)
{
    uint64_t used = process->used;
    scheduler_account();
    LIST_FOREACH(link, &process->threads)
        used += LIST_ENTRY(link, struct thread, in_process)->own.used;
    return (uint32_t)arch_ticks_to_microseconds(used);
}

/* Of a dead process too: that is how its exit code is read. */
status_t sys_process_info(struct thread *thread)
{
    const struct process *process = thread->process;
    status_t status = OK;
    if (thread->frame.ebx != HANDLE_NONE) {
        struct handle_entry *entry = process_handle_find(thread->process, thread->frame.ebx, TYPE_PROCESS, RIGHT_READ, &status);
        if (!entry)
            return status;
        process = (const struct process *)entry->object;
    }
    const uint32_t facts[PROCESS_INFO_COUNT] = {
        [PROCESS_ALIVE] = process->alive,
        [PROCESS_EXIT_CODE] = process->exit_code,
        [PROCESS_QUOTA_LIMIT] = process->quota.limit,
        [PROCESS_QUOTA_USED] = process->quota.used,
        [PROCESS_THREADS] = process->thread_count,
        [PROCESS_CPU] = thread->frame.ecx == PROCESS_CPU ? used_microseconds(process) : 0,
    };
    if (thread->frame.ecx >= PROCESS_INFO_COUNT)
        return E_BAD_ARGUMENT;
    thread->frame.word = facts[thread->frame.ecx];
    return OK;
}

/* ---- threads ---- */

SYSCALL_ON(thread_create, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    const struct frame *frame = &thread->frame;
    status_t status = check_priority(thread, frame->edi);
    if (status != OK)
        return status;
    struct thread *created = thread_create(process, frame->ecx, frame->edx, frame->esi, (uint8_t)frame->edi);
    if (!created)
        return E_NO_MEMORY;
    status = syscall_return_handle(thread, thread->process, &created->object, RIGHTS_ALL, 0);
    if (status != OK)
        thread_kill(created);
    object_release(&created->object);
    return status;
}

SYSCALL_ON(thread_start, struct thread *target, TYPE_THREAD, RIGHT_CONTROL)
{
    if (target->state != THREAD_STOPPED)
        return E_BAD_STATE;
    thread_start(target);
    return OK;
}

SYSCALL_ON(thread_stop, struct thread *target, TYPE_THREAD, RIGHT_CONTROL)
{
    if (target == thread)
        thread->frame.status = OK;
    thread_stop(target);
    return OK;
}

SYSCALL_ON(thread_cancel, struct thread *target, TYPE_THREAD, RIGHT_CONTROL)
{
    thread_unblock(target, E_CANCELLED);
    return OK;
}

SYSCALL_ON(thread_destroy, struct thread *target, TYPE_THREAD, RIGHT_CONTROL)
{
    thread_kill(target);
    return OK;
}

status_t sys_thread_exit(struct thread *thread)
{
    thread_kill(thread);
    return OK;
}

/* A thread whose registers another one may see or change: stopped, or waiting for its supervisor's verdict. */
static bool holds_still(const struct thread *thread)
{
    return thread->state == THREAD_STOPPED || (thread->flags & FLAG_FAULTED);
}

static uint32_t *frame_register(struct frame *frame, uint32_t which)
{
    uint32_t *const registers[REGISTER_FAULT_VECTOR] = {
        [REGISTER_EAX] = &frame->eax, [REGISTER_EBX] = &frame->ebx, [REGISTER_ECX] = &frame->ecx,
        [REGISTER_EDX] = &frame->edx, [REGISTER_ESI] = &frame->esi, [REGISTER_EDI] = &frame->edi,
        [REGISTER_EBP] = &frame->ebp, [REGISTER_ESP] = &frame->esp, [REGISTER_EIP] = &frame->eip,
        [REGISTER_EFLAGS] = &frame->eflags,
    };
    return which < REGISTER_FAULT_VECTOR ? registers[which] : NULL;
}

SYSCALL_ON(thread_read_register, struct thread *target, TYPE_THREAD, RIGHT_READ)
{
    uint32_t which = thread->frame.ecx;
    if (which >= REGISTER_COUNT)
        return E_BAD_ARGUMENT;
    if (target == thread)
        return E_BAD_STATE;
    arch_frame_complete(target);
    const uint32_t fault[] = { target->fault.vector, target->fault.error, target->fault.address };
    uint32_t *in_frame = frame_register(&target->frame, which);
    thread->frame.word = in_frame ? *in_frame : fault[which - REGISTER_FAULT_VECTOR];
    return OK;
}

/* The thread leaves by IRET from now on, which restores every register that may have been written. */
SYSCALL_ON(thread_write_register, struct thread *target, TYPE_THREAD, RIGHT_WRITE)
{
    uint32_t which = thread->frame.ecx, value = thread->frame.edx;
    uint32_t *in_frame = frame_register(&target->frame, which);
    if (!in_frame)
        return E_BAD_ARGUMENT;
    if (!holds_still(target))
        return E_BAD_STATE;
    arch_frame_complete(target);
    *in_frame = which == REGISTER_EFLAGS ? arch_eflags_sanitise(value) : value;
    target->flags |= FLAG_RESUME_BY_IRET;
    return OK;
}

/* An idle worker's link is the next idle one, which does not wait for it. */
static const struct thread *caller_of(const struct thread *worker)
{
    return worker->link->callee == worker ? worker->link : &null_thread;
}

/* A badge is told to those alone who would get it with a fault report. */
SYSCALL_ON(thread_caller, const struct thread *target, TYPE_THREAD, RIGHT_READ)
{
    status_t status = OK;
    const struct handle_entry *entry =
        process_handle_find(thread->process, thread->frame.ecx, TYPE_ENDPOINT, RIGHT_SERVE, &status);
    if (!entry)
        return status;
    const struct thread *caller = caller_of(target);
    for (uint32_t depth = thread->frame.edx; depth && caller != &null_thread; depth--)
        caller = caller_of(caller);
    if (caller == &null_thread)
        return E_NO_CALLER;
    if (!caller->process->supervisor || &caller->process->supervisor->object != entry->object)
        return E_NO_RIGHT;
    thread->frame.word = caller->process->supervisor_badge;
    return OK;
}

/* They stand in the order of their numbers. A caller in a queue waits for any worker: the first stands for all. Cold: it would
 * take its share of what may be inlined in others. */
status_t sys_process_thread(struct thread *thread) __attribute__((cold));
SYSCALL_ON(process_thread, const struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    LIST_FOREACH(link, &process->threads) {
        const struct thread *target = LIST_ENTRY(link, struct thread, in_process), *peer = target->callee;
        if (target->number <= thread->frame.ecx)
            continue;
        if (target->state == THREAD_QUEUED && !list_empty(&target->queued_at->workers))
            peer = LIST_ENTRY(target->queued_at->workers.next, struct thread, in_endpoint);
        thread->frame.word = target->number;
        thread->frame.ecx = target->state;
        thread->frame.edx = peer ? peer->number : 0;
        thread->frame.esi = target->frame.eip;
        thread->frame.edi = target->wait_esp;
        return OK;
    }
    return E_NOT_FOUND;
}

/* ---- budgets ---- */

static bool slice_ticks(uint32_t microseconds, uint32_t *ticks)
{
    if (microseconds < SLICE_MICROSECONDS_MIN || microseconds > SLICE_MICROSECONDS_MAX)
        return false;
    uint64_t wanted = arch_microseconds_to_ticks(microseconds);
    *ticks = wanted > UINT32_MAX ? UINT32_MAX : (uint32_t)wanted;
    return true;
}

/* A budget, or the own budget of a thread. */
static struct budget *budget_of(struct object *object)
{
    if (object->type == TYPE_THREAD)
        return &((struct thread *)object)->own;
    return object->type == TYPE_BUDGET ? (struct budget *)object : NULL;
}

status_t sys_budget_create(struct thread *thread)
{
    uint32_t ticks;
    status_t status = check_priority(thread, thread->frame.ebx);
    if (status != OK)
        return status;
    if (!slice_ticks(thread->frame.ecx, &ticks))
        return E_BAD_ARGUMENT;
    struct budget *budget = object_create(TYPE_BUDGET, thread->process);
    if (!budget)
        return E_NO_MEMORY;
    budget_init(budget, (uint8_t)thread->frame.ebx, ticks);
    return syscall_return_object(thread, &budget->object);
}

/* Only a stopped thread that serves nobody: then its base budget is in no queue and on no CPU. */
SYSCALL_ON(budget_bind, struct budget *budget, TYPE_BUDGET, RIGHT_CONTROL)
{
    status_t status = OK;
    struct thread *target = syscall_find(thread, thread->frame.ecx, TYPE_THREAD, RIGHT_CONTROL, &status);
    if (!target)
        return status;
    if (target->state != THREAD_STOPPED || target->link != &null_thread || target->base != &target->own || budget->bound)
        return E_BAD_STATE;
    object_hold(&budget->object);
    budget->bound = target;
    target->base = budget;
    return OK;
}

/* A caller in a queue that is to run on the budget. */
static struct thread *queued_on(const struct budget *budget)
{
    struct thread *leaf = budget->bound ? call_leaf(budget->bound) : NULL;
    return leaf && leaf->state == THREAD_QUEUED && leaf->budget == budget ? leaf : NULL;
}

static void set_priority(struct budget *budget, uint8_t priority)
{
    struct cpu *cpu = this_cpu();
    struct thread *caller = queued_on(budget);
    if (budget->queued)
        queue_remove(&cpu->ready, &budget->link, budget->priority);
    budget->priority = priority;
    if (budget->queued)
        queue_append(&cpu->ready, &budget->link, priority);
    if (caller)
        endpoint_requeue_caller(caller, priority);
    cpu->reschedule = true;
}

SYSCALL_ON(budget_set, struct object *object, TYPE_NONE, RIGHT_CONTROL)
{
    uint32_t ticks, priority = thread->frame.ecx;
    struct budget *budget = budget_of(object);
    if (!budget)
        return E_BAD_TYPE;
    status_t status = check_priority(thread, priority);
    if (status != OK)
        return status;
    if (!slice_ticks(thread->frame.edx, &ticks))
        return E_BAD_ARGUMENT;
    scheduler_account();
    budget->slice = ticks;
    if (budget->left > ticks)
        budget->left = ticks;
    timer_program();
    set_priority(budget, (uint8_t)priority);
    return OK;
}

SYSCALL_ON(budget_time, struct object *object, TYPE_NONE, RIGHT_READ)
{
    const struct budget *budget = budget_of(object);
    if (!budget)
        return E_BAD_TYPE;
    scheduler_account();
    thread->frame.word = (uint32_t)arch_ticks_to_microseconds(budget->used);
    return OK;
}
