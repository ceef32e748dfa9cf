/* The call table, from abi/syscalls.def; and the calls that concern one thread and one handle. */
#include "syscalls.h"

#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "process.h"
#include "thread.h"

status_t (*syscall_table[SYSCALL_COUNT])(struct thread *thread) = {
#define SYSCALL(number, name, arguments, results, text) [number] = sys_##name,
#include "syscalls.def"
#undef SYSCALL
};

status_t sys_null(struct thread *thread)
{
    (void)thread;
    return OK;
}

status_t sys_call(struct thread *thread)
{
    const struct frame *frame = &thread->frame;
    return call_service(thread, frame->ecx, frame->edx, frame->handle);
}

status_t sys_reply_wait(struct thread *thread)
{
    return call_reply_wait(thread);
}

/* The place to receive at is taken even if the wait fails: whoever has no endpoint may still reply, and gets its error there. */
status_t sys_wait(struct thread *thread)
{
    status_t status = OK;
    thread->wait_eip = thread->frame.edx;
    thread->wait_esp = thread->frame.esp;
    struct handle_entry *entry = process_handle_find(thread->process, thread->frame.ecx, TYPE_ENDPOINT, RIGHT_SERVE, &status);
    return entry ? call_wait(thread, endpoint_of(entry->object)) : status;
}

status_t sys_request_status(struct thread *thread)
{
    return thread->link == &null_thread ? E_CANCELLED : OK;
}

status_t sys_yield(struct thread *thread)
{
    thread->frame.status = OK;
    scheduler_preempt(true);
    return OK;
}

status_t sys_log(struct thread *thread)
{
    const struct frame *frame = &thread->frame;
    const uint32_t words[4] = { frame->ebx, frame->ecx, frame->edx, frame->esi };
    if (frame->edi > sizeof(words))
        return E_BAD_ARGUMENT;
    log_user(thread->process, (const char *)words, frame->edi);
    return OK;
}

static uint32_t kernel_info(const struct cpu *cpu, uint32_t which)
{
    switch (which) {
    case INFO_FRAMES_TOTAL: return frames.total;
    case INFO_FRAMES_FREE: return frames.free;
    case INFO_THREADS_CREATED: return cpu->threads_created;
    case INFO_THREADS_ALIVE: return cpu->threads_alive;
    case INFO_PROCESSES_ALIVE: return cpu->processes_alive;
    case INFO_SWITCHES: return cpu->switches;
    case INFO_INTERRUPTS: return cpu->interrupts;
    default: return arch_system_info(which);
    }
}

status_t sys_system_info(struct thread *thread)
{
    if (thread->frame.word >= INFO_COUNT)
        return E_BAD_ARGUMENT;
    thread->frame.word = kernel_info(this_cpu(), thread->frame.word);
    return OK;
}

/* ---- handles ---- */

status_t sys_handle_close(struct thread *thread)
{
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(thread->process, thread->frame.word, TYPE_NONE, 0, &status);
    if (entry)
        process_handle_close(thread->process, entry);
    return status;
}

status_t syscall_return_handle(struct thread *thread, struct process *to, struct object *object, uint32_t rights, uint32_t badge)
{
    handle_t handle = process_handle_add(to, object, rights, badge);
    if (handle == HANDLE_NONE)
        return E_NO_MEMORY;
    thread->frame.word = handle;
    return OK;
}

status_t syscall_return_object(struct thread *thread, struct object *object)
{
    status_t status = syscall_return_handle(thread, thread->process, object, RIGHTS_ALL, 0);
    object_release(object);
    return status;
}

/* A badge marks a client for good: only an unbadged handle can be given one. */
status_t sys_handle_duplicate(struct thread *thread)
{
    const struct frame *frame = &thread->frame;
    uint32_t badge = frame->edx;
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(thread->process, frame->ebx, TYPE_NONE, 0, &status);
    if (!entry)
        return status;
    if (badge > 0x7FFFFFFF || (badge && entry->object->type != TYPE_ENDPOINT))
        return E_BAD_ARGUMENT;
    if (badge && entry->badge)
        return E_NO_RIGHT;
    return syscall_return_handle(thread, thread->process, entry->object, entry->rights & frame->ecx,
                                 badge ? badge : entry->badge);
}

status_t sys_handle_info(struct thread *thread)
{
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(thread->process, thread->frame.word, TYPE_NONE, 0, &status);
    if (entry)
        thread->frame.word = entry->object->type | entry->rights << 8;
    return status;
}

/* ---- endpoints ---- */

status_t sys_endpoint_create(struct thread *thread)
{
    uint32_t flags = thread->frame.ebx, cap = thread->frame.ecx;
    if (flags & ~(ENDPOINT_NO_QUEUE | ENDPOINT_TAKES_HANDLES | ENDPOINT_TAKES_HANDLE_MASK))
        return E_BAD_ARGUMENT;
    struct endpoint *endpoint = object_create(TYPE_ENDPOINT, thread->process);
    if (!endpoint)
        return E_NO_MEMORY;
    endpoint_init(endpoint);
    endpoint->flags = flags;
    endpoint->cap = cap;
    return syscall_return_object(thread, &endpoint->object);
}

static uint32_t count_idle(const struct endpoint *endpoint)
{
    uint32_t count = 0;
    for (const struct thread *worker = endpoint->idle; worker != &null_thread; worker = worker->link)
        count++;
    return count;
}

SYSCALL_ON(endpoint_info, struct object *object, TYPE_ENDPOINT, 0)
{
    const struct endpoint *endpoint = endpoint_of(object);
    const uint32_t facts[ENDPOINT_INFO_COUNT] = {
        [ENDPOINT_WORKERS] = endpoint->worker_count,     [ENDPOINT_IDLE] = count_idle(endpoint),
        [ENDPOINT_QUEUE] = endpoint->waiting,            [ENDPOINT_QUEUE_HIGH] = endpoint->waiting_high,
        [ENDPOINT_WAITS] = endpoint->waits,              [ENDPOINT_REFUSALS] = endpoint->refusals,
    };
    if (thread->frame.ecx >= ENDPOINT_INFO_COUNT)
        return E_BAD_ARGUMENT;
    thread->frame.word = facts[thread->frame.ecx];
    return OK;
}
