/* Threads that begin together, for measurements of what they do to each other. */
#include "crowd.h"

#define LOWEST 1

static volatile bool idle_ended;

void crowd_begin(struct crowd *crowd)
{
    crowd->count = 0;
    must("notification_create", notification_create(&crowd->start));
    must("notification_create", notification_create(&crowd->done));
}

static void live(void *argument)
{
    const struct member *member = argument;
    uint32_t bits;
    must("notification_wait", notification_wait(member->crowd->start, member->bit, TIMEOUT_NEVER, &bits));
    member->function(member->argument);
    notification_signal(member->crowd->done, member->bit);
}

void crowd_add(struct crowd *crowd, void (*function)(void *), void *argument, uint8_t priority)
{
    handle_t thread = HANDLE_NONE;
    struct member *member = &crowd->members[crowd->count];
    *member = (struct member){ function, argument, 1u << crowd->count, crowd };
    crowd->count++;
    must("thread_spawn", thread_spawn(live, member, priority, &thread));
    handle_close(thread);
}

void crowd_run(struct crowd *crowd)
{
    uint32_t missing = crowd->count == CROWD_MAX ? ~0u : (1u << crowd->count) - 1;
    must("notification_signal", notification_signal(crowd->start, missing));
    while (missing) {
        uint32_t bits = 0;
        must("notification_wait", notification_wait(crowd->done, missing, TIMEOUT_NEVER, &bits));
        missing &= ~bits;
    }
    handle_close(crowd->start);
    handle_close(crowd->done);
}

static void idle(void *unused)
{
    (void)unused;
    while (!idle_ended)
        compute(1000);
}

void idle_begin(void)
{
    handle_t thread = HANDLE_NONE;
    idle_ended = false;
    must("thread_spawn", thread_spawn(idle, NULL, LOWEST, &thread));
    handle_close(thread);
}

void idle_end(void)
{
    idle_ended = true;
}
