/* Work that is left for the way out of the kernel, for unit tests: finish_work() is that way out. */
#ifndef MOCK_WORK_H
#define MOCK_WORK_H

#include <stdbool.h>

#include "work.h"

static struct list work_left = LIST_INITIAL(work_left);

void work_add(struct work *work, void (*step)(struct work *work))
{
    if (work->step)
        list_remove(&work->link);
    work->step = step;
    list_insert(work_left.next, &work->link);
}

void work_raise_priority(const struct budget *budget)
{
    (void)budget;
}

void work_done(struct work *work)
{
    list_remove(&work->link);
    work->step = NULL;
}

static inline void finish_work(void)
{
    while (!list_empty(&work_left))
        LIST_ENTRY(work_left.next, struct work, link)->step(LIST_ENTRY(work_left.next, struct work, link));
}

#endif
