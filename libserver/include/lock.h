/* A lock for threads of one process: free of kernel calls until somebody has to wait. */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <postern.h>

struct lock {
    uint32_t state;         /* 0 free, 1 taken, 2 taken and somebody may wait */
    handle_t notification;  /* bit 0: it was freed while somebody might wait */
};

/* Makes a free lock. E_NO_MEMORY. */
status_t lock_init(struct lock *lock);
/* Takes it, and waits until it is free. */
void lock_acquire(struct lock *lock);
/* Takes it if it is free; false when it is not. */
bool lock_try(struct lock *lock);
/* Gives it back and wakes who waits. */
void lock_release(struct lock *lock);

#endif
