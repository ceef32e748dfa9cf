/* E_DEADLOCK: would a call that is about to wait for a busy pool wait for itself?
 *
 * It would if every worker of the pool waits, through its own calls, for this very caller: the chain of the worker ends
 * either at the caller, or in the queue of a pool of which the same is true. So the search is for a set of pools, begun with
 * the one that is called, in which every chain ends at the caller or in the queue of a pool of the set. One worker that
 * runs, is ready, or waits for a notification ends the search: it may yet reply. Calls are refused before they close a
 * circle, so there never is one that this caller is not part of. */
#include "endpoint.h"
#include "log.h"
#include "process.h"
#include "thread.h"

#define PATH_MAX 16u /* pools of a circle that are named in the log */

/* Each pool is found once; the last one's `found` points at null_endpoint. */
static void find(struct endpoint *endpoint, struct endpoint **last)
{
    if (endpoint->found)
        return;
    (*last)->found = endpoint;
    endpoint->found = &null_endpoint;
    *last = endpoint;
}

/* False: some worker does not. What the others wait for beside the caller is found. */
static bool workers_wait_for(const struct thread *caller, const struct endpoint *endpoint, struct endpoint **last)
{
    LIST_FOREACH(link, &endpoint->workers) {
        const struct thread *leaf = call_leaf(LIST_ENTRY(link, struct thread, in_endpoint));
        if (leaf == caller)
            continue;
        if (leaf->state != THREAD_QUEUED)
            return false;
        find(leaf->queued_at, last);
    }
    return endpoint->worker_count > 0;
}

static void forget(struct endpoint *endpoint)
{
    while (endpoint != &null_endpoint) {
        struct endpoint *next = endpoint->found;
        endpoint->found = NULL;
        endpoint = next;
    }
}

/* Prints a chain of calls, by the numbers of its processes, and returns its end. */
static const struct thread *print_chain(const struct thread *thread)
{
    for (;; thread = thread->callee) {
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
    log_print("deadlock: a call was refused, since all that it would wait for wait for it: process %u",
              caller->process->supervisor_badge);
    const struct thread *leaf;
    uint32_t pools = 0;
    do {
        leaf = print_chain(worker_towards(caller, endpoint));
        endpoint = leaf->queued_at;
    } while (leaf != caller && ++pools < PATH_MAX);
    log_character('\n');
}

bool call_would_deadlock(const struct thread *caller, struct endpoint *endpoint)
{
    struct endpoint *last = endpoint;
    endpoint->found = &null_endpoint;
    bool waits = true;
    for (const struct endpoint *pool = endpoint; waits && pool != &null_endpoint; pool = pool->found)
        waits = workers_wait_for(caller, pool, &last);
    forget(endpoint);
    if (waits && !endpoint->told)
        report(caller, endpoint);
    endpoint->told |= waits;
    return waits;
}
