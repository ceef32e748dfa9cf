/* First in, first out within 32 priorities, highest first: the run queue holds budgets, an endpoint's queue callers.
 * A bitmap says which levels hold anything. Pure code: tested natively in tests/host. */
#ifndef KERNEL_QUEUE_H
#define KERNEL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <postern.h>

#include "list.h"

struct queue {
    uint32_t levels;                /* bit p: lists[p] is not empty */
    struct list lists[PRIORITIES];
};

void queue_init(struct queue *queue);
static inline bool queue_empty(const struct queue *queue) { return queue->levels == 0; }
/* Highest priority that is waiting; the queue must not be empty. */
uint32_t queue_highest(const struct queue *queue);
void queue_append(struct queue *queue, struct list *link, uint32_t priority);
/* To the front of its level: a preempted budget keeps its turn. */
void queue_prepend(struct queue *queue, struct list *link, uint32_t priority);
/* Takes the first of the highest level out; NULL when empty. */
struct list *queue_take(struct queue *queue);
/* `priority` must be the one it was queued with. */
void queue_remove(struct queue *queue, struct list *link, uint32_t priority);

#endif
