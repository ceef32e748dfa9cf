/* ipc: measures round trips between two processes and between two threads of Linux, and its null system call.
 *
 * Every system call is made here, through the kernel's own stub for SYSENTER: no C library is in between. All run on one
 * processor. A sample is the mean of a batch, as in perf/guest/measure.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../files/figures.h"

#define CALLS 32u           /* in one sample */
#define WARM_UP 16u         /* batches before the first sample */
#define OVERHEAD_SAMPLES 100u
#define SAMPLES_MAX 250u
#define FIFO_PRIORITY 50
#define LAST 0xFFFFFFFFu    /* the word that ends the partner */

/* ---- entering the kernel ---- */

#define SYSENTER "\x0F\x34"
#define STUB_SIZE 16u

static uintptr_t vsyscall;  /* __kernel_vsyscall in the vDSO */

static inline int system_call(int number, int a, const void *b, int c, int d)
{
    int result;
    __asm__ volatile("call *%[entry]"
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), [entry] "m"(vsyscall)
                     : "memory", "cc");
    if (result < 0)
        errno = -result;
    return result;
}

static void must(bool good, const char *what)
{
    if (!good)
        fail(what);
}

/* Tells whether the kernel's stub enters by SYSENTER: that is up to the kernel and the CPU. */
static bool find_stub(void)
{
    vsyscall = getauxval(AT_SYSINFO);
    must(vsyscall != 0, "finding AT_SYSINFO");
    return memmem((const void *)vsyscall, STUB_SIZE, SYSENTER, 2) != NULL;
}

/* ---- ways from one side to the other ---- */

struct way {
    int to, from;           /* files; the same for eventfd */
    int size;               /* of a message; 0: by the box below */
    int futex_flag;         /* FUTEX_PRIVATE_FLAG within one process */
    uint32_t box;           /* a word for the other side; 0: empty */
};

/* Both directions, in memory that both sides have. */
struct pair {
    struct way there, back;
};

static void send_word(struct way *way, uint32_t word)
{
    if (way->size) {
        uint64_t message = word; /* eventfd takes 64 bits, the others the lower half */
        must(system_call(SYS_write, way->to, &message, way->size, 0) == way->size, "sending");
        return;
    }
    __atomic_store_n(&way->box, word, __ATOMIC_SEQ_CST);
    must(system_call(SYS_futex, (int)&way->box, (void *)(FUTEX_WAKE | way->futex_flag), 1, 0) >= 0, "waking");
}

static uint32_t receive_word(struct way *way)
{
    if (way->size) {
        uint64_t message = 0;
        must(system_call(SYS_read, way->from, &message, way->size, 0) == way->size, "receiving");
        return (uint32_t)message;
    }
    uint32_t word;
    while (!(word = __atomic_exchange_n(&way->box, 0, __ATOMIC_SEQ_CST)))
        system_call(SYS_futex, (int)&way->box, (void *)(FUTEX_WAIT | way->futex_flag), 0, 0);
    return word;
}

static void expect_word(struct way *way, uint32_t word)
{
    if (receive_word(way) == word)
        return;
    errno = EBADMSG;
    fail("the answer");
}

static void open_futexes(struct pair *pair)
{
    pair->there.size = pair->back.size = 0;
    pair->there.box = pair->back.box = 0;
}

static void open_pipe(struct way *way)
{
    int ends[2];
    must(pipe(ends) == 0, "pipe()");
    *way = (struct way){ .to = ends[1], .from = ends[0], .size = sizeof(uint32_t) };
}

static void open_pipes(struct pair *pair)
{
    open_pipe(&pair->there);
    open_pipe(&pair->back);
}

static void open_event(struct way *way)
{
    int file = eventfd(0, 0);
    must(file >= 0, "eventfd()");
    *way = (struct way){ .to = file, .from = file, .size = sizeof(uint64_t) };
}

static void open_events(struct pair *pair)
{
    open_event(&pair->there);
    open_event(&pair->back);
}

static void open_sockets(struct pair *pair, int type)
{
    int ends[2];
    must(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair()");
    pair->there = (struct way){ .to = ends[0], .from = ends[1], .size = sizeof(uint32_t) };
    pair->back = (struct way){ .to = ends[1], .from = ends[0], .size = sizeof(uint32_t) };
}

static void open_packet_sockets(struct pair *pair)
{
    open_sockets(pair, SOCK_SEQPACKET);
}

static void open_stream_sockets(struct pair *pair)
{
    open_sockets(pair, SOCK_STREAM);
}

/* ---- the partner ---- */

static void *answer_until_last(void *argument)
{
    struct pair *pair = argument;
    uint32_t word;
    do
        send_word(&pair->back, word = receive_word(&pair->there));
    while (word != LAST);
    return NULL;
}

static void end_partner(struct pair *pair)
{
    send_word(&pair->there, LAST);
    expect_word(&pair->back, LAST);
}

static pid_t fork_partner(struct pair *pair)
{
    pid_t partner = fork();
    must(partner >= 0, "fork()");
    if (partner > 0)
        return partner;
    must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl()");
    answer_until_last(pair);
    _exit(0);
}

/* ---- what is timed ---- */

typedef void batch_t(uint32_t calls, struct pair *pair);

static __attribute__((noinline)) void empty_loop(uint32_t calls, struct pair *unused)
{
    (void)unused;
    do
        __asm__ volatile("" : : : "memory");
    while (--calls);
}

static __attribute__((noinline)) void null_by_int(uint32_t calls, struct pair *unused)
{
    int result;
    (void)unused;
    do
        __asm__ volatile("int $0x80" : "=a"(result) : "0"(SYS_getppid) : "memory", "cc");
    while (--calls);
    (void)result;
}

static __attribute__((noinline)) void null_by_sysenter(uint32_t calls, struct pair *unused)
{
    int result;
    (void)unused;
    do
        __asm__ volatile("call *%[entry]" : "=a"(result) : "0"(SYS_getppid), [entry] "m"(vsyscall) : "memory", "cc");
    while (--calls);
    (void)result;
}

static __attribute__((noinline)) void round_trips(uint32_t calls, struct pair *pair)
{
    do {
        send_word(&pair->there, calls);
        expect_word(&pair->back, calls);
    } while (--calls);
}

static uint32_t sample_count = SAMPLES_MAX;

/* What reading the counter twice takes. */
static uint32_t timer_overhead(void)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < OVERHEAD_SAMPLES; i++) {
        uint64_t begin = time_stamp();
        uint32_t passed = (uint32_t)(time_stamp() - begin);
        least = passed < least ? passed : least;
    }
    return least;
}

static uint32_t sample(batch_t *batch, struct pair *pair, uint32_t overhead)
{
    uint64_t begin = time_stamp();
    batch(CALLS, pair);
    uint32_t passed = (uint32_t)(time_stamp() - begin);
    return passed > overhead ? (passed - overhead) / CALLS : 0;
}

static void measure(const char *name, batch_t *batch, struct pair *pair)
{
    static uint32_t samples[SAMPLES_MAX];
    struct series series = { name, samples, sample_count, .batch = CALLS, .warmup = WARM_UP * CALLS,
                             .overhead = timer_overhead() };
    for (uint32_t i = 0; i < WARM_UP; i++)
        batch(CALLS, pair);
    struct system_counters before = system_counters();
    for (uint32_t i = 0; i < sample_count; i++)
        samples[i] = sample(batch, pair, series.overhead);
    series.done.switches = system_counters().switches - before.switches;
    series.done.calls = sample_count * CALLS;
    figure_keep(&series);
}

/* ---- the list ---- */

static const struct mechanism {
    const char *name;
    void (*open)(struct pair *pair);
} mechanisms[] = {
    { "futex", open_futexes },
    { "eventfd", open_events },
    { "pipe", open_pipes },
    { "unix-seqpacket", open_packet_sockets },
    { "unix-stream", open_stream_sockets },
};

static const char *figure_name(const char *space, const struct mechanism *mechanism, const char *scheduler)
{
    char *name;
    must(asprintf(&name, "rtt/%s/%s%s", space, mechanism->name, scheduler) > 0, "memory for a name");
    return name;
}

static void measure_between_threads(const char *name, struct pair *pair)
{
    pthread_t partner;
    pair->there.futex_flag = pair->back.futex_flag = FUTEX_PRIVATE_FLAG;
    errno = pthread_create(&partner, NULL, answer_until_last, pair);
    must(errno == 0, "pthread_create()");
    measure(name, round_trips, pair);
    end_partner(pair);
    pthread_join(partner, NULL);
}

static void measure_between_processes(const char *name, struct pair *pair)
{
    int status;
    pair->there.futex_flag = pair->back.futex_flag = 0;
    pid_t partner = fork_partner(pair);
    measure(name, round_trips, pair);
    end_partner(pair);
    must(waitpid(partner, &status, 0) == partner && status == 0, "the partner");
}

static void measure_mechanisms(const char *scheduler, struct pair *pair)
{
    for (const struct mechanism *m = mechanisms; m < mechanisms + sizeof(mechanisms) / sizeof(*mechanisms); m++) {
        m->open(pair);
        measure_between_threads(figure_name("same", m, scheduler), pair);
        measure_between_processes(figure_name("cross", m, scheduler), pair);
    }
}

static void stay_on_this_processor(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    must(sched_setaffinity(0, sizeof(here), &here) == 0, "sched_setaffinity()");
}

/* From now on, for us and for partners to come: fixed priorities and no time slices. Not everybody may. */
static bool take_fixed_priority(void)
{
    return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = FIFO_PRIORITY }) == 0;
}

static void measure_gates(bool sysenter)
{
    measure("overhead/loop", empty_loop, NULL);
    measure("gate/null/int", null_by_int, NULL);
    if (sysenter)
        measure("gate/null/sysenter", null_by_sysenter, NULL);
}

/* ipc [SAMPLES]: of each figure, at most SAMPLES_MAX. */
int main(int count, char **arguments)
{
    if (count > 1 && atoi(arguments[1]) > 0 && atoi(arguments[1]) < (int)SAMPLES_MAX)
        sample_count = (uint32_t)atoi(arguments[1]);
    stay_on_this_processor();
    uint32_t calibrated = calibration();
    struct pair *pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(pair != MAP_FAILED, "mmap()");
    bool sysenter = find_stub();
    measure_gates(sysenter);
    measure_mechanisms("", pair);
    bool fixed = take_fixed_priority();
    if (fixed)
        measure_mechanisms("/fifo", pair);
    printf("fact calibration %lu\nfact sysenter %d\nfact fifo %d\n", (unsigned long)calibrated, sysenter, fixed);
    figures_print();
    return 0;
}
