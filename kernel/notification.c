/* Sticky bits and their waiters. A bit is taken by the first waiter whose mask has it. */
#include "notification.h"

#include "thread.h"

static void wake(struct thread *thread, struct notification *notification, uint32_t bits)
{
    notification->bits &= ~bits;
    list_remove(&thread->queue_link);
    timer_cancel(&thread->timer);
    thread->frame.status = OK;
    thread->frame.word = bits;
    scheduler_ready(thread, thread->budget);
    object_release(&notification->object);
}

void notification_signal(struct notification *notification, uint32_t bits)
{
    notification->bits |= bits;
    object_hold(&notification->object); /* a waiter may hold the last reference */
    LIST_FOREACH_SAFE(link, &notification->waiters) {
        struct thread *thread = LIST_ENTRY(link, struct thread, queue_link);
        uint32_t taken = notification->bits & thread->waiting.mask;
        if (taken)
            wake(thread, notification, taken);
    }
    object_release(&notification->object);
}

/* Waiters hold references, so none is left here. */
void notification_destroy(struct object *object)
{
    timer_cancel(&((struct notification *)object)->timer);
}
