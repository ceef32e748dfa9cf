/* Commands on their way: a worker takes a slot, starts its command there and sleeps; the interrupt's thread ends it. */
#include "device.h"
#include "disk.h"

#define QUEUE_FREE (1u << QUEUE_SLOTS)
#define PATIENCE 100000u /* microseconds */
#define ISSUE_AGAIN E_CANCELLED /* no device reports that */

uint32_t queue_timeout;

status_t queue_init(struct queue *queue)
{
    status_t status = lock_init(&queue->lock);
    return status == OK ? notification_create(&queue->events) : status;
}

/* ---- slots ---- */

static uint32_t free_slots(const struct queue *queue)
{
    return ((1u << queue->slots) - 1) & ~queue->used;
}

/* The bit says only that some slot is free, so whoever leaves one behind says it again. */
static bool try_take(struct queue *queue, uint32_t *slot)
{
    lock_acquire(&queue->lock);
    uint32_t free = free_slots(queue);
    if (free) {
        *slot = (uint32_t)__builtin_ctz(free);
        queue->used |= 1u << *slot;
    }
    bool more = free_slots(queue);
    lock_release(&queue->lock);
    if (free && more)
        notification_signal(queue->events, QUEUE_FREE);
    return free;
}

static uint32_t take(struct queue *queue)
{
    uint32_t slot, bits;
    while (!try_take(queue, &slot))
        notification_wait(queue->events, QUEUE_FREE, TIMEOUT_NEVER, &bits);
    return slot;
}

static void give_back(struct queue *queue, uint32_t slot)
{
    lock_acquire(&queue->lock);
    queue->used &= ~(1u << slot);
    lock_release(&queue->lock);
    notification_signal(queue->events, QUEUE_FREE);
}

/* ---- commands ---- */

void queue_finish(struct queue *queue, uint32_t slot, status_t status)
{
    queue->running &= ~(1u << slot);
    queue->results[slot] = status;
    notification_signal(queue->events, 1u << slot);
}

void queue_interrupt(void *argument)
{
    struct queue *queue = argument;
    lock_acquire(&queue->lock);
    queue->interrupt(queue);
    lock_release(&queue->lock);
}

static void start(struct queue *queue, uint32_t slot, const struct disk *disk, const struct transfer *transfer)
{
    lock_acquire(&queue->lock);
    queue->running |= 1u << slot;
    uint32_t running = (uint32_t)__builtin_popcount(queue->running);
    if (running > queue->running_high)
        queue->running_high = running;
    queue->start(queue, slot, disk, transfer);
    lock_release(&queue->lock);
}

/* A PCI service that was started again has switched our devices off, and knows nothing of our claims. */
static void end_without_claim(const struct queue *queue)
{
    if (pci_claim(&queue->pci) == OK)
        begin_again();
}

/* An interrupt that does not come soon may have been lost with the PCI service. */
static status_t wait_for(struct queue *queue, uint32_t slot)
{
    uint32_t bits, left = queue_timeout;
    for (;;) {
        uint32_t piece = left < PATIENCE ? left : PATIENCE;
        status_t status = notification_wait(queue->events, 1u << slot, piece, &bits);
        if (status == E_CANCELLED)
            continue;
        left -= piece;
        if (status != E_TIMED_OUT || left == 0)
            return status;
        end_without_claim(queue);
    }
}

/* The reset loses every command that the device has. Ours has failed; the others are issued again by their workers. */
static void give_up(struct queue *queue, uint32_t slot)
{
    end_without_claim(queue);
    lock_acquire(&queue->lock);
    queue->interrupt(queue); /* it may have ended without our being told */
    if (queue->running & 1u << slot) {
        print("%s: %s does not answer: reset\n", program_name(), queue->name);
        queue->reset(queue);
        queue_finish(queue, slot, E_TIMED_OUT);
        while (queue->running)
            queue_finish(queue, (uint32_t)__builtin_ctz(queue->running), ISSUE_AGAIN);
    }
    lock_release(&queue->lock);
    wait_for(queue, slot); /* takes the bit */
}

status_t queue_run(struct queue *queue, const struct disk *disk, const struct transfer *transfer)
{
    uint32_t slot = take(queue);
    status_t status;
    do {
        start(queue, slot, disk, transfer);
        if (wait_for(queue, slot) != OK)
            give_up(queue, slot);
        status = queue->results[slot];
    } while (status == ISSUE_AGAIN);
    if (status == E_IO)
        end_without_claim(queue);
    give_back(queue, slot);
    return status;
}
