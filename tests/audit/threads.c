/* Threads, calls and budgets: each thread in one state and one queue, each budget with one holder, links that lead to a
 * root, endpoints with idle workers or callers and never both. */
#include "audit.h"

#include "endpoint.h"
#include "notification.h"
#include "process.h"
#include "thread.h"

static uint32_t threads_found, ready_found;

static bool list_has(const struct list *head, const struct list *wanted)
{
    LIST_FOREACH(link, head)
        if (link == wanted)
            return true;
    return false;
}

static bool is_current(const struct thread *thread)
{
    return thread == this_cpu()->current;
}

static bool is_idle(const struct thread *thread)
{
    for (const struct thread *worker = thread->endpoint->idle; worker != &null_thread; worker = worker->link)
        if (worker == thread)
            return true;
    return false;
}

#define NAME(thread) (thread)->process->supervisor_badge, (const void *)(thread)

/* ---- links of calls ---- */

static void check_links(const struct thread *thread, bool idle)
{
    const struct thread *caller = idle ? &null_thread : thread->link, *root = thread;
    uint32_t steps = 0;
    check(caller == &null_thread || caller->callee == thread, "process %u: thread %p serves one that has not called it",
          NAME(thread));
    check(caller == &null_thread || (caller->state == THREAD_ACTIVE && !is_current(caller)),
          "process %u: thread %p serves one that is not calling", NAME(thread));
    check(!thread->callee || thread->callee->link == thread, "process %u: thread %p is served by one that does not know it",
          NAME(thread));
    while (!idle && root->link != &null_thread && steps++ < this_cpu()->threads_alive)
        root = root->link;
    check(steps < this_cpu()->threads_alive, "process %u: the chain of thread %p is a circle", NAME(thread));
}

/* ---- states ---- */

static void check_active(const struct thread *thread, bool idle)
{
    uint32_t places = (uint32_t)is_current(thread) + idle + (thread->callee != NULL);
    check(places == 1, "process %u: thread %p is active in %u places", NAME(thread), places);
}

static void check_ready(const struct thread *thread)
{
    const struct budget *budget = thread->budget;
    ready_found++;
    check(budget->queued && budget->thread == thread && budget->priority < PRIORITIES &&
          list_has(&this_cpu()->ready.lists[budget->priority], &budget->link), "process %u: thread %p is ready in no queue",
          NAME(thread));
    check(budget == call_root((struct thread *)thread)->base, "process %u: thread %p is ready on another's budget", NAME(thread));
}

static void check_queued(const struct thread *thread)
{
    check(thread->queued_priority == thread->budget->priority &&
          list_has(&thread->queued_at->callers.lists[thread->queued_priority], &thread->queue_link),
          "process %u: thread %p waits in no queue", NAME(thread));
}

static void check_waiting(const struct thread *thread)
{
    check(list_has(&thread->waiting.notification->waiters, &thread->queue_link), "process %u: thread %p waits for nothing",
          NAME(thread));
    check(thread->budget == call_root((struct thread *)thread)->base, "process %u: thread %p waits with another's budget",
          NAME(thread));
}

static void check_state(const struct thread *thread, bool idle)
{
    switch (thread->state) {
    case THREAD_ACTIVE: check_active(thread, idle); return;
    case THREAD_READY: check_ready(thread); break;
    case THREAD_QUEUED: check_queued(thread); break;
    case THREAD_WAITING: check_waiting(thread); break;
    case THREAD_STOPPED: break;
    default: check(false, "process %u: thread %p is in state %u", NAME(thread), (uint32_t)thread->state);
    }
    check(!is_current(thread) && !idle && !thread->callee, "process %u: thread %p is in state %u and active as well",
          NAME(thread), (uint32_t)thread->state);
}

static const struct timer *top_of(const struct timer *timer)
{
    while (timer->above)
        timer = timer->above;
    return timer;
}

static void check_timer(const struct thread *thread)
{
    bool calling = thread->state == THREAD_QUEUED || thread->callee;
    bool armed = timer_armed(&thread->timer);
    check(!(thread->flags & FLAG_DEADLINE) || (armed && calling), "process %u: thread %p has a deadline for nothing",
          NAME(thread));
    check(!armed || calling || thread->state == THREAD_WAITING, "process %u: thread %p has a timer for nothing",
          NAME(thread));
    check(!armed || top_of(&thread->timer) == this_cpu()->timers, "process %u: the timer of thread %p is lost",
          NAME(thread));
}

/* What the fast path reads in place of the process. */
static void check_copies(const struct thread *thread)
{
    const struct process *process = thread->process;
    check(thread->root == process->space.root && thread->handles == process->handles.entries &&
          thread->handle_mask == HANDLE_MASK, "process %u: thread %p has stale copies", NAME(thread));
}

void audit_thread(struct thread *thread)
{
    if (thread->state == THREAD_DEAD) {
        check(thread->link == &null_thread && !thread->callee && thread->endpoint == &null_endpoint && !thread->fpu &&
              !timer_armed(&thread->timer), "dead thread %p has kept something", (const void *)thread);
        return;
    }
    bool idle = thread->state == THREAD_ACTIVE && is_idle(thread);
    threads_found++;
    check_state(thread, idle);
    check_links(thread, idle);
    check_timer(thread);
    check_copies(thread);
    check(list_has(&thread->process->threads, &thread->in_process), "process %u: thread %p is not in its list", NAME(thread));
    check(thread->endpoint == &null_endpoint || list_has(&thread->endpoint->workers, &thread->in_endpoint),
          "process %u: worker %p is not in its endpoint's list", NAME(thread));
    check(thread->base == &thread->own || thread->base->bound == thread,
          "process %u: thread %p has a budget that is not bound to it", NAME(thread));
}

/* ---- endpoints ---- */

static uint32_t list_length(const struct list *head)
{
    uint32_t length = 0;
    LIST_FOREACH(link, head)
        length++;
    return length;
}

void audit_endpoint(struct endpoint *endpoint, uint32_t serving)
{
    uint32_t idle = 0, waiting = 0;
    for (const struct thread *worker = endpoint->idle; worker != &null_thread && idle <= endpoint->worker_count;
         worker = worker->link, idle++)
        check(worker->endpoint == endpoint && worker->state == THREAD_ACTIVE && worker->left_by == BADGE_NONE,
              "idle worker %p is not the endpoint's", (const void *)worker);
    for (uint32_t priority = 0; priority < PRIORITIES; priority++) {
        uint32_t length = list_length(&endpoint->callers.lists[priority]);
        waiting += length;
        check(!length == !(endpoint->callers.levels >> priority & 1), "level %u of an endpoint's queue is mismarked", priority);
    }
    check(idle == 0 || waiting == 0, "an endpoint has %u idle workers and %u callers that wait", idle, waiting);
    check(waiting == endpoint->waiting, "an endpoint has %u callers that wait, and says %u", waiting, endpoint->waiting);
    check(idle <= endpoint->worker_count && list_length(&endpoint->workers) == endpoint->worker_count,
          "an endpoint counts %u workers", endpoint->worker_count);
    check(serving == endpoint->serve_handles, "an endpoint has %u handles to serve it, and says %u", serving,
          endpoint->serve_handles);
    check(waiting == 0 || !endpoint_is_deserted(endpoint), "%u callers wait at a deserted endpoint", waiting);
    check(!endpoint->found, "an endpoint is still marked by a search");
}

/* ---- the CPU ---- */

static void check_ready_queue(const struct cpu *cpu)
{
    uint32_t queued = 0;
    for (uint32_t priority = 0; priority < PRIORITIES; priority++) {
        LIST_FOREACH(link, &cpu->ready.lists[priority]) {
            const struct budget *budget = LIST_ENTRY(link, struct budget, link);
            queued++;
            check(budget->thread->state == THREAD_READY && budget->thread->budget == budget,
                  "a budget waits for thread %p, which is not ready", (const void *)budget->thread);
        }
        check(list_empty(&cpu->ready.lists[priority]) == !(cpu->ready.levels >> priority & 1),
              "level %u of the run queue is mismarked", priority);
    }
    check(queued == ready_found, "%u budgets are ready, and %u threads", queued, ready_found);
}

static uint32_t rank_of(const struct timer *timer)
{
    return timer ? timer->rank : 0;
}

static void check_timer_below(const struct timer *timer, const struct timer *below)
{
    check(!below || (below->above == timer && below->when >= timer->when), "timer %p is above one that is due sooner",
          (const void *)timer);
}

/* From each timer to the next, left before right, by the ways up; so no stack is needed. */
static const struct timer *timer_after(const struct timer *timer)
{
    if (timer->left)
        return timer->left;
    while (timer->above && (timer->above->right == timer || !timer->above->right))
        timer = timer->above;
    return timer->above ? timer->above->right : NULL;
}

static void check_timers(const struct cpu *cpu)
{
    check(!cpu->timers || !cpu->timers->above, "the soonest timer is below another one");
    for (const struct timer *timer = cpu->timers; timer; timer = timer_after(timer)) {
        check_timer_below(timer, timer->left);
        check_timer_below(timer, timer->right);
        check(rank_of(timer->left) >= rank_of(timer->right) && timer->rank == rank_of(timer->right) + 1,
              "timer %p has rank %u", (const void *)timer, timer->rank);
    }
}

void audit_scheduler(void)
{
    const struct cpu *cpu = this_cpu();
    check(threads_found == cpu->threads_alive, "%u threads live, and %u are counted", threads_found, cpu->threads_alive);
    check(cpu->budget == call_root(cpu->current)->base && !cpu->budget->queued, "thread %p runs on another's budget",
          (const void *)cpu->current);
    check_ready_queue(cpu);
    check_timers(cpu);
    threads_found = ready_found = 0;
}
