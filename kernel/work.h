/* What would take too long with interrupts off: done in steps on the way out of the kernel, interrupts let in between them. */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include <stddef.h>

#include "list.h"

struct work {
    struct list link;                   /* in cpu->work while there is something to do */
    void (*step)(struct work *work);    /* does a bounded piece, and says work_done() after the last; NULL: nothing to do */
};

/* The latest comes first: what one step leaves behind is done before that one goes on. Whoever runs, or has a lower priority,
 * does not get back to user mode before. */
void work_add(struct work *work, void (*step)(struct work *work));
void work_done(struct work *work);
/* Also for a running budget that is about to be left: work_add() sees only what runs then. */
void work_raise_priority(void);

#endif
