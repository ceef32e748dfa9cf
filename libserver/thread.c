/* Threads beside the pools: each on a guarded stack that is freed some time after its end. */
#include "internal.h"

#define STACK_BYTES 16384u

struct spawned { /* at the top of the thread's stack; thread_entry in start.asm knows the first three */
    void (*function)(void *);
    void *argument;
    volatile uint32_t finished; /* the thread will not touch its stack again */
    void *stack;
    struct spawned *next;
};

void thread_entry(void);

static struct spawned *threads;

/* Takes one finished thread off the list. */
static struct spawned *take_finished(void)
{
    struct spawned *found = NULL;
    lock_acquire(&library_lock);
    for (struct spawned **link = &threads; *link && !found; link = &(*link)->next) {
        if ((*link)->finished) {
            found = *link;
            *link = found->next;
            break;
        }
    }
    lock_release(&library_lock);
    return found;
}

static void free_finished(void)
{
    struct spawned *finished;
    while ((finished = take_finished()))
        pages_free(finished->stack, STACK_BYTES);
}

/* A thread is on the list before it runs, for stack_of(). */
static void list_thread(struct spawned *spawned)
{
    lock_acquire(&library_lock);
    spawned->next = threads;
    threads = spawned;
    lock_release(&library_lock);
}

static status_t start(struct spawned *spawned, uint8_t priority, handle_t *thread)
{
    status_t status = thread_create(self_process(), (uint32_t)thread_entry, (uint32_t)spawned, (uint32_t)spawned,
                                    priority ? priority : startup_priority(), thread);
    if (status != OK)
        return status;
    list_thread(spawned);
    thread_start(*thread);
    return OK;
}

status_t thread_spawn(void (*function)(void *), void *argument, uint8_t priority, handle_t *thread)
{
    free_finished();
    uint8_t *stack = pages_allocate(STACK_BYTES);
    if (!stack)
        return E_NO_MEMORY;
    struct spawned *spawned = (struct spawned *)(stack + STACK_BYTES) - 1;
    *spawned = (struct spawned){ function, argument, false, stack, NULL };
    status_t status = start(spawned, priority, thread);
    if (status != OK)
        pages_free(stack, STACK_BYTES);
    return status;
}

const void *stack_of(uint32_t address)
{
    const void *worker = worker_stack_of(address);
    if (worker)
        return worker;
    lock_acquire(&library_lock);
    const struct spawned *spawned = threads;
    while (spawned && address - (uint32_t)spawned->stack >= STACK_BYTES)
        spawned = spawned->next;
    lock_release(&library_lock);
    return spawned;
}
