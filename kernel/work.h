/* What would take too long with interrupts off: done in steps on the way out of the kernel, interrupts let in between them. */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct budget;

struct work {
    struct list link;                   /* in cpu->work while there is something to do */
    void (*step)(struct work *work);    /* does a bounded piece, and says work_done() after the last; NULL: nothing to do */
    uint8_t priority;                   /* that it is in cpu->work with: of who caused it, or waits for it */
};

/* Of one priority the latest comes first: what one step leaves behind is done before that one goes on. Whoever runs, or has a
 * lower priority, does not get back to user mode before. */
void work_add(struct work *work, void (*step)(struct work *work));
void work_done(struct work *work);
/* For a running budget that is about to be left, and for those of who wait: work_add() sees only what runs then. */
void work_raise_priority(const struct budget *budget);

#endif
