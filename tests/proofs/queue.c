/* The queue's bitmap: the highest level is the highest bit, appending sets the level's bit and no other. */
#include "proof.h"
#include "queue.h"

/*@ requires x != 0;
    assigns \nothing;
    ensures 0 <= \result <= 31;
    ensures (x >> (31 - \result)) == 1; */
int __builtin_clz(unsigned int x);

/*@ requires \valid_read(queue);
    assigns \nothing;
    ensures \result <==> queue->levels == 0; */
static inline bool queue_empty(const struct queue *queue);

/*@ requires \valid_read(queue) && queue->levels != 0;
    assigns \nothing;
    ensures \result < PRIORITIES;
    ensures (queue->levels >> \result) == 1; */
uint32_t queue_highest(const struct queue *queue);

#include "../../kernel/queue.c"
