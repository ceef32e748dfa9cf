/* Thirty-two lists and a bitmap that says which of them hold anything. */
#include "queue.h"

#include <stddef.h>

#include "log.h"

void queue_init(struct queue *queue)
{
    queue->levels = 0;
    for (uint32_t i = 0; i < PRIORITIES; i++)
        list_init(&queue->lists[i]);
}

uint32_t queue_highest(const struct queue *queue)
{
    assert(!queue_empty(queue));
    return 31 - (uint32_t)__builtin_clz(queue->levels);
}

void queue_append(struct queue *queue, struct list *link, uint32_t priority)
{
    assert(priority < PRIORITIES);
    list_insert(&queue->lists[priority], link);
    queue->levels |= 1u << priority;
}

void queue_prepend(struct queue *queue, struct list *link, uint32_t priority)
{
    assert(priority < PRIORITIES);
    list_insert(queue->lists[priority].next, link);
    queue->levels |= 1u << priority;
}

void queue_remove(struct queue *queue, struct list *link, uint32_t priority)
{
    assert(queue->levels >> priority & 1);
    list_remove(link);
    if (list_empty(&queue->lists[priority]))
        queue->levels &= ~(1u << priority);
}

struct list *queue_take(struct queue *queue)
{
    if (queue_empty(queue))
        return NULL;
    uint32_t priority = queue_highest(queue);
    struct list *link = queue->lists[priority].next;
    queue_remove(queue, link, priority);
    return link;
}
