/* Locks: one exchange when nobody else wants it, a notification to sleep on otherwise. */
#include "internal.h"

enum { FREE, TAKEN, CONTENDED };

#define FREED 1u /* notification bit */

static uint32_t exchange(uint32_t *word, uint32_t value)
{
    __asm__ volatile("xchgl %0, %1" : "+r"(value), "+m"(*word) : : "memory");
    return value;
}

static bool take_if_free(uint32_t *state)
{
    uint32_t seen = FREE;
    __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(seen), "+m"(*state) : "r"((uint32_t)TAKEN) : "memory", "cc");
    return seen == FREE;
}

status_t lock_init(struct lock *lock)
{
    lock->state = FREE;
    return notification_create(&lock->notification);
}

/* Whoever has slept cannot know whether others still do, so it leaves CONTENDED behind; that costs one signal too
 * many. */
void lock_acquire(struct lock *lock)
{
    uint32_t bits;
    if (take_if_free(&lock->state))
        return;
    while (exchange(&lock->state, CONTENDED) != FREE)
        notification_wait(lock->notification, FREED, TIMEOUT_NEVER, &bits);
}

bool lock_try(struct lock *lock)
{
    return take_if_free(&lock->state);
}

void lock_release(struct lock *lock)
{
    if (exchange(&lock->state, FREE) == CONTENDED)
        notification_signal(lock->notification, FREED);
}
