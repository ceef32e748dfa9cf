/* The life of a process: address space, quota, threads, watchers. */
#include "process.h"

#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "memory.h"
#include "notification.h"
#include "slab.h"
#include "thread.h"

static struct slab watches = SLAB_INITIAL(sizeof(struct watch));

static bool create_space(struct process *process)
{
    if (!quota_charge(&process->quota, ARCH_SPACE_PAGES * PAGE_SIZE))
        return false;
    if (arch_space_create(&process->space)) {
        process->table_pages = ARCH_SPACE_PAGES;
        return true;
    }
    quota_refund(&process->quota, ARCH_SPACE_PAGES * PAGE_SIZE);
    return false;
}

static bool furnish(struct process *process, uint32_t quota_bytes)
{
    if (!quota_transfer(&process->object.payer->quota, &process->quota, quota_bytes))
        return false;
    process->granted = quota_bytes;
    if (!process_handles_create(process))
        return false;
    if (create_space(process))
        return true;
    while (!process_handles_destroy(process))
        ;
    return false;
}

struct process *process_create(struct process *payer, uint32_t quota_bytes)
{
    struct process *process = object_create(TYPE_PROCESS, payer);
    if (!process)
        return NULL;
    list_init(&process->threads);
    list_init(&process->children);
    list_init(&process->mappings);
    list_init(&process->watchers);
    list_init(&process->watching);
    if (!furnish(process, quota_bytes)) {
        object_release(&process->object);
        return NULL;
    }
    process->alive = true;
    list_insert(&payer->children, &process->in_payer);
    object_hold(&process->object); /* while it lives */
    this_cpu()->processes_alive++;
    return process;
}

static void remove_watch(struct watch *watch)
{
    struct process *payer = watch->payer;
    watch->process->watch_count--;
    list_remove(&watch->link);
    list_remove(&watch->in_payer);
    object_release(&watch->notification->object);
    slab_free(&watches, watch);
    quota_refund(&payer->quota, watches.size);
    object_release(&payer->object);
}

/* What is not in use goes back at once: handles may keep the structure for long. */
static void return_quota(struct process *process)
{
    uint32_t unused = process->quota.limit - process->quota.used;
    if (quota_transfer(&process->quota, &process->object.payer->quota, unused))
        process->granted -= unused;
}

static struct watch *watch_of(struct process *process, const struct notification *notification, const struct process *payer)
{
    LIST_FOREACH(link, &process->watchers) {
        struct watch *watch = LIST_ENTRY(link, struct watch, link);
        if (watch->payer == payer && watch->notification == notification)
            return watch;
    }
    return NULL;
}

/* One watch for each that asks, however often: a client that comes again and again must not use up its service's quota. */
status_t process_watch(struct process *process, struct notification *notification, uint32_t bits, struct process *payer)
{
    if (!process->alive)
        return E_BAD_STATE;
    struct watch *known = watch_of(process, notification, payer);
    if (known) {
        known->bits |= bits;
        return OK;
    }
    if (process->watch_count == WATCHES_MAX || !quota_charge(&payer->quota, watches.size))
        return E_NO_MEMORY;
    struct watch *watch = slab_allocate(&watches);
    if (!watch) {
        quota_refund(&payer->quota, watches.size);
        return E_NO_MEMORY;
    }
    object_hold(&payer->object);
    object_hold(&notification->object);
    watch->payer = payer;
    watch->notification = notification;
    watch->bits = bits;
    watch->process = process;
    process->watch_count++;
    list_insert(&process->watchers, &watch->link);
    list_insert(&payer->watching, &watch->in_payer);
    return OK;
}

/* Nothing is left but who is to be told. */
static void settle_accounts(struct process *process)
{
    quota_refund(&process->quota, process->table_pages * PAGE_SIZE);
    process->table_pages = 0;
    log_flush(process);
    if (process->supervisor)
        object_release(&process->supervisor->object);
    process->supervisor = NULL;
    return_quota(process);
    this_cpu()->processes_alive--;
}

static void tell_watcher(struct watch *watch)
{
    notification_signal(watch->notification, watch->bits);
    remove_watch(watch);
}

/* Before the last watcher may run: it then holds the only references, and what it closes comes back at once. */
static void end_life(struct process *process)
{
    work_done(&process->work);
    list_remove(&process->in_payer);
    object_release(&process->object);
}

/* Its threads first: what they make would have to go too. Its children next, which live on its quota, and without it nobody may
 * be left who can name them. Its watchers last: what it had is back then. */
static void end_step(struct work *work)
{
    struct process *process = LIST_ENTRY(work, struct process, work);
    if (!list_empty(&process->threads)) {
        thread_kill(LIST_ENTRY(process->threads.next, struct thread, in_process));
    } else if (!list_empty(&process->children)) {
        process_kill(LIST_ENTRY(process->children.next, struct process, in_payer), process->exit_code);
    } else if (!list_empty(&process->mappings)) {
        mapping_remove(LIST_ENTRY(process->mappings.next, struct mapping, in_process));
    } else if (!list_empty(&process->watching)) {
        remove_watch(LIST_ENTRY(process->watching.next, struct watch, in_payer));
    } else if (process->table_pages) {
        if (process_handles_destroy(process) && arch_space_destroy(&process->space))
            settle_accounts(process);
    } else {
        if (!list_empty(&process->watchers))
            tell_watcher(LIST_ENTRY(process->watchers.next, struct watch, link));
        if (list_empty(&process->watchers))
            end_life(process);
    }
}

void process_kill(struct process *process, uint32_t exit_code)
{
    if (process->object.payer == this_cpu()->kernel)
        panic("init has ended with code %u, and nobody supervises the rest", exit_code);
    if (process->alive)
        process->exit_code = exit_code;
    process->alive = false;
    work_add(&process->work, end_step);
}

static void free_step(struct work *work)
{
    work_done(work);
    object_free(&LIST_ENTRY(work, struct process, work)->object);
}

/* What was charged to it has come back: every object holds its payer. */
void process_destroy(struct object *object)
{
    struct process *process = (struct process *)object;
    assert(!process->alive && process->quota.used == 0);
    quota_transfer(&process->quota, &process->object.payer->quota, process->granted);
    work_add(&process->work, free_step);
}
