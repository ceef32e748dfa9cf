/* Armed timers as a leftist heap: no timer below is due sooner, and the way down to the right is never longer than that to the
 * left. So arming and cancelling take no more than the logarithm of how many there are, whoever has armed them: a list in order
 * made everybody's deadlines as dear as the process with the most timers liked. */
#include <stddef.h>

#include "timer.h"

static uint32_t rank_of(const struct timer *timer)
{
    return timer ? timer->rank : 0;
}

/* Puts the longer way to the left. False: nothing changed for the timer above. */
static bool settle(struct timer *timer)
{
    if (rank_of(timer->left) < rank_of(timer->right)) {
        struct timer *right = timer->right;
        timer->right = timer->left;
        timer->left = right;
    }
    uint32_t rank = rank_of(timer->right) + 1;
    bool changed = rank != timer->rank;
    timer->rank = rank;
    return changed;
}

/* Down along both right sides, always on with the sooner timer, and up again: a loop, for the kernel stack is small. */
static struct timer *merge(struct timer *first, struct timer *second)
{
    struct timer *root = NULL, *above = NULL, **place = &root;
    while (first && second) {
        struct timer *sooner = second->when < first->when ? second : first, *later = sooner == first ? second : first;
        sooner->above = above;
        *place = above = sooner;
        place = &sooner->right;
        first = sooner->right;
        second = later;
    }
    *place = first ? first : second;
    if (*place)
        (*place)->above = above;
    for (; above; above = above->above)
        settle(above);
    return root;
}

void timers_insert(struct timer **timers, struct timer *timer)
{
    timer->left = timer->right = timer->above = NULL;
    timer->rank = 1;
    *timers = merge(*timers, timer);
}

void timers_remove(struct timer **timers, struct timer *timer)
{
    struct timer *above = timer->above, *below = merge(timer->left, timer->right);
    if (below)
        below->above = above;
    if (!above)
        *timers = below;
    else if (above->left == timer)
        above->left = below;
    else
        above->right = below;
    timer->rank = 0;
    while (above && settle(above))
        above = above->above;
}
