/* Sticky bits and their waiters. A bit is taken by the first waiter whose mask has it. */
#include "notification.h"

#include "thread.h"

#define WOKEN_AT_ONCE 4u

static void wake(struct thread *thread, struct notification *notification, uint32_t bits)
{
    notification->bits &= ~bits;
    list_remove(&thread->queue_link);
    notification->waiter_count--;
    timer_cancel(&thread->timer);
    thread->frame.status = OK;
    thread->frame.word = bits;
    scheduler_ready(thread, thread->budget);
    object_release(&notification->object);
}

/* False: there are more to be woken, which is as urgent as the most urgent of them. */
static bool wake_some(struct notification *notification)
{
    uint32_t woken = 0;
    LIST_FOREACH_SAFE(link, &notification->waiters) {
        struct thread *thread = LIST_ENTRY(link, struct thread, queue_link);
        uint32_t taken = notification->bits & thread->waiting.mask;
        if (!taken)
            continue;
        if (woken++ < WOKEN_AT_ONCE)
            wake(thread, notification, taken);
        else
            work_raise_priority(thread->budget);
    }
    return woken <= WOKEN_AT_ONCE;
}

static void wake_step(struct work *work)
{
    struct notification *notification = LIST_ENTRY(work, struct notification, work);
    if (!wake_some(notification))
        return;
    work_done(work);
    object_release(&notification->object);
}

void notification_signal(struct notification *notification, uint32_t bits)
{
    notification->bits |= bits;
    object_hold(&notification->object); /* a waiter may hold the last reference */
    bool woken = wake_some(notification);
    if (woken || notification->work.step)
        object_release(&notification->object);
    if (!woken)
        work_add(&notification->work, wake_step);
}

/* Waiters hold references, so none is left here. */
void notification_destroy(struct object *object)
{
    timer_cancel(&((struct notification *)object)->timer);
}
