/* Is the time stamp counter good for measuring? What CPUID says, and how fast it is by the 8254, whose crystal is another one. */
#include "measure.h"
#include <io_ports.h>

#define TIMER_KHZ 1193u
#define TIMER_CHANNEL2 0x42u
#define TIMER_COMMAND 0x43u
#define SPEAKER 0x61u       /* its bit 0 lets the channel count */
#define COUNT_UP_TO 0xFFFFu /* 55 ms */
#define LATCH_CHANNEL2 0x80u
#define TURN 24000u         /* 20 ms */
#define READ_TRIES 8u

#define CPUID_LAST 0x80000000u
#define CPUID_POWER 0x80000007u
#define POWER_INVARIANT 0x100u

static uint32_t cpuid(uint32_t leaf, bool last_register)
{
    uint32_t eax = leaf, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return last_register ? edx : eax;
}

bool clock_invariant(void)
{
    return cpuid(CPUID_LAST, false) >= CPUID_POWER && cpuid(CPUID_POWER, true) & POWER_INVARIANT;
}

struct moment {
    uint64_t ticks;
    uint16_t counted;
};

/* Of several readings the quickest: nobody came in between. */
static struct moment moment(void)
{
    struct moment best = { 0 };
    uint64_t shortest = UINT64_MAX;
    for (uint32_t i = 0; i < READ_TRIES; i++) {
        uint64_t before = ticks();
        port_write(TIMER_COMMAND, LATCH_CHANNEL2);
        uint8_t low = port_read(TIMER_CHANNEL2);
        uint16_t left = (uint16_t)(low | port_read(TIMER_CHANNEL2) << 8);
        uint64_t passed = ticks() - before;
        if (passed < shortest) {
            shortest = passed;
            best = (struct moment){ before + passed / 2, (uint16_t)(COUNT_UP_TO - left) };
        }
    }
    return best;
}

static void start_timer(void)
{
    port_write(SPEAKER, (uint8_t)((port_read(SPEAKER) & ~2u) | 1u));
    port_write(TIMER_COMMAND, 0xB0); /* channel 2, down to 0 and on */
    port_write(TIMER_CHANNEL2, COUNT_UP_TO & 0xFF);
    port_write(TIMER_CHANNEL2, COUNT_UP_TO >> 8);
}

uint32_t clock_khz(void)
{
    start_timer();
    struct moment begin = moment(), end = begin;
    while ((uint16_t)(end.counted - begin.counted) < TURN)
        end = moment();
    uint32_t counted = (uint16_t)(end.counted - begin.counted), passed = (uint32_t)(end.ticks - begin.ticks);
    return passed / counted * TIMER_KHZ + passed % counted * TIMER_KHZ / counted;
}
