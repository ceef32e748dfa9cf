/* The list of work that is left for the way out of the kernel; scheduler_leave() does it. */
#include "work.h"

#include "thread.h"

void work_raise_priority(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->budget->priority > cpu->work_priority)
        cpu->work_priority = cpu->budget->priority;
}

void work_add(struct work *work, void (*step)(struct work *work))
{
    struct cpu *cpu = this_cpu();
    if (work->step)
        list_remove(&work->link);
    work->step = step;
    list_insert(cpu->work.next, &work->link);
    work_raise_priority();
    cpu->reschedule = true;
}

void work_done(struct work *work)
{
    list_remove(&work->link);
    work->step = NULL;
}
