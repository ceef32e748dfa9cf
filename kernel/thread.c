/* The life of a thread: created, started, stopped, unblocked, ended wherever it is. */
#include "thread.h"

#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "memory.h"
#include "notification.h"
#include "process.h"
#include "trace.h"

#define SLICE_MICROSECONDS 10000u /* of a thread's own budget, until budget_set */

struct thread null_thread = { .flags = FLAG_NEVER, .link = &null_thread, .endpoint = &null_endpoint };

static void thread_prepare(struct thread *thread, struct process *process, uint8_t priority)
{
    thread->flags = 0;
    thread->link = &null_thread;
    thread->endpoint = &null_endpoint;
    thread->left_by = BADGE_NONE;
    thread->process = process;
    thread->root = process->space.root;
    thread->handles = thread->last_entry = process->handles.entries;
    thread->handle_mask = HANDLE_MASK;
    thread->state = THREAD_STOPPED;
    thread->base = thread->budget = &thread->own;
    list_init(&thread->in_endpoint);
    list_init(&thread->queue_link);
    budget_init(&thread->own, priority, (uint32_t)arch_microseconds_to_ticks(SLICE_MICROSECONDS));
    thread->own.bound = thread;
}

struct thread *thread_create(struct process *process, uint32_t entry, uint32_t stack, uint32_t argument, uint8_t priority)
{
    struct thread *thread = process->thread_count < THREADS_MAX ? object_create(TYPE_THREAD, process) : NULL;
    if (!thread)
        return NULL;
    thread_prepare(thread, process, priority);
    if (!arch_thread_init(thread, entry, stack, argument)) {
        thread->state = THREAD_DEAD;
        object_release(&thread->object);
        return NULL;
    }
    object_hold(&thread->object); /* while it lives */
    object_hold(&process->object);
    list_insert(&process->threads, &thread->in_process);
    process->thread_count++;
    thread->number = ++this_cpu()->threads_created;
    this_cpu()->threads_alive++;
    return thread;
}

/* The idle thread has no frame: arch's `resume` knows it by FLAG_NEVER and halts. */
void thread_init(void)
{
    static struct thread idle;
    struct cpu *cpu = this_cpu();
    thread_prepare(&idle, cpu->kernel, 0);
    idle.flags = FLAG_NEVER;
    idle.state = THREAD_ACTIVE;
    cpu->idle = cpu->current = &idle;
    cpu->budget = &idle.own;
    cpu->budget_since = arch_time();
}

enum thread_activity thread_activity(const struct thread *thread)
{
    assert(thread->state == THREAD_ACTIVE);
    if (thread == this_cpu()->current)
        return ACTIVITY_RUNNING;
    return thread->callee ? ACTIVITY_CALLING : ACTIVITY_IDLE;
}

/* ---- out of whatever blocks it ---- */

static void leave_idle(struct thread *worker)
{
    endpoint_remove_idle(worker->endpoint, worker);
    worker->frame.method = NO_METHOD;
}

/* Takes a blocked thread out of its wait, without making it ready. False: nothing blocked it. */
static bool leave_wait(struct thread *thread)
{
    switch (thread->state) {
    case THREAD_WAITING:
        list_remove(&thread->queue_link);
        thread->waiting.notification->waiter_count--;
        timer_cancel(&thread->timer);
        object_release(&thread->waiting.notification->object);
        return true;
    case THREAD_QUEUED:
        call_cut(thread);
        return true;
    case THREAD_ACTIVE:
        if (thread_activity(thread) == ACTIVITY_RUNNING)
            return false;
        if (thread_activity(thread) == ACTIVITY_CALLING)
            call_cut(thread);
        else
            leave_idle(thread);
        return true;
    default:
        return false;
    }
}

void thread_unblock(struct thread *thread, status_t status)
{
    bool notified = thread->state == THREAD_WAITING;
    if (!leave_wait(thread))
        return;
    if (!notified) {
        trace_event(TRACE_END, thread, thread, (uint32_t)status, 0);
        call_finish(thread, status);
        return;
    }
    thread->frame.status = (uint32_t)status;
    scheduler_ready(thread, thread->budget);
}

void thread_timed_out(struct timer *timer)
{
    thread_unblock(LIST_ENTRY(timer, struct thread, timer), E_TIMED_OUT);
}

void thread_stop(struct thread *thread)
{
    object_hold(&thread->object); /* a faulted thread ends when its fault report is cancelled */
    thread_unblock(thread, E_CANCELLED);
    if (thread->state == THREAD_READY) {
        scheduler_unready(thread);
        thread->state = THREAD_STOPPED;
    } else if (thread->state == THREAD_ACTIVE) {
        scheduler_block(THREAD_STOPPED);
    }
    object_release(&thread->object);
}

void thread_start(struct thread *thread)
{
    assert(thread->state == THREAD_STOPPED);
    scheduler_ready(thread, call_root(thread)->base);
}

/* ---- the end ---- */

void thread_stop_making(struct thread *thread)
{
    if (thread->making)
        object_release(&thread->making->object);
    thread->making = NULL;
}

/* Nobody answers the caller of a dead worker. It gets back the budget, at once if that is running. */
static void fail_caller(struct thread *worker, bool running)
{
    struct thread *caller = worker->link;
    worker->link = &null_thread;
    caller->callee = NULL;
    if (running) { /* move off the caller's budget, so that the caller can be queued with it */
        work_raise_priority(this_cpu()->budget);
        scheduler_set_budget(this_cpu()->idle->base);
    }
    trace_event(TRACE_END, caller, caller, (uint32_t)E_PEER_DIED, 0);
    call_finish(caller, E_PEER_DIED);
}

void thread_kill(struct thread *thread)
{
    struct cpu *cpu = this_cpu();
    bool running = thread == cpu->current;
    if (thread->state == THREAD_DEAD)
        return;
    if (thread->state == THREAD_READY)
        scheduler_unready(thread);
    else if (thread->state == THREAD_DOOMED)
        work_done(&thread->work);
    else
        leave_wait(thread);
    timer_cancel(&thread->timer);
    scheduler_account();
    thread->process->used += thread->own.used;
    thread->state = THREAD_DEAD;
    arch_thread_release(thread);
    thread_stop_making(thread);
    list_remove(&thread->in_process);
    thread->process->thread_count--;
    cpu->threads_alive--;
    if (thread->link != &null_thread)
        fail_caller(thread, running);
    endpoint_unbind_worker(thread);
    if (running)
        scheduler_run_next();
    if (thread->base != &thread->own) {
        thread->base->bound = NULL;
        object_release(&thread->base->object);
        thread->base = &thread->own;
    }
    struct process *process = thread->process;
    object_release(&thread->object);
    object_release(&process->object);
}

static void end_doomed(struct work *work)
{
    thread_kill(LIST_ENTRY(work, struct thread, work));
}

void thread_doom(struct thread *thread)
{
    thread->state = THREAD_DOOMED;
    work_add(&thread->work, end_doomed);
}

void thread_destroy(struct object *object)
{
    assert(((struct thread *)object)->state == THREAD_DEAD);
}
