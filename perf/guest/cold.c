/* Calls to where little is warm: one after a walk through memory, and many services in turn. */
#include "../../servers/relay/relay.h"
#include "measure.h"

#define SAMPLES 200u
#define SERVICES 16u            /* links of each chain */
#define WALK_BYTES (2u << 20)   /* more than most second-level caches hold, and more pages than most TLBs */
#define LINE 64u
#define WARMUP 4u

/* ---- after a walk through memory ---- */

static __attribute__((noinline)) void walk(volatile uint8_t *memory)
{
    for (uint32_t i = 0; i < WALK_BYTES; i += LINE)
        memory[i]++;
}

static inline __attribute__((always_inline))
void cold_calls(bool by_sysenter, handle_t endpoint, const struct series *series, volatile uint8_t *memory)
{
    uint32_t word;
    status_t failed = OK;
    for (uint32_t i = 0; i <= SAMPLES; i++) { /* the first one warms up, and is overwritten */
        walk(memory);
        uint32_t begin = (uint32_t)ticks();
        failed |= gate_call(by_sysenter, endpoint, 0, i, &word);
        uint32_t end = (uint32_t)ticks();
        series->samples[i ? i - 1 : 0] = time_between(begin, end);
    }
    must(series->name, failed);
    report(series);
}

static __attribute__((noinline)) void measure_walks(bool by_sysenter)
{
    handle_t endpoint = find(by_sysenter ? "echo" : "echo-int");
    uint8_t *memory = pages_allocate(WALK_BYTES);
    if (!memory)
        fail("memory to walk through", E_NO_MEMORY);
    struct series series = { by_sysenter ? "rtt/cold/sysenter" : "rtt/cold/int", sample_store(), SAMPLES, 1, 1,
                             timer_overhead() };
    if (by_sysenter)
        cold_calls(true, endpoint, &series, memory);
    else
        cold_calls(false, endpoint, &series, memory);
    pages_free(memory, WALK_BYTES);
    handle_close(endpoint);
}

/* ---- many services in turn ---- */

/* The table is full however few services there are, so that the loop is the same. */
static __attribute__((noinline)) status_t robin_by_int(uint32_t calls, void *argument)
{
    const handle_t *endpoints = argument;
    status_t failed = OK;
    do
        failed |= gate_call(false, endpoints[calls % SERVICES], RELAY_ECHO, calls, &calls);
    while (--calls);
    return failed;
}

static __attribute__((noinline)) status_t robin_by_sysenter(uint32_t calls, void *argument)
{
    const handle_t *endpoints = argument;
    status_t failed = OK;
    do
        failed |= gate_call(true, endpoints[calls % SERVICES], RELAY_ECHO, calls, &calls);
    while (--calls);
    return failed;
}

static void measure_robin(bool by_sysenter)
{
    handle_t all[SERVICES], turn[SERVICES];
    char name[FIGURE_NAME];
    for (uint32_t i = 0; i < SERVICES; i++)
        all[i] = find(figure_name(name, by_sysenter ? "relay%u" : "int%u", i + 1));
    for (uint32_t services = 1; services <= SERVICES; services *= 2) {
        for (uint32_t i = 0; i < SERVICES; i++)
            turn[i] = all[i % services];
        figure_name(name, "rtt/robin/%u/%s", services, by_sysenter ? "sysenter" : "int");
        measure_warm(&(struct measurement){ name, by_sysenter ? robin_by_sysenter : robin_by_int, turn, 300, 4 * SERVICES },
                     WARMUP);
    }
    for (uint32_t i = 0; i < SERVICES; i++)
        handle_close(all[i]);
}

void measure_cold(void)
{
    measure_robin(false);
    measure_walks(false);
    if (gate_sysenter_usable()) {
        measure_robin(true);
        measure_walks(true);
    }
}
