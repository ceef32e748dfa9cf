/* trace: runs a program, or waits, while the kernel records what the CPU does; then prints the records for tools/trace. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <init.h>
#include <server.h>
#include <spawn.h>

#include "utilities.h"

#define RING_PAGES 256u         /* some 26,000 records */
#define QUOTA_KIB 2048u         /* of the program */
#define NOT_FOUND 127

static const struct trace_ring *ring;
static const struct process_table *table;
static struct process_entry before[PROCESSES_MAX];
static handle_t memory, authority, trace;

/* ---- the trace ---- */

/* What is to be had before it begins, so that little of ours is in it. */
static const char *prepare(void)
{
    void *address = NULL;
    status_t status = init_table(&table);
    if (status == OK)
        status = init_trace(init_endpoint(), &authority);
    if (status == E_NO_RIGHT)
        return "the system list does not say trace = true for whom this program descends from";
    if (status == OK)
        status = memory_create(RING_PAGES, MEMORY_CONTIGUOUS, &memory);
    if (status == OK)
        status = pages_map(memory, RING_PAGES, PROTECT_READ, &address);
    ring = address;
    return status == OK ? NULL : status_text(status);
}

/* NULL, or why not. */
static const char *begin(void)
{
    memcpy(before, table->entries, sizeof(before));
    status_t status = trace_create(authority, memory, &trace);
    return status == OK ? NULL : status == E_BUSY ? "somebody traces already" : status_text(status);
}

static void end(void)
{
    handle_close(trace);
}

/* ---- what is printed: read by tools/trace ---- */

static void print_names(const struct process_entry *entries)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (entries[i].number)
            printf("n %" PRIx32 " %s\n", entries[i].number, entries[i].name);
}

/* In hexadecimal, times as what has passed since the record before. */
static void print_records(void)
{
    uint64_t first = ring->count > ring->capacity ? ring->count - ring->capacity : 0, last = 0;
    for (uint64_t i = first; i < ring->count; i++) {
        const struct trace_record *record = &ring->records[i % ring->capacity];
        printf("r %" PRIx64 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx32 "\n",
               record->time - last, record->kind, record->thread, record->process, record->peer, record->peer_process,
               record->owner, record->first, record->second);
        last = record->time;
    }
}

static void print_all(const struct child *child, const char *name)
{
    uint32_t khz = 0;
    system_info(INFO_TSC_KHZ, &khz);
    printf("trace: begin %" PRIx64 " %" PRIx32 " %" PRIx32 "\n", ring->count, ring->capacity, khz);
    print_names(before);
    print_names(table->entries);
    if (child)
        printf("n %" PRIx32 " %s\n", child->number, name);
    print_records();
    printf("trace: end\n");
}

/* ---- the program ---- */

static void *read_all(const char *path, uint32_t *size)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0)
        return NULL;
    void *image = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? malloc((size_t)status.st_size + 1) : NULL;
    *size = image ? (uint32_t)status.st_size : 0;
    if (image && read(file, image, *size) != (ssize_t)*size) {
        free(image);
        image = NULL;
    }
    close(file);
    return image;
}

/* As the shell finds programs. */
static void *load(const char *name, uint32_t *size)
{
    char path[PATH_BYTES];
    if (strchr(name, '/'))
        return read_all(name, size);
    join(path, "/bin", name);
    void *image = read_all(path, size);
    return image ? image : read_all("/boot/utilities", size);
}

static int wait_for(const struct child *child, handle_t ended)
{
    uint32_t bits, code = 0;
    if (process_watch(child->process, ended, 1) == OK)
        notification_wait(ended, 1, TIMEOUT_NEVER, &bits);
    process_info(child->process, PROCESS_EXIT_CODE, &code);
    return (int)code;
}

static int run(char **arguments)
{
    char folder[PATH_BYTES + 4] = "cwd=";
    const char *const environment[] = { folder, NULL };
    struct spawn spawn = { .name = arguments[0], .arguments = (const char *const *)arguments, .environment = environment,
                           .quota_kib = QUOTA_KIB };
    struct child child;
    handle_t ended = HANDLE_NONE;
    int code = NOT_FOUND;
    spawn.image = load(arguments[0], &spawn.size);
    if (!spawn.image)
        return complain(arguments[0]);
    getcwd(folder + strlen("cwd="), PATH_BYTES);
    status_t status = notification_create(&ended);
    const char *wrong = status == OK ? begin() : status_text(status);
    if (wrong)
        return complain_of("not possible", wrong);
    wrong = program_spawn(&spawn, &child);
    if (!wrong)
        code = wait_for(&child, ended);
    end();
    if (wrong)
        return complain_of(arguments[0], wrong);
    print_all(&child, arguments[0]);
    return code;
}

static int wait(const char *text)
{
    char *rest;
    unsigned long seconds = strtoul(text, &rest, 10);
    if (!isdigit((unsigned char)*text) || *rest || seconds == 0 || seconds > 3600)
        return usage();
    const char *wrong = begin();
    if (wrong)
        return complain_of("not possible", wrong);
    sleep_microseconds((uint32_t)seconds * 1000000);
    end();
    print_all(NULL, NULL);
    return 0;
}

int trace_main(int count, char **arguments)
{
    bool waits;
    if (!take_options(&count, &arguments, "s", &waits))
        return 2;
    if (waits ? count != 1 : count == 0)
        return usage();
    const char *wrong = prepare();
    if (wrong)
        return complain_of("not possible", wrong);
    return waits ? wait(arguments[0]) : run(arguments);
}
