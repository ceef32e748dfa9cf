/* Deadlines in one heap per CPU; the hardware timer is set for the soonest or for the end of the slice. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    struct timer *left, *right;     /* due no sooner; valid while armed */
    struct timer *above;            /* due no later; NULL: the soonest of all */
    uint32_t rank;                  /* steps to the right until there is no timer any more; 0: not armed */
    uint64_t when;                  /* arch_time() ticks */
    void (*expired)(struct timer *timer);   /* called with the timer unlinked */
};

static inline bool timer_armed(const struct timer *timer) { return timer->rank != 0; }
/* Arms (or arms anew) for `when`. */
void timer_arm(struct timer *timer, uint64_t when, void (*expired)(struct timer *timer));
void timer_cancel(struct timer *timer);
/* Sets the hardware for the next event of this CPU. */
void timer_program(void);

/* ---- timers.c: the heap. *timers is the soonest of them; NULL: there is none ---- */
void timers_insert(struct timer **timers, struct timer *timer);
void timers_remove(struct timer **timers, struct timer *timer);

#endif
