/* Files are written and read while a service on the way is killed again and again: what was synced stays, calls end, and nobody
 * grows. kills= says how often. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <init.h>
#include <servers/rtc/rtc.h>

#include "files.h"

#define KEPT 24u                /* files that are written anew in turn */
#define KEPT_MOST 60000u        /* bytes */
#define WARM_UP 10u             /* kills until memory is compared */
#define PAUSE_LEAST 2000u       /* microseconds between two kills */
#define PAUSE_SPAN 40000u
#define TRIES 200u              /* of a call that failed as it may */
#define SETTLE 300000u          /* microseconds until everybody's last restart is over */

static const struct process_table *table;
static const char *victim;
static volatile uint32_t killed;
static volatile bool over;
static uint32_t wanted, calls, failures;
static uint32_t before[PROCESSES_MAX], threads_before;
static uint8_t data[KEPT_MOST], read_back[KEPT_MOST];
static struct { uint32_t seed, bytes; } kept[KEPT]; /* bytes 0: it was not synced */

/* ---- killing ---- */

static const struct process_entry *entry_of(const char *name)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number && strcmp(table->entries[i].name, name) == 0)
            return &table->entries[i];
    fail("there is no service", name);
}

static uint32_t information(uint32_t what)
{
    uint32_t value = 0;
    system_info(what, &value);
    return value;
}

static void wait_until_all_run(void)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        while (table->entries[i].number && strcmp(table->entries[i].name, program_name()) != 0 &&
               table->entries[i].state != PROCESS_RUNNING)
            sleep_microseconds(1000);
}

static void map_table(void)
{
    if (!table && init_table(&table) != OK)
        fail("map", "init's table");
}

uint32_t service_restarts(const char *name)
{
    map_table();
    return entry_of(name)->restarts;
}

void service_kill_only(const char *name)
{
    map_table();
    if (init_kill(init_endpoint(), entry_of(name)->number) != OK)
        fail("kill", name);
}

void service_kill(const char *name)
{
    service_kill_only(name);
    sleep_microseconds(1000);
    wait_until_all_run();
}

static void remember(void)
{
    sleep_microseconds(SETTLE);
    wait_until_all_run();
    init_refresh(init_endpoint());
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        before[i] = table->entries[i].used_kib;
    threads_before = information(INFO_THREADS_ALIVE);
}

static void kill_often(void *unused)
{
    uint32_t random = 1;
    (void)unused;
    while (killed < wanted) {
        random = random * 1664525u + 1013904223u;
        sleep_microseconds(PAUSE_LEAST + (random >> 8) % PAUSE_SPAN);
        wait_until_all_run();
        if (killed == WARM_UP)
            remember();
        killed += init_kill(init_endpoint(), entry_of(victim)->number) == OK;
        if (wanted >= 1000 && killed % (wanted / 100) == 0)
            print("%u kills, %u calls, %u failed\n", killed, calls, failures);
    }
    over = true;
}

static void begin(void)
{
    handle_t thread;
    victim = argument("place");
    wanted = argument_number("kills", 20);
    if (init_table(&table) != OK)
        fail("map", "init's table");
    print("%s is to be killed %u times\n", victim, wanted); /* and so the session with the log is there */
    if (thread_spawn(kill_often, NULL, 0, &thread) != OK)
        fail("spawn", "a thread");
    handle_close(thread);
}

static void end(void)
{
    uint32_t threads, processes = 1; /* init, which is in no table */
    sleep_microseconds(SETTLE);
    wait_until_all_run();
    init_refresh(init_endpoint());
    threads = information(INFO_THREADS_ALIVE) + 1; /* the killer has ended */
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        if (!table->entries[i].number)
            continue;
        processes++;
        print("memory: %s %u -> %u KiB\n", table->entries[i].name, before[i], table->entries[i].used_kib);
    }
    print("left: %u threads, %u processes\n", threads - threads_before, information(INFO_PROCESSES_ALIVE) - processes);
    print("killed: %u times, %u restarts\n", killed, entry_of(victim)->restarts);
    print("calls: %u, %u failed\n", calls, failures);
}

/* ---- calls that may fail, and those that may not ---- */

static bool may_fail(const char *path)
{
    bool in_memory = strncmp(path, "/tmp", 4) == 0;
    if (errno == EIO || errno == ESTALE)
        return strcmp(victim, "vfs") == 0 || strcmp(victim, in_memory ? "memoryfs" : "ext2") == 0;
    return errno == ENOENT && in_memory && strcmp(victim, "memoryfs") == 0;
}

/* The result, which is negative only if it may be. */
static int called(int result, const char *what, const char *path)
{
    calls++;
    if (result >= 0)
        return result;
    failures++;
    if (!may_fail(path))
        fail(what, path);
    return result;
}

/* ---- what the load does ---- */

static bool put(const char *path, uint32_t seed, uint32_t bytes)
{
    int file = called(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), "open", path);
    if (file < 0)
        return false;
    pattern_fill(data, bytes, seed);
    int written = called((int)write(file, data, bytes), "write", path);
    if (written >= 0 && written != (int)bytes)
        fail("write all of", path);
    bool synced = called(fsync(file), "fsync", path) == 0;
    return called(close(file), "close", path) == 0 && synced && written >= 0;
}

/* Bytes read, or -1. */
static int take(const char *path)
{
    int file = called(open(path, O_RDONLY), "open", path), bytes = -1;
    if (file < 0)
        return -1;
    bytes = called((int)read(file, read_back, KEPT_MOST), "read", path);
    called(close(file), "close", path);
    return bytes;
}

static void check_kept(uint32_t i, const char *path)
{
    int bytes = -1;
    for (uint32_t tries = 0; tries < TRIES && (bytes = take(path)) < 0; tries++)
        sleep_microseconds(1000);
    pattern_fill(data, kept[i].bytes, kept[i].seed);
    if (bytes != (int)kept[i].bytes || memcmp(data, read_back, kept[i].bytes) != 0)
        fail("what was synced is not there:", path);
}

static void check_module(void)
{
    static uint8_t first[KEPT_MOST];
    static const char path[] = "/boot/file-tests";
    int bytes = take(path);
    if (bytes < 0)
        return;
    if (!first[0])
        memcpy(first, read_back, sizeof(first));
    if (bytes != sizeof(first) || memcmp(first, read_back, sizeof(first)) != 0)
        fail("other contents than before:", path);
}

static void check_clock(void)
{
    static handle_t clock;
    static uint32_t last;
    uint32_t now = 0;
    status_t status = clock ? OK : service_find("rtc", &clock);
    do {
        status = status == OK ? rtc_now(clock, &now) : status;
    } while (status == E_PEER_DIED);
    if (status != OK || now + 2 < last || (last && now > last + 60))
        fail("the clock says", "something else");
    last = now;
}

/* Open all the time: it outlives everything but the VFS, which says that it is gone. */
static void check_open(void)
{
    static int file = -1;
    static const char path[] = "/k/open";
    if (file < 0) {
        if (!put(path, 4711, 5000) || (file = called(open(path, O_RDONLY), "open", path)) < 0)
            return;
    }
    int bytes = (int)pread(file, read_back, KEPT_MOST, 0);
    pattern_fill(data, 5000, 4711);
    if (bytes < 0 && errno == ESTALE && strcmp(victim, "vfs") == 0) {
        close(file);
        file = -1;
    } else if (bytes != 5000 || memcmp(data, read_back, 5000) != 0) {
        fail("what was open is not the same any more:", path);
    }
}

static void churn(uint32_t round)
{
    char path[32], other[32];
    sprintf(path, "/k/d%u", (unsigned)(round % 5));
    sprintf(other, "/k/e%u", (unsigned)(round % 5));
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        called(-1, "mkdir", path);
    if (rename(path, other) < 0 && errno != ENOENT && errno != ENOTEMPTY)
        called(-1, "rename", path);
    if (rmdir(other) < 0 && errno != ENOENT)
        called(-1, "rmdir", other);
    calls += 3;
}

static void one_round(uint32_t round)
{
    char path[32];
    uint32_t i = round % KEPT, other = (round * 7 + 5) % KEPT, bytes = 1 + round * 7919 % KEPT_MOST;
    sprintf(path, "/k/%u", (unsigned)i);
    kept[i].bytes = 0;
    if (put(path, round, bytes)) {
        kept[i].seed = round;
        kept[i].bytes = bytes;
    }
    sprintf(path, "/k/%u", (unsigned)other);
    if (kept[other].bytes)
        check_kept(other, path);
    put("/tmp/x", round, 3000);
    churn(round);
    check_open();
    check_module();
    check_clock();
}

void restarts(void)
{
    uint32_t round = 0;
    struct stat status;
    if (mkdir("/k", 0755) != 0)
        fail("mkdir", "/k");
    sync();
    begin();
    while (!over)
        one_round(round++);
    for (uint32_t i = 0; i < KEPT; i++)
        one_round(round++);
    for (uint32_t i = 0; i < KEPT; i++)
        if (!kept[i].bytes)
            fail("without kills, all should be synced:", "/k");
    if (stat("/tmp/x", &status) != 0)
        fail("stat", "/tmp/x");
    end();
    print("rounds: %u, errors: %u\n", round, tree_print("/k"));
}

/* ---- a tree copied on its own disk ---- */

static void copy_file(const char *from, const char *to)
{
    int in = called(open(from, O_RDONLY), "open", from), bytes;
    int out = called(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644), "open", to);
    while ((bytes = called((int)read(in, data, sizeof(data)), "read", from)) > 0)
        if (called((int)write(out, data, (size_t)bytes), "write", to) != bytes)
            fail("write all of", to);
    called(close(in), "close", from);
    called(close(out), "close", to);
}

static void copy_tree(const char *from, const char *to)
{
    char source[PATH_BYTES], target[PATH_BYTES];
    struct dirent *entry;
    DIR *folder = opendir(from);
    if (!folder || (mkdir(to, 0755) != 0 && errno != EEXIST))
        fail("copy", from);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        sprintf(source, "%s/%s", from, entry->d_name);
        sprintf(target, "%s/%s", to, entry->d_name);
        if (entry->d_type == DT_DIR)
            copy_tree(source, target);
        else
            copy_file(source, target);
    }
    called(closedir(folder), "closedir", from);
}

/* No call may fail. The host compares the last two copies with the tree. */
void copies(void)
{
    char target[16];
    uint32_t rounds = 0;
    begin();
    do {
        sprintf(target, "/copy-%u", (unsigned)(rounds % 2));
        copy_tree("/tree", target);
        sync();
    } while (rounds++ == 0 || !over);
    end();
    print("rounds: %u, errors: %u\n", rounds, tree_print("/"));
}
