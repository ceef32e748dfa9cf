/* The two halves of a call: until the handler begins, and from there until the client goes on. */
#include "../partner/partner.h"
#include "measure.h"

#define SAMPLES 2000u
#define WARMUP 64u

/* Both processes read the same counter: there is one CPU. */
static inline __attribute__((always_inline))
void stamp_calls(bool by_sysenter, handle_t endpoint, struct series *there, struct series *back)
{
    uint32_t stamp;
    status_t failed = OK;
    for (uint32_t i = 0; i < WARMUP + SAMPLES; i++) {
        uint32_t at = i < WARMUP ? 0 : i - WARMUP;
        uint32_t begin = (uint32_t)ticks();
        failed |= gate_call(by_sysenter, endpoint, PARTNER_STAMP, 0, &stamp);
        uint32_t end = (uint32_t)ticks();
        there->samples[at] = time_between(begin, stamp);
        back->samples[at] = time_between(stamp, end);
    }
    must(there->name, failed);
    report(there);
    report(back);
}

static __attribute__((noinline)) void measure_gate(bool by_sysenter)
{
    handle_t endpoint = find(by_sysenter ? "partner" : "partner-int");
    struct series there = { by_sysenter ? "oneway/call/sysenter" : "oneway/call/int", sample_store(), SAMPLES, 1,
                            WARMUP, timer_overhead() };
    struct series back = there;
    back.name = by_sysenter ? "oneway/reply/sysenter" : "oneway/reply/int";
    back.samples += SAMPLES;
    if (by_sysenter)
        stamp_calls(true, endpoint, &there, &back);
    else
        stamp_calls(false, endpoint, &there, &back);
    handle_close(endpoint);
}

void measure_oneway(void)
{
    measure_gate(false);
    if (gate_sysenter_usable())
        measure_gate(true);
}
