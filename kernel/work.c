/* The list of work that is left for the way out of the kernel; scheduler_leave() does it. */
#include "work.h"

#include "thread.h"

void work_raise_priority(const struct budget *budget)
{
    struct cpu *cpu = this_cpu();
    if (budget->priority > cpu->work_priority)
        cpu->work_priority = budget->priority;
}

void work_add(struct work *work, void (*step)(struct work *work))
{
    struct cpu *cpu = this_cpu();
    if (work->step)
        queue_remove(&cpu->work, &work->link, work->priority);
    work_raise_priority(cpu->budget);
    work->step = step;
    work->priority = cpu->work_priority;
    queue_prepend(&cpu->work, &work->link, work->priority);
    cpu->reschedule = true;
}

void work_done(struct work *work)
{
    queue_remove(&this_cpu()->work, &work->link, work->priority);
    work->step = NULL;
}
