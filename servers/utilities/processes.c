/* ps, top, kill: who is there, what they do, and their end. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <init.h>
#include <server.h>
#include <servers/console/console.h>

#include "utilities.h"

#define PERIOD 1000u /* milliseconds */
#define CLEAR "\033[H\033[2J"

static struct process_entry before[PROCESSES_MAX];
static const struct process_table *table;

/* ---- the table ---- */

static int map_table(void)
{
    status_t status = init_table(&table);
    return status == OK ? 0 : complain_of("init's table", status_text(status));
}

static void refresh(void)
{
    init_refresh(init_endpoint());
}

/* A program that serves nobody never announces itself, and is not on its way to that. */
static const char *state_text(const struct process_entry *entry)
{
    static const char *const texts[] = { "free", "start", "run", "wait", "ended" };
    uint32_t state = entry->state == PROCESS_STARTING && entry->workers == 0 ? PROCESS_RUNNING : entry->state;
    return state < COUNT(texts) ? texts[state] : "?";
}

/* ---- ps ---- */

int ps_main(int count, char **arguments)
{
    (void)arguments;
    if (count)
        return usage();
    if (map_table() != 0)
        return 1;
    refresh();
    printf("%6s %6s %-12s %-5s %8s %7s %8s %8s %8s\n", "number", "parent", "name", "state", "restarts", "threads", "KiB of",
           "used", "CPU ms");
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        const struct process_entry *entry = &table->entries[i];
        if (entry->number)
            printf("%6u %6u %-12s %-5s %8u %7u %8u %8u %8u\n", (unsigned)entry->number, (unsigned)entry->parent, entry->name,
                   state_text(entry), (unsigned)entry->restarts, (unsigned)entry->threads, (unsigned)entry->quota_kib,
                   (unsigned)entry->used_kib, (unsigned)(entry->cpu_microseconds / 1000));
    }
    return 0;
}

/* ---- top ---- */

/* What the entry was before; nothing when another process had its place. */
static struct process_entry earlier(uint32_t place)
{
    const struct process_entry *entry = &before[place];
    return entry->number == table->entries[place].number ? *entry : (struct process_entry){ 0 };
}

static void show_entry(uint32_t place, uint32_t milliseconds)
{
    const struct process_entry *now = &table->entries[place];
    const struct process_entry old = earlier(place);
    unsigned permille = (unsigned)((now->cpu_microseconds - old.cpu_microseconds) / milliseconds);
    unsigned calls = (unsigned)((uint64_t)(now->calls - old.calls) * 1000 / milliseconds);
    printf("%6u %-12s %3u.%u%% %8u", (unsigned)now->number, now->name, permille / 10, permille % 10, (unsigned)now->used_kib);
    if (now->workers)
        printf(" %4u %4u %4u %5u %7u %8u\n", (unsigned)(now->workers - now->idle), (unsigned)now->idle, (unsigned)now->busy_high,
               (unsigned)now->queue, (unsigned)now->waits, calls);
    else
        putchar('\n');
}

static void show_all(uint32_t milliseconds)
{
    uint32_t memory = 0;
    system_info(INFO_FRAMES_FREE, &memory);
    printf("CPU time is charged to whoever caused it: services work on their clients' budgets.  %u KiB free\n\n",
           (unsigned)(memory * (PAGE_SIZE / 1024)));
    printf("%6s %-12s %6s %8s %4s %4s %4s %5s %7s %8s\n", "number", "name", "CPU", "KiB", "busy", "idle", "high", "queue",
           "waits", "calls/s");
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number && table->entries[i].state != PROCESS_ENDED)
            show_entry(i, milliseconds);
    fflush(stdout);
}

/* Waits for the next picture; true when q was typed. */
static bool wait_or_quit(handle_t console)
{
    uint32_t key;
    if (console != HANDLE_NONE && console_read_key(console, PERIOD, &key) == OK)
        return key == 'q';
    if (console == HANDLE_NONE)
        usleep(PERIOD * 1000);
    return false;
}

static uint32_t uptime(void)
{
    uint32_t milliseconds = 0;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return milliseconds;
}

int top_main(int count, char **arguments)
{
    bool limited = count == 2 && strcmp(arguments[0], "-n") == 0 && isdigit((unsigned char)arguments[1][0]);
    handle_t console = HANDLE_NONE;
    if (count && !limited)
        return usage();
    if (map_table() != 0)
        return 1;
    if (!limited)
        service_find("console", &console);
    for (unsigned long left = limited ? strtoul(arguments[1], NULL, 10) : ~0ul; left > 0; left--) {
        refresh();
        uint32_t began = uptime();
        memcpy(before, table->entries, sizeof(before));
        if (wait_or_quit(console))
            return 0;
        refresh();
        uint32_t passed = uptime() - began;
        fputs(limited ? "" : CLEAR, stdout);
        show_all(passed ? passed : 1);
    }
    return 0;
}

/* ---- kill ---- */

int kill_main(int count, char **arguments)
{
    int worst = 0;
    for (int i = 0; i < count; i++) {
        char *end;
        unsigned long number = strtoul(arguments[i], &end, 10);
        if (*end || number == 0)
            return usage();
        worst |= kill((pid_t)number, SIGKILL) == 0 ? 0 : complain(arguments[i]);
    }
    return count ? worst : usage();
}
