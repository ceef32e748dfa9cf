/* Keeps samples' minimum, percentiles and maximum, and prints them in the format of the other benchmark. */
#include "figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIGURES_MAX 32u

struct figure {
    struct series of;
    uint32_t minimum, median, percentile90, percentile99, maximum;
};

static struct figure figures[FIGURES_MAX];
static uint32_t figure_count;

_Noreturn void fail(const char *what)
{
    printf("%s failed: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t calibration_loop(void)
{
    uint32_t turns = CALIBRATION / 2;
    uint64_t begin = time_stamp();
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    return (uint32_t)(time_stamp() - begin);
}

/* The least of a few tries: the timer may interrupt one. */
uint32_t calibration(void)
{
    uint32_t least = calibration_loop();
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t taken = calibration_loop();
        least = taken < least ? taken : least;
    }
    return least;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

void figure_keep(const struct series *series)
{
    uint32_t *samples = series->samples, count = series->count;
    if (figure_count == FIGURES_MAX) {
        errno = ENOSPC;
        fail("the table of figures");
    }
    qsort(samples, count, sizeof(*samples), compare);
    figures[figure_count++] = (struct figure){
        .of = *series, .minimum = samples[0], .median = samples[count / 2],
        .percentile90 = samples[count * 9 / 10], .percentile99 = samples[count * 99 / 100], .maximum = samples[count - 1],
    };
}

void figures_print(void)
{
    for (const struct figure *f = figures; f < figures + figure_count; f++) {
        printf("fact calls/%s %lu\n", f->of.name, (unsigned long)f->of.done.calls);
        printf("fact switches/%s %lu\n", f->of.name, (unsigned long)f->of.done.switches);
        printf("result %s %lu %lu %lu %lu", f->of.name, (unsigned long)f->of.count, (unsigned long)f->of.batch,
               (unsigned long)f->of.warmup, (unsigned long)f->of.overhead);
        printf(" %lu %lu %lu %lu %lu\n", (unsigned long)f->minimum, (unsigned long)f->median, (unsigned long)f->percentile90,
               (unsigned long)f->percentile99, (unsigned long)f->maximum);
    }
}
