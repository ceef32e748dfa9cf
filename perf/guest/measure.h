/* Samples and their summary; and what the benchmark files give each other. */
#ifndef MEASURE_H
#define MEASURE_H

#include <server.h>

/* One measurement: `batch` runs the operation `calls` times and returns OK or the first error. The loop around the
 * operation is part of the figure; overhead/loop says what an empty one costs. */
struct measurement {
    const char *name;
    status_t (*batch)(uint32_t calls, void *argument);
    void *argument;
    uint32_t samples;       /* at most SAMPLES_MAX */
    uint32_t calls;         /* operations in one sample; a sample is the mean of them */
};

#define SAMPLES_MAX 10000u

/* What the reader needs to judge a figure, beside the samples. */
struct series {
    const char *name;       /* one of perf/figures.toml */
    uint32_t *samples;      /* sorted by report() */
    uint32_t count;
    uint32_t batch;         /* operations in one sample, which is their mean; 0: 1 */
    uint32_t warmup;        /* operations before the first sample */
    uint32_t overhead;      /* subtracted from the time of each batch: the cost of reading the counter */
};

/* Measures and prints one result. One sample is taken first and forgotten. */
void measure(const struct measurement *measurement);
/* The same after so many samples that are forgotten. */
void measure_warm(const struct measurement *measurement, uint32_t warmup);
/* Sorts the samples and prints them as one result: a line with percentiles, and a line with 21 quantiles. */
void report(const struct series *series);
/* A figure that is counted once: bytes, or how many. */
void report_value(const char *name, uint32_t value);
/* What reading the counter twice takes, to be subtracted from each timed batch; measured once. */
uint32_t timer_overhead(void);
/* Time since `begin`, less that overhead. */
uint32_t time_since(uint64_t begin);
/* The same between two readings, of which the low halves are enough. */
uint32_t time_between(uint32_t begin, uint32_t end);
/* Room for samples, filled by those who do not use measure(). */
uint32_t *sample_store(void);
/* Prints what went wrong and ends the machine with an error. */
_Noreturn void fail(const char *name, status_t status);
/* Ends with an error unless the status is OK. */
static inline void must(const char *what, status_t status)
{
    if (status != OK)
        fail(what, status);
}
#define FIGURE_NAME 48
/* Writes a name with numbers in it, and returns it. */
const char *figure_name(char to[FIGURE_NAME], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One call, through either gate: chosen when it is compiled, so that choosing costs nothing. */
static inline __attribute__((always_inline))
status_t gate_call(bool by_sysenter, handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply)
{
    status_t status, kernel_status = by_sysenter ? gate_call_sysenter(endpoint, method, word, reply, &status)
                                                 : gate_call_int(endpoint, method, word, reply, &status);
    return kernel_status | status;
}
uint32_t info(uint32_t which);
handle_t find(const char *name);
/* Executes so many instructions, more or less. */
static inline void compute(uint32_t instructions)
{
    uint32_t turns = instructions / 2;
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
}
/* Gives a process a copy of our pages [from, to) at the same addresses: strategies.c. */
void copy_pages(handle_t process, const char *from, const char *to, uint32_t protection);

/* Asked for by the argument profile=. measure() then takes few samples, and runs the operation a few times more between two
 * marks for the QEMU plugin of perf/profiler.py: profile.c. */
bool profiling(void);
void profile(const struct measurement *measurement);

/* Call benchmarks count the threads that the kernel created meanwhile. */
void count_threads_begin(void);
void count_threads_end(void);
uint32_t threads_created_during_calls(void);

void measure_gates(void);       /* gate/, rtt/, chain/: gates.c */
void measure_cold(void);        /* rtt/robin, rtt/cold: cold.c */
void measure_oneway(void);      /* oneway/: oneway.c */
void measure_messages(void);    /* message/: messages.c */
void measure_strategies(void);  /* strategy/: strategies.c */
void measure_kernel(void);      /* thread/, switch/, notify/, map/: kernel.c */
void measure_pool(void);        /* pool/: pool.c */
void measure_fairness(void);    /* fairness/: fairness.c */
void measure_inversion(void);   /* inversion/: inversion.c */
void measure_irq(void);         /* irq/: irq.c */
void measure_irq_idle(void);    /* where the PC's timer is free, and its interrupt comes at a known tick */
void measure_footprint(void);   /* memory/: footprint.c */

/* The time stamp counter by another clock, the 8254 timer: ticks per millisecond; and whether the CPU promises that they never
 * change: clock.c. */
uint32_t clock_khz(void);
bool clock_invariant(void);

#endif
