/* What the file benchmark needs of Linux: time, an idle thread, a count of switches. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "../files/figures.h"

uint32_t system_ticks_per_millisecond(void)
{
    const struct timespec nap = { .tv_nsec = 50 * 1000 * 1000 };
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    uint64_t first = time_stamp();
    nanosleep(&nap, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t passed = time_stamp() - first;
    uint64_t nanoseconds = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)(end.tv_nsec - begin.tv_nsec);
    return (uint32_t)(passed * 1000000 / nanoseconds);
}

static void *run_idle(void *function)
{
    void (*run)(void) = function;
    run();
    return NULL;
}

void system_run_when_idle(void (*function)(void))
{
    const struct sched_param none = { 0 };
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_IDLE);
    pthread_attr_setschedparam(&attributes, &none);
    errno = pthread_create(&thread, &attributes, run_idle, function);
    if (errno)
        fail("an idle thread");
}

/* Every time that we wait, the processor goes away and comes back. */
struct system_counters system_counters(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (struct system_counters){ .switches = 2 * (uint32_t)(usage.ru_nvcsw + usage.ru_nivcsw) };
}
