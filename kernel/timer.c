/* Deadlines in a sorted list, and the one-shot hardware timer behind them and behind time slices. */
#include "timer.h"

#include "arch.h"
#include "thread.h"

void timer_arm(struct timer *timer, uint64_t when, void (*expired)(struct timer *timer))
{
    struct list *timers = &this_cpu()->timers;
    timer_cancel(timer);
    timer->when = when;
    timer->expired = expired;
    struct list *position = timers->next;
    while (position != timers && LIST_ENTRY(position, struct timer, link)->when <= when)
        position = position->next;
    list_insert(position, &timer->link);
    timer_program();
}

void timer_cancel(struct timer *timer)
{
    if (timer_armed(timer))
        list_remove(&timer->link);
}

void timer_program(void)
{
    struct cpu *cpu = this_cpu();
    bool idle = cpu->current == cpu->idle;
    bool deadline = !list_empty(&cpu->timers);
    uint64_t when = cpu->budget_since + cpu->budget->left;
    if (deadline) {
        uint64_t first = LIST_ENTRY(cpu->timers.next, struct timer, link)->when;
        if (idle || first < when)
            when = first;
    }
    if (deadline || !idle)
        arch_timer_set(when);
}

static void expire(struct list *timers, uint64_t now)
{
    while (!list_empty(timers)) {
        struct timer *first = LIST_ENTRY(timers->next, struct timer, link);
        if (first->when > now)
            return;
        list_remove(&first->link);
        first->expired(first);
    }
}

void timer_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    scheduler_account();
    expire(&cpu->timers, arch_time());
    if (cpu->budget->left == 0)
        cpu->reschedule = true;
    timer_program();
}
