/* A tree is read while a service on the way is killed again and again; nothing may be lost. */
#include <string.h>

#include <init.h>

#include "files.h"

#define KILLS 5u
#define FIRST_KILL 50000u   /* microseconds; each one waits twice as long as the one before */

static const struct process_table *table;
static const char *victim;
static volatile uint32_t killed;

static const struct process_entry *find(const char *name)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number && strcmp(table->entries[i].name, name) == 0)
            return &table->entries[i];
    fail("there is no service", name);
}

static void kill_often(void *unused)
{
    (void)unused;
    for (uint32_t i = 0, pause = FIRST_KILL; i < KILLS; i++, pause *= 2) {
        sleep_microseconds(pause);
        init_refresh(init_endpoint());
        killed += init_kill(init_endpoint(), find(victim)->number) == OK;
    }
}

void kills(const char *service)
{
    handle_t thread;
    victim = service;
    if (init_table(&table) != OK)
        fail("map", "init's table");
    if (thread_spawn(kill_often, NULL, 0, &thread) != OK)
        fail("spawn", "a thread");
    uint32_t errors = tree_print("/");
    init_refresh(init_endpoint());
    print("errors: %u\n", errors);
    print("killed: %u times, %u restarts\n", killed, find(victim)->restarts);
}
