/* Takes samples, sorts them, prints minimum, percentiles and maximum: perf/bench.py reads the lines. */
#include "measure.h"

static uint32_t *store;
static uint32_t created_before, created_during_calls;

_Noreturn void fail(const char *name, status_t status)
{
    print("bench: %s failed: %s\n", name, status_text(status));
    machine_exit(1);
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

void report(const char *name, uint32_t *samples, uint32_t count)
{
    sort(samples, count);
    print("result %s %u %u %u %u %u %u\n", name, count, samples[0], samples[count / 2], samples[count * 9 / 10],
          samples[count * 99 / 100], samples[count - 1]);
}

void measure(const struct measurement *measurement)
{
    uint32_t *samples = sample_store();
    status_t status = measurement->batch(measurement->calls, measurement->argument); /* warm-up */
    for (uint32_t i = 0; i < measurement->samples && status == OK; i++) {
        uint64_t begin = ticks();
        status = measurement->batch(measurement->calls, measurement->argument);
        samples[i] = (uint32_t)(ticks() - begin) / measurement->calls;
    }
    must(measurement->name, status);
    report(measurement->name, samples, measurement->samples);
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
