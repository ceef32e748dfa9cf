/* Threads that begin at one signal and are waited for together. */
#ifndef CROWD_H
#define CROWD_H

#include "measure.h"

#define CROWD_MAX 32u   /* bits of a notification */

struct member {
    void (*function)(void *);
    void *argument;
    uint32_t bit;
    const struct crowd *crowd;
};

struct crowd {
    handle_t start, done;
    uint32_t count;
    struct member members[CROWD_MAX];
};

void crowd_begin(struct crowd *crowd);
/* One more thread, which waits for the signal. The crowd must stay where it is. */
void crowd_add(struct crowd *crowd, void (*function)(void *), void *argument, uint8_t priority);
/* Gives the signal, and returns when every thread has returned from its function. */
void crowd_run(struct crowd *crowd);

/* A thread of lowest priority that computes until it is ended. Where it runs the machine never halts: a halted one jumps to its
 * next timer, and its counter with it, though no instruction was executed. */
void idle_begin(void);
void idle_end(void);

#endif
