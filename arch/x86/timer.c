/* Time: the time stamp counter to read, the local APIC's one-shot timer for the clock, the PIT where there is no APIC. */
#include "arch.h"
#include "io.h"
#include "timer.h"
#include "x86.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL0 0x40
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define SPEAKER 0x61
#define CALIBRATION_MS 10u
#define MSR_APIC_BASE 0x1Bu
#define APIC_ENABLED (1u << 11)
#define APIC_EOI (0xB0 / 4)
#define APIC_SPURIOUS (0xF0 / 4)
#define APIC_LVT_TIMER (0x320 / 4)
#define APIC_LVT_LINT0 (0x350 / 4)
#define APIC_INITIAL (0x380 / 4)
#define APIC_CURRENT (0x390 / 4)
#define APIC_DIVIDE (0x3E0 / 4)
#define DIVIDE_BY_1 0xBu
#define EXTERNAL 0x700u

static uint32_t khz;                /* of the time stamp counter */
static volatile uint32_t *apic;     /* NULL: the PIT is the clock */
static uint64_t counting_to;        /* the moment that the PIT counts to; 0: it does not count */
static uint32_t clock_per_tick;     /* clock units per TSC tick, as a fraction of 2^32; at most 1 */

uint64_t divide(uint64_t dividend, uint32_t divisor)
{
    uint32_t high = (uint32_t)(dividend >> 32), low = (uint32_t)dividend, quotient_high = high / divisor, quotient_low;
    uint32_t rest = high % divisor;
    __asm__("divl %4" : "=a"(quotient_low), "=d"(rest) : "a"(low), "d"(rest), "r"(divisor));
    return (uint64_t)quotient_high << 32 | quotient_low;
}

uint64_t arch_time(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

uint32_t timer_khz(void)
{
    return khz;
}

uint64_t arch_microseconds_to_ticks(uint64_t microseconds)
{
    return divide(microseconds * khz, 1000);
}

uint64_t arch_ticks_to_microseconds(uint64_t ticks)
{
    return divide(ticks, khz) * 1000 + divide((ticks - divide(ticks, khz) * khz) * 1000, khz);
}

/* Waits on the PIT's second channel, which needs no interrupt. */
static void wait_calibration(void)
{
    uint32_t count = PIT_HZ / 1000 * CALIBRATION_MS;
    port_write(SPEAKER, (port_read(SPEAKER) & ~2) | 1); /* gate on, speaker off */
    port_write(PIT_COMMAND, 0xB0);                      /* channel 2, mode 0 */
    port_write(PIT_CHANNEL2, (uint8_t)count);
    port_write(PIT_CHANNEL2, (uint8_t)(count >> 8));
    while (!(port_read(SPEAKER) & 0x20))
        ;
}

static void apic_start(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);
    msr_write(MSR_APIC_BASE, base | APIC_ENABLED);
    apic = paging_map_apic((uint32_t)base & ~0xFFFu);
    apic[APIC_SPURIOUS] = 0x100 | VECTOR_APIC_SPURIOUS;
    apic[APIC_LVT_LINT0] = EXTERNAL; /* the 8259 goes on through the APIC */
    apic[APIC_LVT_TIMER] = VECTOR_APIC_TIMER;
    apic[APIC_DIVIDE] = DIVIDE_BY_1;
}

void timer_start(void)
{
    if (cpu_features & CPU_FEATURE_APIC)
        apic_start();
    if (apic)
        apic[APIC_INITIAL] = UINT32_MAX;
    uint64_t before = arch_time();
    wait_calibration();
    uint32_t ticks = (uint32_t)(arch_time() - before);
    uint32_t units = apic ? UINT32_MAX - apic[APIC_CURRENT] : PIT_HZ / 1000 * CALIBRATION_MS;
    if (apic)
        apic[APIC_INITIAL] = 0;
    else
        arch_irq_unmask(0);
    khz = ticks / CALIBRATION_MS;
    clock_per_tick = units >= ticks ? UINT32_MAX : (uint32_t)divide((uint64_t)units << 32, ticks);
}

void arch_timer_set(uint64_t when)
{
    uint64_t now = arch_time();
    uint64_t wait = when > now ? when - now : 0;
    uint32_t ticks = wait > UINT32_MAX ? UINT32_MAX : (uint32_t)wait;
    uint32_t units = (uint32_t)(((uint64_t)ticks * clock_per_tick) >> 32) + 1;
    if (apic) {
        apic[APIC_INITIAL] = units;
        return;
    }
    if (when == counting_to)
        return; /* a count that each switch begins again never ends */
    counting_to = when;
    if (units > 0xFFFF)
        units = 0xFFFF;
    port_write(PIT_COMMAND, 0x30); /* channel 0, mode 0: one interrupt at the end of the count */
    port_write(PIT_CHANNEL0, (uint8_t)units);
    port_write(PIT_CHANNEL0, (uint8_t)(units >> 8));
}

void timer_acknowledge(void)
{
    counting_to = 0;
    if (apic)
        apic[APIC_EOI] = 0;
}

bool timer_is_pit(void)
{
    return !apic;
}
