/* files: measures file operations through open(), pread(), write() and their kin; the same source on every system.
 *
 * perf/files.py makes the disk that holds the files named here. A sample is one operation, timed alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "figures.h"
#include "idle.h"

#define KIB 1024u
#define MIB (1024u * KIB)
#define WRITE_PIECE (64u * KIB)
#define SAMPLES_MAX 256u

#define DEEP "/one/two/three/file"  /* three folders deep, 1 MiB; read again and again */
#define COLD_4K "/cold/4k"          /* each of these is read once, by one operation: no part of it is in any cache */
#define COLD_64K "/cold/64k"
#define COLD_1M "/cold/1m"
#define WRITTEN "/written"

struct operation {
    const char *name;
    const char *path;       /* opened before the samples; NULL: the operation opens what it needs */
    int flags;              /* of open() */
    void (*prepare)(const struct operation *operation); /* before each sample, untimed; may be NULL */
    void (*run)(const struct operation *operation, uint32_t turn);
    uint32_t bytes;         /* of one read or write */
    uint32_t stride;        /* the next sample is so much further in the file; 0: the same place, after a warm-up */
    uint32_t samples;
};

static int file;            /* what path names */
static uint8_t *buffer;     /* 1 MiB, every page touched */

static void must(bool good, const char *what)
{
    if (!good)
        fail(what);
}

/* ---- operations ---- */

static void run_nothing(const struct operation *operation, uint32_t turn)
{
    (void)operation;
    (void)turn;
}

static void run_open(const struct operation *operation, uint32_t turn)
{
    (void)turn;
    int opened = open(DEEP, O_RDONLY);
    must(opened >= 0 && close(opened) == 0, operation->name);
}

static void run_stat(const struct operation *operation, uint32_t turn)
{
    struct stat status;
    (void)turn;
    must(stat(DEEP, &status) == 0, operation->name);
}

static void run_fstat(const struct operation *operation, uint32_t turn)
{
    struct stat status;
    (void)turn;
    must(fstat(file, &status) == 0, operation->name);
}

/* One call may give less than was asked for, as with read() everywhere; programs then ask again. */
static void run_read(const struct operation *operation, uint32_t turn)
{
    for (uint32_t done = 0; done < operation->bytes;) {
        ssize_t got = pread(file, buffer + done, operation->bytes - done, (off_t)turn * operation->stride + done);
        if (got == 0)
            errno = EIO; /* the file is shorter than the disk's maker says */
        must(got > 0, operation->name);
        done += (uint32_t)got;
    }
}

static void empty_file(const struct operation *operation)
{
    must(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0 && fsync(file) == 0, operation->name);
}

static void run_write(const struct operation *operation, uint32_t turn)
{
    (void)turn;
    for (uint32_t done = 0; done < operation->bytes;) {
        ssize_t put = write(file, buffer + done, WRITE_PIECE);
        must(put > 0, operation->name);
        done += (uint32_t)put;
    }
    must(fsync(file) == 0, operation->name);
}

/* ---- the list ---- */

static const struct operation cached[] = {
    { .name = "overhead/sample", .run = run_nothing, .samples = 256 },
    { .name = "file/open", .run = run_open, .samples = 256 },
    { .name = "file/stat", .run = run_stat, .samples = 256 },
    { .name = "file/fstat", .path = DEEP, .run = run_fstat, .samples = 256 },
    { .name = "file/read/1", .path = DEEP, .run = run_read, .bytes = 1, .samples = 256 },
    { .name = "file/read/4k/cached", .path = DEEP, .run = run_read, .bytes = 4 * KIB, .samples = 256 },
    { .name = "file/read/64k/cached", .path = DEEP, .run = run_read, .bytes = 64 * KIB, .samples = 128 },
    { .name = "file/read/1m/cached", .path = DEEP, .run = run_read, .bytes = MIB, .samples = 32 },
};

/* A stride of more than the read keeps read-ahead from turning the next sample into a cached one. */
static const struct operation waiting[] = {
    { .name = "file/read/4k/uncached", .path = COLD_4K, .run = run_read, .bytes = 4 * KIB, .stride = 256 * KIB,
      .samples = 64 },
    { .name = "file/read/64k/uncached", .path = COLD_64K, .run = run_read, .bytes = 64 * KIB, .stride = 256 * KIB,
      .samples = 32 },
    { .name = "file/read/1m/uncached", .path = COLD_1M, .run = run_read, .bytes = MIB, .stride = 2 * MIB,
      .samples = 16 },
    { .name = "file/write/1m/synced", .path = WRITTEN, .flags = O_RDWR | O_CREAT, .prepare = empty_file, .run = run_write,
      .bytes = MIB, .samples = 16 },
};

static uint32_t sample(const struct operation *operation, uint32_t turn)
{
    if (operation->prepare)
        operation->prepare(operation);
    uint32_t idle = idle_ticks();
    uint64_t begin = time_stamp();
    operation->run(operation, turn);
    uint64_t taken = time_stamp() - begin;
    taken -= idle_ticks() - idle;
    return taken > UINT32_MAX ? UINT32_MAX : (uint32_t)taken;
}

static void measure(const struct operation *operation)
{
    static uint32_t samples[SAMPLES_MAX];
    if (operation->path)
        must((file = open(operation->path, operation->flags, 0644)) >= 0, operation->path);
    if (!operation->stride)
        sample(operation, 0);
    struct system_counters before = system_counters();
    for (uint32_t turn = 0; turn < operation->samples; turn++)
        samples[turn] = sample(operation, turn);
    struct system_counters after = system_counters();
    if (operation->path)
        must(close(file) == 0, operation->path);
    after.calls -= before.calls;
    after.switches -= before.switches;
    figure_keep(&(struct series){ operation->name, samples, operation->samples, .batch = 1, .warmup = operation->stride ? 0 : 1,
                                  .done = after });
}

int main(void)
{
    uint32_t calibrated = calibration();
    buffer = malloc(MIB);
    must(buffer != NULL, "1 MiB of memory");
    for (uint32_t i = 0; i < MIB; i++)
        buffer[i] = (uint8_t)(i * 7);
    for (uint32_t i = 0; i < sizeof(cached) / sizeof(*cached); i++)
        measure(&cached[i]);
    if (calibrated < CALIBRATION + 100)
        idle_count_begin();
    for (uint32_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++)
        measure(&waiting[i]);
    printf("fact calibration %lu\n", (unsigned long)calibrated);
    printf("fact ticks_per_millisecond %lu\n", (unsigned long)system_ticks_per_millisecond());
    figures_print();
    return 0;
}
