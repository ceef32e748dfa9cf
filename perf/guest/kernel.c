/* What the kernel's other basic operations cost: creating a thread, switching, notifying, mapping. */
#include "measure.h"

#define PRIORITY 8
#define CALLS 16u
#define FREE_ADDRESS 0x40000000u

static volatile bool finished;

static status_t create_thread(uint32_t calls, void *unused)
{
    (void)unused;
    status_t failed = OK;
    do {
        handle_t thread = HANDLE_NONE;
        failed |= thread_create(HANDLE_NONE, (uint32_t)create_thread, FREE_ADDRESS, 0, PRIORITY, &thread);
        failed |= thread_destroy(thread);
        failed |= handle_close(thread);
    } while (--calls);
    return failed;
}

static void yield_until_finished(void *unused)
{
    (void)unused;
    while (!finished)
        thread_yield();
}

/* Two switches per turn: there and back. So half as many turns make `calls` switches. */
static status_t yield(uint32_t calls, void *unused)
{
    (void)unused;
    for (uint32_t turns = calls / 2; turns; turns--)
        thread_yield();
    return OK;
}

struct pair {
    handle_t there, back;
};

static void answer_until_finished(void *argument)
{
    const struct pair *pair = argument;
    uint32_t bits;
    while (notification_wait(pair->there, 1, TIMEOUT_NEVER, &bits) == OK && !finished)
        notification_signal(pair->back, 1);
}

static status_t notify(uint32_t calls, void *argument)
{
    const struct pair *pair = argument;
    uint32_t bits;
    status_t failed = OK;
    do {
        failed |= notification_signal(pair->there, 1);
        failed |= notification_wait(pair->back, 1, TIMEOUT_NEVER, &bits);
    } while (--calls);
    return failed;
}

static status_t map_page(uint32_t calls, void *argument)
{
    handle_t memory = *(const handle_t *)argument;
    status_t failed = OK;
    do {
        failed |= process_map(HANDLE_NONE, memory, FREE_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1);
        failed |= process_unmap(HANDLE_NONE, FREE_ADDRESS, 1);
    } while (--calls);
    return failed;
}

static void measure_yield(void)
{
    handle_t thread;
    finished = false;
    must("thread_spawn", thread_spawn(yield_until_finished, NULL, PRIORITY, &thread));
    measure(&(struct measurement){ "switch/yield", yield, NULL, 2000, CALLS });
    finished = true;
    thread_yield();
    handle_close(thread);
}

static void measure_notify(void)
{
    struct pair pair;
    handle_t thread;
    finished = false;
    must("notification_create", notification_create(&pair.there));
    must("notification_create", notification_create(&pair.back));
    must("thread_spawn", thread_spawn(answer_until_finished, &pair, PRIORITY, &thread));
    measure(&(struct measurement){ "notify/roundtrip", notify, &pair, 2000, CALLS });
    finished = true;
    notification_signal(pair.there, 1);
    thread_yield();
    handle_close(thread);
}

void measure_kernel(void)
{
    handle_t memory;
    measure(&(struct measurement){ "thread/create", create_thread, NULL, 2000, CALLS });
    measure_yield();
    measure_notify();
    must("memory_create", memory_create(1, 0, &memory));
    measure(&(struct measurement){ "map/page", map_page, &memory, 2000, CALLS });
    handle_close(memory);
}
