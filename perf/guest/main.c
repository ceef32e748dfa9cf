/* bench: measures, prints one line per result and facts about the machine, and ends the machine. */
#include "measure.h"

/* A loop of known length, so that the reader can tell whether ticks are instructions: 2 instructions a turn. */
static uint32_t calibration(void)
{
    uint32_t turns = 100000;
    uint64_t begin = ticks();
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    return (uint32_t)(ticks() - begin);
}

/* Calls that move data, wait for their turn, or begin with cold caches. */
static void measure_services(void)
{
    count_threads_begin();
    measure_cold();
    measure_oneway();
    measure_messages();
    count_threads_end();
    measure_pool();
}

int main(void)
{
    print("bench: begin\n");
    print("fact release %u\n", info(INFO_BUILD_RELEASE));
    print("fact sysenter %u\n", info(INFO_SYSENTER));
    print("fact tsc_khz %u\n", info(INFO_TSC_KHZ));
    print("fact signature %u\n", info(INFO_CPU_SIGNATURE));
    print("fact calibration %u\n", calibration());
    print("fact tsc_invariant %u\n", clock_invariant());
    print("fact tsc_khz_begin %u\n", clock_khz());
    measure_gates();
    measure_strategies();
    measure_kernel();
    if (!profiling()) /* no single operation of a few lines to look at */
        measure_services();
    report_value("counter/threads_created_during_calls", threads_created_during_calls());
    print("fact tsc_khz_end %u\n", clock_khz());
    print("bench: end\n");
    machine_exit(0);
}
