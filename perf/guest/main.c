/* bench: measures, prints one line per result and facts about the machine, and ends the machine. */
#include "crowd.h"

#define CALIBRATION 200000u /* instructions */

/* A loop of known length, so that the reader can tell whether ticks are instructions. */
static uint32_t calibration(void)
{
    uint64_t begin = ticks();
    compute(CALIBRATION);
    return (uint32_t)(ticks() - begin);
}

/* Calls that move data or begin with cold caches. */
static void measure_services(void)
{
    count_threads_begin();
    measure_cold();
    measure_oneway();
    measure_messages();
    count_threads_end();
}

/* Whether the PC's timer is free, and counts in step with the counter. */
static bool timer_is_known(uint32_t calibrated)
{
    return calibrated - CALIBRATION < 10 && (info(INFO_CPU_FEATURES) & CPU_FEATURE_APIC);
}

/* The first call of this program to a service that it has found: the machine is up. */
static uint32_t first_call(void)
{
    uint32_t reply;
    must("first call", service_call(find("echo"), 0, 0, &reply));
    return (uint32_t)ticks() - info(INFO_BOOT_TICKS);
}

/* What threads, devices and objects do to each other and to the machine. */
static void measure_system(uint32_t calibrated)
{
    measure_irq();
    if (timer_is_known(calibrated))
        measure_irq_idle();
    idle_begin();
    measure_pool();
    measure_fairness();
    idle_end();
    measure_inversion();
    measure_footprint();
}

int main(void)
{
    uint32_t since_boot = first_call(), calibrated = calibration();
    print("bench: begin\n");
    print("fact release %u\n", info(INFO_BUILD_RELEASE));
    print("fact sysenter %u\n", info(INFO_SYSENTER));
    print("fact tsc_khz %u\n", info(INFO_TSC_KHZ));
    print("fact signature %u\n", info(INFO_CPU_SIGNATURE));
    print("fact calibration %u\n", calibrated);
    print("fact timer %u\n", timer_is_known(calibrated));
    print("fact tsc_invariant %u\n", clock_invariant());
    print("fact tsc_khz_begin %u\n", clock_khz());
    measure_gates();
    measure_strategies();
    measure_kernel();
    if (!profiling()) { /* no single operation of a few lines to look at */
        measure_services();
        measure_system(calibrated);
    }
    report_value("boot/first_call", since_boot);
    report_value("counter/threads_created_during_calls", threads_created_during_calls());
    print("fact tsc_khz_end %u\n", clock_khz());
    print("bench: end\n");
    machine_exit(0);
}
