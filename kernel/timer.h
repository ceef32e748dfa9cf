/* Deadlines, soonest first, on one list per CPU; the hardware timer is set for the first or for the end of the slice. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct timer {
    struct list link;               /* in cpu->timers; empty while not armed */
    uint64_t when;                  /* arch_time() ticks */
    void (*expired)(struct timer *timer);   /* called with the timer unlinked */
};

static inline bool timer_armed(const struct timer *timer) { return timer->link.next && !list_empty(&timer->link); }
/* Arms (or arms anew) for `when`. */
void timer_arm(struct timer *timer, uint64_t when, void (*expired)(struct timer *timer));
void timer_cancel(struct timer *timer);
/* Sets the hardware for the next event of this CPU. */
void timer_program(void);

#endif
