/* What the file benchmark needs of Postern: time, an idle thread, and what its services did meanwhile. */
#include <server.h>

#include <errno.h>
#include <init.h>

#include "figures.h"

#define LOWEST_PRIORITY 1u

static uint32_t info(uint32_t which)
{
    uint32_t value = 0;
    system_info(which, &value);
    return value;
}

uint32_t system_ticks_per_millisecond(void)
{
    return info(INFO_TSC_KHZ);
}

static void run_idle(void *function)
{
    void (*run)(void) = function;
    run();
}

void system_run_when_idle(void (*function)(void))
{
    handle_t thread;
    errno = ENOMEM;
    if (thread_spawn(run_idle, function, LOWEST_PRIORITY, &thread) != OK)
        fail("an idle thread");
}

/* init's table of processes, mapped at the first use; NULL when init does not give it. */
static const struct process_table *process_table(void)
{
    static const struct process_table *table;
    const uint32_t pages = (sizeof(*table) + PAGE_SIZE - 1) / PAGE_SIZE;
    handle_t memory;
    if (table || init_ask_table(init_endpoint(), &memory) != OK)
        return table;
    uint32_t address = address_reserve(pages);
    if (address && process_map(self_process(), memory, address, PROTECT_READ, 0, pages) == OK)
        table = (const struct process_table *)address;
    handle_close(memory);
    return table;
}

/* Calls come from the services that count them; switches are those of the kernel's C path. */
struct system_counters system_counters(void)
{
    struct system_counters counters = { 0 };
    const struct process_table *table = process_table();
    if (table && init_refresh(init_endpoint()) == OK)
        for (uint32_t i = 0; i < PROCESSES_MAX; i++)
            counters.calls += table->entries[i].calls;
    counters.switches = info(INFO_SWITCHES);
    return counters;
}
