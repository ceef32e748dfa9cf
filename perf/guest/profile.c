/* One operation alone, for the QEMU plugin of perf/profiler.py: it runs a few times between two marks. */
#include "measure.h"

#define CALLS 8u

/* The plugin looks for the first instruction of each. */
void profile_begin(void);
void profile_end(void);

__attribute__((noinline)) void profile_begin(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void profile_end(void)
{
    __asm__ volatile("");
}

bool profiling(void)
{
    return argument("profile") != NULL;
}

/* The name goes first, and then calls that are not looked at: printing leaves nothing behind in the steady state. */
void profile(const struct measurement *measurement)
{
    print("profile %s %u\n", measurement->name, CALLS);
    status_t status = measurement->batch(measurement->calls, measurement->argument);
    profile_begin();
    status |= measurement->batch(CALLS, measurement->argument);
    profile_end();
    must(measurement->name, status);
}
