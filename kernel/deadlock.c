/* E_DEADLOCK: would a call that is about to wait for a busy pool wait for itself?
 *
 * It would if every worker of the pool waits, through its own calls, for this very caller: the chain of the worker ends
 * either at the caller, or in the queue of a pool of which the same is true. So the search is for a set of pools, begun with
 * the one that is called, in which every chain ends at the caller or in the queue of a pool of the set. One worker that
 * runs, is ready, or waits for a notification ends the search: it may yet reply. Calls are refused before they close a
 * circle, and when the end of a worker closes one, a caller that is part of it is.
 *
 * Chains that share their ends are followed once, so a search takes as long as there are threads in the pools that it finds; and
 * no longer than some number of them, for interrupts are off. */
#include "endpoint.h"
#include "log.h"
#include "process.h"
#include "thread.h"

#define THREADS_AT_MOST 48u     /* that a search looks at: interrupts are off. A larger circle waits */
#define NAMED_AT_MOST 5u        /* processes of a circle that are named in the log */

/* Each pool is found once; the last one's `found` points at null_endpoint. */
static void find(struct endpoint *endpoint, struct endpoint **last)
{
    if (endpoint->found)
        return;
    (*last)->found = endpoint;
    endpoint->found = &null_endpoint;
    *last = endpoint;
}

/* The end of the worker's chain; NULL if another worker has led there; null_thread if that has looked at too many threads. */
static const struct thread *search_leaf(struct thread *worker, uint32_t *left)
{
    for (struct thread *thread = worker;; thread = thread->callee) {
        if (thread->searched)
            return NULL;
        if (*left == 0)
            return &null_thread;
        --*left;
        thread->searched = true;
        if (!thread->callee)
            return thread;
    }
}

/* False: some worker does not, or will not be there: that of a process that is being ended. What the others wait for beside
 * the caller is found. */
static bool workers_wait_for(const struct thread *caller, const struct endpoint *endpoint, struct endpoint **last, uint32_t *left)
{
    LIST_FOREACH(link, &endpoint->workers) {
        struct thread *worker = LIST_ENTRY(link, struct thread, in_endpoint);
        if (!worker->process->alive)
            return false;
        const struct thread *leaf = search_leaf(worker, left);
        if (!leaf || leaf == caller)
            continue;
        if (leaf->state != THREAD_QUEUED)
            return false;
        find(leaf->queued_at, last);
    }
    return endpoint->worker_count > 0;
}

/* Whether all workers of the endpoint wait for the caller (NULL: for each other). Leaves its traces until forget(). */
static bool search(const struct thread *caller, struct endpoint *endpoint, uint32_t *left)
{
    struct endpoint *last = endpoint;
    endpoint->found = &null_endpoint;
    bool waits = true;
    for (const struct endpoint *pool = endpoint; waits && pool != &null_endpoint; pool = pool->found)
        waits = workers_wait_for(caller, pool, &last, left);
    return waits;
}

static void forget_chain(struct thread *thread, uint32_t *left)
{
    for (; thread && thread->searched; thread = thread->callee, ++*left)
        thread->searched = false;
}

/* A search that has ended early has looked at few of many workers. */
static void forget(struct endpoint *endpoint, uint32_t left)
{
    while (endpoint != &null_endpoint) {
        struct endpoint *next = endpoint->found;
        endpoint->found = NULL;
        for (struct list *link = endpoint->workers.next; left < THREADS_AT_MOST && link != &endpoint->workers; link = link->next)
            forget_chain(LIST_ENTRY(link, struct thread, in_endpoint), &left);
        endpoint = next;
    }
}

/* Prints a chain of calls, by the numbers of its processes, and returns its end. */
static const struct thread *print_chain(const struct thread *thread, uint32_t *named)
{
    for (;; thread = thread->callee) {
        if ((*named)++ < NAMED_AT_MOST)
            log_print(" -> %u", thread->process->supervisor_badge);
        if (!thread->callee)
            return thread;
    }
}

/* A worker whose chain ends at the caller, else any. */
static const struct thread *worker_towards(const struct thread *caller, const struct endpoint *endpoint)
{
    LIST_FOREACH(link, &endpoint->workers) {
        const struct thread *worker = LIST_ENTRY(link, struct thread, in_endpoint);
        if (call_leaf(worker) == caller)
            return worker;
    }
    return LIST_ENTRY(endpoint->workers.next, struct thread, in_endpoint);
}

static void report(const struct thread *caller, const struct endpoint *endpoint)
{
    log_print("deadlock: a call refused: process %u",
              caller->process->supervisor_badge);
    const struct thread *leaf;
    uint32_t named = 0;
    do {
        leaf = print_chain(worker_towards(caller, endpoint), &named);
        endpoint = leaf->queued_at;
    } while (leaf != caller && named < NAMED_AT_MOST);
    log_character('\n');
}

static void refuse(const struct thread *caller, struct endpoint *endpoint)
{
    endpoint->refusals++;
    if (!endpoint->told)
        report(caller, endpoint);
    endpoint->told = true;
}

bool deadlock_refuses(const struct thread *caller, struct endpoint *endpoint)
{
    uint32_t left = THREADS_AT_MOST;
    bool waits = search(caller, endpoint, &left);
    forget(endpoint, left);
    if (waits)
        refuse(caller, endpoint);
    return waits;
}

/* One that is served by nobody and waits for nobody's sake but its own is no part of a circle. */
static bool is_in_found_pool(const struct thread *caller, uint32_t *left)
{
    for (const struct thread *thread = caller; thread != &null_thread && *left; thread = thread->link, --*left)
        if (thread->endpoint->found)
            return true;
    return false;
}

static struct thread *queued_from_found_pool(const struct endpoint *endpoint)
{
    uint32_t left = 2 * THREADS_AT_MOST;
    for (uint32_t priority = 0; priority < PRIORITIES; priority++)
        LIST_FOREACH(link, &endpoint->callers.lists[priority]) {
            struct thread *caller = LIST_ENTRY(link, struct thread, queue_link);
            if (left == 0 || is_in_found_pool(caller, &left))
                return left ? caller : NULL;
        }
    return NULL;
}

struct thread *deadlock_find(struct endpoint *endpoint)
{
    if (endpoint->waiting == 0)
        return NULL;
    uint32_t left = THREADS_AT_MOST;
    struct thread *caller = search(NULL, endpoint, &left) ? queued_from_found_pool(endpoint) : NULL;
    forget(endpoint, left);
    if (caller)
        refuse(caller, endpoint);
    return caller;
}
