/* Takes samples, sorts them, prints minimum, percentiles and maximum: perf/bench.py reads the lines. */
#include "measure.h"

#define SPREAD_STEPS 20u
#define OVERHEAD_SAMPLES 100u
#define PROFILE_SAMPLES 8u

static uint32_t *store;
static uint32_t created_before, created_during_calls;

_Noreturn void fail(const char *name, status_t status)
{
    print("bench: %s failed: %s\n", name, status_text(status));
    machine_exit(1);
}

const char *figure_name(char to[FIGURE_NAME], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    to[text_format(to, FIGURE_NAME - 1, format, &arguments)] = '\0';
    va_end(arguments);
    return to;
}

uint32_t info(uint32_t which)
{
    uint32_t value = 0;
    must("system_info", system_info(which, &value));
    return value;
}

handle_t find(const char *name)
{
    handle_t endpoint;
    must(name, service_find(name, &endpoint));
    return endpoint;
}

uint32_t *sample_store(void)
{
    if (!store)
        store = pages_allocate(SAMPLES_MAX * sizeof(*store));
    if (!store)
        fail("memory for samples", E_NO_MEMORY);
    return store;
}

/* Heap sort: no recursion, no second array. */
static void sift(uint32_t *samples, uint32_t root, uint32_t count)
{
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && samples[child + 1] > samples[child])
            child++;
        if (samples[root] >= samples[child])
            return;
        uint32_t swapped = samples[root];
        samples[root] = samples[child];
        samples[child] = swapped;
    }
}

static void sort(uint32_t *samples, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(samples, i, count);
    for (uint32_t end = count; end-- > 1;) {
        uint32_t largest = samples[0];
        samples[0] = samples[end];
        samples[end] = largest;
        sift(samples, 0, end);
    }
}

static void print_spread(const struct series *series)
{
    print("spread %s", series->name);
    for (uint32_t i = 0; i <= SPREAD_STEPS; i++)
        print(" %u", series->samples[(series->count - 1) * i / SPREAD_STEPS]);
    print("\n");
}

void report(const struct series *series)
{
    uint32_t *samples = series->samples, count = series->count;
    sort(samples, count);
    print("result %s %u %u %u %u", series->name, count, series->batch ? series->batch : 1, series->warmup, series->overhead);
    print(" %u %u %u %u %u\n", samples[0], samples[count / 2], samples[count * 9 / 10], samples[count * 99 / 100],
          samples[count - 1]);
    print_spread(series);
}

void report_value(const char *name, uint32_t value)
{
    report(&(struct series){ .name = name, .samples = &value, .count = 1 });
}

uint32_t timer_overhead(void)
{
    static uint32_t overhead;
    if (overhead)
        return overhead;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < OVERHEAD_SAMPLES; i++) {
        uint64_t begin = ticks();
        uint32_t passed = (uint32_t)(ticks() - begin);
        least = passed < least ? passed : least;
    }
    return overhead = least;
}

uint32_t time_between(uint32_t begin, uint32_t end)
{
    uint32_t passed = end - begin;
    return passed > timer_overhead() ? passed - timer_overhead() : 0;
}

uint32_t time_since(uint64_t begin)
{
    return time_between((uint32_t)begin, (uint32_t)ticks());
}

void measure_warm(const struct measurement *measurement, uint32_t warmup)
{
    uint32_t samples = profiling() ? PROFILE_SAMPLES : measurement->samples;
    struct series series = { measurement->name, sample_store(), samples, measurement->calls, warmup * measurement->calls,
                             timer_overhead() };
    status_t status = OK;
    for (uint32_t i = 0; i < warmup + samples && status == OK; i++) {
        uint64_t begin = ticks();
        status = measurement->batch(measurement->calls, measurement->argument);
        series.samples[i < warmup ? 0 : i - warmup] = time_since(begin) / measurement->calls;
    }
    must(measurement->name, status);
    report(&series);
    if (profiling())
        profile(measurement);
}

void measure(const struct measurement *measurement)
{
    measure_warm(measurement, 1);
}

void count_threads_begin(void)
{
    created_before = info(INFO_THREADS_CREATED);
}

void count_threads_end(void)
{
    created_during_calls += info(INFO_THREADS_CREATED) - created_before;
}

uint32_t threads_created_during_calls(void)
{
    return created_during_calls;
}
