/* Deadlines, and the one-shot hardware timer behind them and behind time slices. */
#include "timer.h"

#include "arch.h"
#include "thread.h"
#include "trace.h"

void timer_arm(struct timer *timer, uint64_t when, void (*expired)(struct timer *timer))
{
    timer_cancel(timer);
    timer->when = when;
    timer->expired = expired;
    timers_insert(&this_cpu()->timers, timer);
    timer_program();
}

void timer_cancel(struct timer *timer)
{
    if (timer_armed(timer))
        timers_remove(&this_cpu()->timers, timer);
}

void timer_program(void)
{
    struct cpu *cpu = this_cpu();
    bool idle = cpu->current == cpu->idle;
    uint64_t when = cpu->budget_since + cpu->budget->left;
    if (cpu->timers && (idle || cpu->timers->when < when))
        when = cpu->timers->when;
    if (cpu->timers || !idle)
        arch_timer_set(when);
}

/* One at a time, for its signal may have all the waiters to look at: for those that are left the next interrupt comes at once. */
static void expire(struct timer **timers, uint64_t now)
{
    struct timer *first = *timers;
    if (!first || first->when > now)
        return;
    timers_remove(timers, first);
    first->expired(first);
}

void timer_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    trace_interrupt(TRACE_CLOCK, 0);
    scheduler_account();
    expire(&cpu->timers, arch_time());
    if (cpu->budget->left == 0)
        cpu->reschedule = true;
    timer_program();
}
