/* A synchronous call and its reply: the definition of what both gates mean. The fast path in sysenter/entry.asm is a
 * shortcut through call_service and call_reply_wait for the case that a worker is idle and nothing else is special.
 *
 * Links of a call that is being served: caller->callee == worker and worker->link == caller. The caller's budget runs
 * the worker; nothing about it is stored, because the CPU keeps its current budget over the switch. */
#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "process.h"
#include "thread.h"
#include "trace.h"

struct message {
    uint32_t word, method;
    handle_t handle;        /* in the sender's table; HANDLE_NONE: none */
};

struct thread *call_root(struct thread *thread)
{
    while (thread->link != &null_thread)
        thread = thread->link;
    return thread;
}

struct thread *call_leaf(const struct thread *thread)
{
    while (thread->callee)
        thread = thread->callee;
    return (struct thread *)thread;
}

/* ---- handles that travel ---- */

/* Moves a handle from one process to another. */
static status_t move_handle(struct process *from, handle_t handle, struct process *to, handle_t *moved)
{
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(from, handle, TYPE_NONE, RIGHT_TRANSFER, &status);
    if (!entry)
        return status;
    *moved = process_handle_add(to, entry->object, entry->rights, entry->badge);
    if (*moved == HANDLE_NONE)
        return E_NO_MEMORY;
    process_handle_close(from, process_handle_find(from, handle, TYPE_NONE, 0, &status));
    return OK;
}

/* ---- requests ---- */

/* Gives the caller's message to the worker and links the two. On an error neither has changed. */
static status_t deliver_request(struct thread *caller, struct thread *worker)
{
    struct frame *to = &worker->frame;
    handle_t handle = HANDLE_NONE;
    if (caller->flags & FLAG_FAULTED) {
        handle = process_handle_add(worker->process, &caller->object, RIGHTS_ALL, 0);
        if (handle == HANDLE_NONE)
            return E_NO_MEMORY;
        to->word = caller->fault.vector;
        to->method = METHOD_FAULT;
    } else {
        if (caller->attached) {
            status_t status = move_handle(caller->process, caller->attached, worker->process, &handle);
            if (status != OK)
                return status;
            caller->attached = HANDLE_NONE;
        }
        to->word = caller->frame.word;
        to->method = caller->frame.method;
    }
    to->handle = handle;
    to->status = caller->badge;
    worker->link = caller;
    caller->callee = worker;
    return OK;
}

/* The current thread has nowhere to go but the queue. */
static status_t queue_call(struct thread *caller, struct endpoint *endpoint)
{
    if (endpoint_is_deserted(endpoint))
        return E_PEER_DIED;
    if (endpoint->flags & ENDPOINT_NO_QUEUE) {
        endpoint->refusals++;
        return E_BUSY;
    }
    if (deadlock_refuses(caller, endpoint))
        return E_DEADLOCK;
    endpoint_queue_caller(endpoint, caller);
    scheduler_block(THREAD_QUEUED);
    return OK;
}

/* The current thread calls with caller->badge and caller->attached set. */
static status_t send(struct thread *caller, struct endpoint *endpoint)
{
    struct thread *worker = endpoint_take_worker(endpoint);
    if (!worker)
        return queue_call(caller, endpoint);
    status_t status = deliver_request(caller, worker);
    if (status != OK) {
        endpoint_add_idle(endpoint, worker);
        return status;
    }
    scheduler_switch_to(worker);
    return OK;
}

static void clear_call_flags(struct thread *caller)
{
    if (caller->flags & FLAG_DEADLINE)
        timer_cancel(&caller->timer);
    caller->flags &= ~(FLAG_DEADLINE | FLAG_ACCEPTS_HANDLE);
    caller->attached = HANDLE_NONE;
}

static void set_deadline(struct thread *caller, uint32_t timeout)
{
    if (timeout == TIMEOUT_NEVER)
        return;
    caller->flags |= FLAG_DEADLINE;
    timer_arm(&caller->timer, arch_time() + arch_microseconds_to_ticks(timeout), thread_timed_out);
}

static bool over_cap(const struct endpoint *endpoint, uint32_t badge)
{
    return endpoint->cap && (endpoint->waiting >= CAPPED_QUEUE_MAX || endpoint_requests_of(endpoint, badge) >= endpoint->cap);
}

static bool takes_handle(const struct endpoint *endpoint, uint32_t method)
{
    return (endpoint->flags & ENDPOINT_TAKES_HANDLES) ||
           (method < ENDPOINT_METHODS_WITH_HANDLES && (endpoint->flags & ENDPOINT_TAKES_HANDLE(method)));
}

static status_t may_attach(const struct thread *caller, const struct endpoint *endpoint)
{
    status_t status = OK;
    if (!takes_handle(endpoint, caller->frame.method))
        return E_NO_RIGHT;
    process_handle_find(caller->process, caller->attached, TYPE_NONE, RIGHT_TRANSFER, &status);
    return status;
}

status_t call_service(struct thread *caller, handle_t handle, uint32_t timeout, handle_t attach)
{
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(caller->process, handle, TYPE_ENDPOINT, RIGHT_CALL, &status);
    if (!entry)
        return status;
    struct endpoint *endpoint = endpoint_of(entry->object);
    caller->badge = entry->badge;
    if (over_cap(endpoint, entry->badge)) {
        endpoint->refusals++;
        return E_BUSY;
    }
    caller->attached = attach & ~HANDLE_ACCEPT;
    if (caller->attached && (status = may_attach(caller, endpoint)) != OK)
        return status;
    if (attach & HANDLE_ACCEPT)
        caller->flags |= FLAG_ACCEPTS_HANDLE;
    set_deadline(caller, timeout);
    status = send(caller, endpoint);
    if (this_cpu()->current == caller)
        clear_call_flags(caller);
    return status;
}

bool call_supervisor(struct thread *faulted)
{
    struct process *process = faulted->process;
    if (!process->supervisor)
        return false;
    faulted->flags |= FLAG_FAULTED;
    faulted->badge = process->supervisor_badge;
    faulted->attached = HANDLE_NONE;
    if (send(faulted, process->supervisor) == OK)
        return true;
    faulted->flags &= ~FLAG_FAULTED;
    return false;
}

/* ---- replies ---- */

/* A handle in a reply that takes it nowhere is closed all the same: no worker comes back to it. */
static status_t drop_handle(struct thread *worker, handle_t attach)
{
    status_t status = OK;
    struct handle_entry *entry = process_handle_find(worker->process, attach, TYPE_NONE, RIGHT_TRANSFER, &status);
    if (entry)
        process_handle_close(worker->process, entry);
    return status;
}

/* A handle in a reply goes to callers that said they take one, and have room for it. */
static status_t reply_with_handle(struct thread *worker, struct thread *caller, handle_t attach, handle_t *moved)
{
    if (!(caller->flags & FLAG_ACCEPTS_HANDLE))
        return drop_handle(worker, attach);
    status_t status = move_handle(worker->process, attach, caller->process, moved);
    if (status == E_NO_MEMORY)
        drop_handle(worker, attach);
    return status;
}

/* Writes the reply into the caller's frame. A handle that cannot be moved is the caller's E_NO_MEMORY, or the error of a
 * worker that named a bad one; the call is complete all the same. */
static void deliver_reply(struct thread *worker, struct thread *caller, const struct message *reply)
{
    handle_t moved = HANDLE_NONE;
    status_t status = OK;
    if (reply->handle != HANDLE_NONE)
        status = reply_with_handle(worker, caller, reply->handle, &moved);
    clear_call_flags(caller);
    caller->frame.status = (uint32_t)status;
    caller->frame.word = reply->word;
    caller->frame.method = reply->method;
    caller->frame.handle = moved;
}

/* The supervisor has answered for a faulted thread, and runs on its budget. Returns whom to run next: the thread goes
 * on with its registers as they are now, or ends. */
static struct thread *resolve_fault(struct thread *supervisor, struct thread *faulted, status_t verdict)
{
    faulted->flags &= ~FLAG_FAULTED;
    if (verdict == OK)
        return faulted;
    scheduler_set_budget(supervisor->base);
    faulted->state = THREAD_STOPPED;
    thread_kill(faulted);
    return NULL;
}

/* Separates the worker from its caller; returns the caller if it is to run next on the budget that it gets back. */
static struct thread *complete(struct thread *worker, const struct message *reply)
{
    struct thread *caller = worker->link;
    worker->link = &null_thread;
    caller->callee = NULL;
    if (caller->flags & FLAG_FAULTED) {
        drop_handle(worker, reply->handle);
        return resolve_fault(worker, caller, (status_t)reply->method);
    }
    deliver_reply(worker, caller, reply);
    return caller;
}

/* Takes the next waiting caller whose request can be delivered; others get their error. */
static struct thread *serve_waiting(struct thread *worker)
{
    struct thread *caller;
    while ((caller = endpoint_take_caller(worker->endpoint))) {
        caller->state = THREAD_ACTIVE;
        status_t status = deliver_request(caller, worker);
        if (status == OK)
            return caller;
        call_finish(caller, status);
    }
    return NULL;
}

status_t call_wait(struct thread *worker, struct endpoint *endpoint)
{
    worker->frame.method = NO_METHOD;
    if (worker->link != &null_thread)
        return E_BAD_STATE;
    if (endpoint->worker_count >= WORKERS_MAX && worker->endpoint != endpoint)
        return E_BUSY;
    worker->left_by = BADGE_NONE;
    endpoint_bind_worker(endpoint, worker);
    struct thread *caller = serve_waiting(worker);
    if (caller) {
        scheduler_set_budget(caller->budget);
        this_cpu()->reschedule = true; /* it may be a worse one */
        return (status_t)caller->badge;
    }
    endpoint_add_idle(endpoint, worker);
    scheduler_run_next();
    return OK;
}

/* The budget goes back with the reply, so the caller runs at once; a worker that finds another request waiting becomes
 * ready on the budget of that caller. */
status_t call_reply_wait(struct thread *worker)
{
    const struct message reply = { worker->frame.word, worker->frame.method, worker->frame.handle };
    worker->frame.method = NO_METHOD;
    if (worker->link == &null_thread) {
        worker->left_by = BADGE_NONE;
        drop_handle(worker, reply.handle);
        return E_NO_CALLER;
    }
    struct thread *caller = complete(worker, &reply);
    if (!caller)
        return call_wait(worker, worker->endpoint);
    struct thread *next = serve_waiting(worker);
    if (next)
        scheduler_ready(worker, next->budget);
    else
        endpoint_add_idle(worker->endpoint, worker);
    scheduler_switch_to(caller);
    return OK;
}

/* ---- calls that end without a reply ---- */

/* The chain from `worker` on loses the budget that it was lent: its last thread goes on with the worker's own. */
static void continue_on_own_budget(struct thread *worker)
{
    struct cpu *cpu = this_cpu();
    struct thread *leaf = call_leaf(worker);
    if (leaf == cpu->current) {
        scheduler_set_budget(worker->base);
        cpu->reschedule = true;
    } else if (leaf->state == THREAD_READY) {
        scheduler_unready(leaf);
        scheduler_ready(leaf, worker->base);
    } else {
        leaf->budget = worker->base;
        if (leaf->state == THREAD_QUEUED)
            endpoint_requeue_caller(leaf, worker->base->priority);
    }
}

void call_cut(struct thread *caller)
{
    if (caller->state == THREAD_QUEUED) {
        endpoint_remove_caller(caller->queued_at, caller);
        caller->state = THREAD_ACTIVE;
        return;
    }
    struct thread *worker = caller->callee;
    trace_event(TRACE_CUT, caller, worker, 0, 0);
    worker->left_by = caller->badge;
    worker->link = &null_thread;
    caller->callee = NULL;
    continue_on_own_budget(worker);
}

void call_finish(struct thread *caller, status_t status)
{
    clear_call_flags(caller);
    if (caller->flags & FLAG_FAULTED) {
        caller->flags &= ~FLAG_FAULTED;
        thread_doom(caller);
        return;
    }
    caller->frame.status = (uint32_t)status;
    caller->frame.handle = HANDLE_NONE;
    scheduler_ready(caller, call_root(caller)->base);
}
