/* Samples of one operation, their summary, and what differs between the systems that are compared. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#define CALIBRATION 200000u

/* Time stamp counter. Under QEMU's -icount it counts executed guest instructions. */
static inline uint64_t time_stamp(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* What the system did meanwhile: requests that services handled, and thread switches. 0: the system does not say. */
struct system_counters { uint32_t calls, switches; };

/* Samples, and what the reader needs to judge them. */
struct series {
    const char *name;       /* must stay */
    uint32_t *samples;      /* sorted by figure_keep() */
    uint32_t count;
    uint32_t batch;         /* operations in one sample, which is their mean */
    uint32_t warmup;        /* operations before the first sample */
    uint32_t overhead;      /* subtracted from the time of each batch */
    struct system_counters done;
};

/* Keeps the summary of the samples, which may be overwritten then. */
void figure_keep(const struct series *series);
/* Prints what was kept, one line per figure as perf/bench.py reads it: only at the end, because a serial line that still
 * drains its buffer would be measured too. */
void figures_print(void);
/* The ticks that a loop of CALIBRATION instructions takes, so that the reader can tell whether ticks are instructions. */
uint32_t calibration(void);
/* Says what went wrong, with the reason in errno, and ends the program. */
_Noreturn void fail(const char *what);

/* ---- what each system has its own way for: postern.c here, and perf/linux/system.c ---- */

/* Ticks of the time stamp counter in a millisecond. */
uint32_t system_ticks_per_millisecond(void);
/* Starts a thread that runs only when no other does, with this function; it never ends. */
void system_run_when_idle(void (*function)(void));
/* So far. */
struct system_counters system_counters(void);

#endif
