/* The two shapes of an endpoint: a stack of idle workers, or a queue of callers; and the list of all its workers. */
#include "endpoint.h"

#include "arch.h"
#include "log.h"
#include "thread.h"

struct endpoint null_endpoint = { .idle = &null_thread };

void endpoint_init(struct endpoint *endpoint)
{
    endpoint->idle = &null_thread;
    queue_init(&endpoint->callers);
    list_init(&endpoint->workers);
}

/* Every way out of the idle stack but the fast path's, which needs nothing of the frame. */
static void stop_idling(struct thread *worker, struct thread **position)
{
    if (!(worker->flags & FLAG_RESUME_BY_IRET))
        arch_frame_complete(worker);
    *position = worker->link;
    worker->link = &null_thread;
}

struct thread *endpoint_take_worker(struct endpoint *endpoint)
{
    struct thread *worker = endpoint->idle;
    if (worker == &null_thread)
        return NULL;
    stop_idling(worker, &endpoint->idle);
    return worker;
}

void endpoint_add_idle(struct endpoint *endpoint, struct thread *worker)
{
    assert(endpoint->waiting == 0 && worker->link == &null_thread && !worker->callee);
    worker->link = endpoint->idle;
    endpoint->idle = worker;
    worker->state = THREAD_ACTIVE;
}

void endpoint_remove_idle(struct endpoint *endpoint, struct thread *worker)
{
    struct thread **position = &endpoint->idle;
    while (*position != worker) {
        assert(*position != &null_thread);
        position = &(*position)->link;
    }
    stop_idling(worker, position);
}

void endpoint_queue_caller(struct endpoint *endpoint, struct thread *caller)
{
    assert(endpoint->idle == &null_thread);
    caller->queued_at = endpoint;
    caller->queued_priority = this_cpu()->budget->priority;
    object_hold(&endpoint->object);
    queue_append(&endpoint->callers, &caller->queue_link, caller->queued_priority);
    endpoint->waits++;
    if (++endpoint->waiting > endpoint->waiting_high)
        endpoint->waiting_high = endpoint->waiting;
}

void endpoint_requeue_caller(struct thread *caller, uint8_t priority)
{
    queue_remove(&caller->queued_at->callers, &caller->queue_link, caller->queued_priority);
    caller->queued_priority = priority;
    queue_append(&caller->queued_at->callers, &caller->queue_link, priority);
}

void endpoint_remove_caller(struct endpoint *endpoint, struct thread *caller)
{
    queue_remove(&endpoint->callers, &caller->queue_link, caller->queued_priority);
    endpoint->waiting--;
    object_release(&endpoint->object);
}

struct thread *endpoint_take_caller(struct endpoint *endpoint)
{
    if (endpoint->waiting == 0)
        return NULL;
    struct list *link = endpoint->callers.lists[queue_highest(&endpoint->callers)].next;
    struct thread *caller = LIST_ENTRY(link, struct thread, queue_link);
    endpoint_remove_caller(endpoint, caller);
    return caller;
}

static void fail_step(struct work *work)
{
    struct endpoint *endpoint = LIST_ENTRY(work, struct endpoint, work);
    struct thread *caller = endpoint_take_caller(endpoint);
    if (caller) {
        caller->state = THREAD_ACTIVE;
        call_finish(caller, E_PEER_DIED);
        return;
    }
    work_done(work);
    object_release(&endpoint->object);
}

/* Whoever still waits at a deserted endpoint is told. */
static void fail_if_deserted(struct endpoint *endpoint)
{
    if (!endpoint_is_deserted(endpoint) || endpoint->waiting == 0 || endpoint->work.step)
        return;
    object_hold(&endpoint->object);
    work_add(&endpoint->work, fail_step);
}

/* One worker less may be the one that all others waited for: what would have been refused then is now. */
static void fail_deadlocked(struct endpoint *endpoint)
{
    struct thread *caller = deadlock_find(endpoint);
    if (!caller)
        return;
    endpoint_remove_caller(endpoint, caller);
    caller->state = THREAD_ACTIVE;
    call_finish(caller, E_DEADLOCK);
}

void endpoint_count_server(struct endpoint *endpoint, int change)
{
    endpoint->serve_handles += (uint32_t)change;
    fail_if_deserted(endpoint);
}

void endpoint_bind_worker(struct endpoint *endpoint, struct thread *worker)
{
    if (worker->endpoint == endpoint)
        return;
    object_hold(&endpoint->object);
    endpoint_unbind_worker(worker);
    worker->endpoint = endpoint;
    list_insert(&endpoint->workers, &worker->in_endpoint);
    endpoint->worker_count++;
}

void endpoint_unbind_worker(struct thread *worker)
{
    struct endpoint *endpoint = worker->endpoint;
    if (endpoint == &null_endpoint)
        return;
    worker->endpoint = &null_endpoint;
    list_remove(&worker->in_endpoint);
    endpoint->worker_count--;
    fail_if_deserted(endpoint);
    fail_deadlocked(endpoint);
    object_release(&endpoint->object);
}

/* Also a request whose caller has left it: or whoever leaves call after call at a deadline would have every worker. */
static bool serves_badge(const struct thread *worker, uint32_t badge)
{
    const struct thread *caller = worker->link;
    return worker->left_by == badge || (caller != &null_thread && caller->callee == worker && caller->badge == badge);
}

uint32_t endpoint_requests_of(const struct endpoint *endpoint, uint32_t badge)
{
    uint32_t requests = 0;
    LIST_FOREACH(link, &endpoint->workers)
        requests += serves_badge(LIST_ENTRY(link, struct thread, in_endpoint), badge);
    for (uint32_t priority = 0; priority < PRIORITIES; priority++)
        LIST_FOREACH(link, &endpoint->callers.lists[priority])
            requests += LIST_ENTRY(link, struct thread, queue_link)->badge == badge;
    return requests;
}

/* Workers and queued callers hold references, so none is left here. */
void endpoint_destroy(struct object *object)
{
    struct endpoint *endpoint = endpoint_of(object);
    assert(endpoint->idle == &null_thread && endpoint->waiting == 0 && endpoint->worker_count == 0);
}
