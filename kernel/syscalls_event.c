/* Calls on notifications, interrupt lines, ports and traces. */
#include "arch.h"
#include "memory.h"
#include "notification.h"
#include "process.h"
#include "syscalls.h"
#include "thread.h"
#include "trace.h"

/* ---- notifications ---- */

status_t sys_notification_create(struct thread *thread)
{
    struct notification *notification = object_create(TYPE_NOTIFICATION, thread->process);
    if (!notification)
        return E_NO_MEMORY;
    list_init(&notification->waiters);
    return syscall_return_object(thread, &notification->object);
}

SYSCALL_ON(notification_signal, struct notification *notification, TYPE_NOTIFICATION, RIGHT_WRITE)
{
    notification_signal(notification, thread->frame.ecx);
    return OK;
}

static void wait_for(struct thread *thread, struct notification *notification, uint32_t mask, uint32_t timeout)
{
    thread->waiting.notification = notification;
    thread->waiting.mask = mask;
    object_hold(&notification->object);
    list_insert(&notification->waiters, &thread->queue_link);
    notification->waiter_count++;
    if (timeout != TIMEOUT_NEVER)
        timer_arm(&thread->timer, arch_time() + arch_microseconds_to_ticks(timeout), thread_timed_out);
    scheduler_block(THREAD_WAITING);
}

SYSCALL_ON(notification_wait, struct notification *notification, TYPE_NOTIFICATION, RIGHT_READ)
{
    uint32_t mask = thread->frame.ecx, timeout = thread->frame.edx;
    if (mask == 0)
        return E_BAD_ARGUMENT;
    uint32_t taken = notification->bits & mask;
    if (taken) {
        notification->bits &= ~taken;
        thread->frame.word = taken;
        return OK;
    }
    if (timeout == 0)
        return E_TIMED_OUT;
    if (notification->waiter_count == WAITERS_MAX)
        return E_BUSY;
    wait_for(thread, notification, mask, timeout);
    return OK;
}

static void notification_expired(struct timer *timer)
{
    struct notification *notification = LIST_ENTRY(timer, struct notification, timer);
    notification_signal(notification, notification->timer_bits);
}

SYSCALL_ON(notification_timer, struct notification *notification, TYPE_NOTIFICATION, RIGHT_WRITE)
{
    notification->timer_bits = thread->frame.ecx;
    timer_arm(&notification->timer, arch_time() + arch_microseconds_to_ticks(thread->frame.edx), notification_expired);
    return OK;
}

/* ---- interrupt lines and ports: each is cut out of a larger authority ---- */

static bool within(uint32_t first, uint32_t count, uint32_t outer_first, uint32_t outer_count)
{
    return count && first >= outer_first && count <= outer_count && first - outer_first <= outer_count - count;
}

static status_t cut_out(struct thread *thread, const struct range *authority, uint32_t first, uint32_t count)
{
    if (!within(first, count, authority->first, authority->count))
        return E_BAD_ARGUMENT;
    struct range *range = object_create(authority->object.type, thread->process);
    if (!range)
        return E_NO_MEMORY;
    range->first = first;
    range->count = count;
    return syscall_return_object(thread, &range->object);
}

SYSCALL_ON(irq_create, const struct range *authority, TYPE_IRQ, RIGHT_CONTROL)
{
    return cut_out(thread, authority, thread->frame.ecx, 1);
}

SYSCALL_ON(irq_bind, struct irq *irq, TYPE_IRQ, RIGHT_CONTROL)
{
    status_t status = OK;
    struct notification *notification = syscall_find(thread, thread->frame.ecx, TYPE_NOTIFICATION, RIGHT_WRITE, &status);
    return notification ? irq_bind(irq, notification, thread->frame.edx) : status;
}

SYSCALL_ON(irq_ack, struct irq *irq, TYPE_IRQ, RIGHT_CONTROL)
{
    if (!irq->notification)
        return E_BAD_STATE;
    arch_irq_unmask(irq->lines.first);
    return OK;
}

SYSCALL_ON(ioport_create, const struct range *authority, TYPE_IOPORT, RIGHT_CONTROL)
{
    return cut_out(thread, authority, thread->frame.ecx, thread->frame.edx);
}

/* What the first port takes is charged like page tables, and lives as long. */
static bool prepare_ports(struct process *process)
{
    if (!quota_charge(&process->quota, ARCH_PORT_PAGES * PAGE_SIZE))
        return false;
    if (!arch_ports_create(&process->space)) {
        quota_refund(&process->quota, ARCH_PORT_PAGES * PAGE_SIZE);
        return false;
    }
    process->table_pages += ARCH_PORT_PAGES;
    return true;
}

SYSCALL_ON(ioport_grant, const struct range *ports, TYPE_IOPORT, RIGHT_CONTROL)
{
    status_t status = OK;
    struct process *process = syscall_find(thread, thread->frame.ecx, TYPE_PROCESS, RIGHT_CONTROL, &status);
    if (!process)
        return status;
    if (!process->space.ports[0])
        return prepare_ports(process) ? arch_call_again(thread) : E_NO_MEMORY;
    arch_ports_allow(&process->space, ports->first, ports->count);
    return OK;
}

/* ---- traces ---- */

/* Contiguous memory lies where the kernel can always write. */
SYSCALL_ON(trace_create, const struct trace *authority, TYPE_TRACE, RIGHT_CONTROL)
{
    (void)authority;
    status_t status = OK;
    struct memory *memory = syscall_find(thread, thread->frame.ecx, TYPE_MEMORY, RIGHT_WRITE, &status);
    if (!memory)
        return status;
    if (memory->kind != MEMORY_RANGE)
        return E_BAD_ARGUMENT;
    if (this_cpu()->trace)
        return E_BUSY;
    struct trace *trace = object_create(TYPE_TRACE, thread->process);
    if (!trace)
        return E_NO_MEMORY;
    trace_start(trace, memory);
    return syscall_return_object(thread, &trace->object);
}
