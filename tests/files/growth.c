/* Ten thousand requests after a warm-up: no service may need more memory than before. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <init.h>

#include "files.h"

#define WARM_UP 200u
#define ROUNDS 1250u    /* of eight requests */

static const struct process_table *table;

static void one_round(uint32_t number)
{
    char path[64], other[64], bytes[3000];
    struct stat status;
    sprintf(path, "/g/%u", (unsigned)(number % 7));
    sprintf(other, "/g/other-%u", (unsigned)(number % 7));
    int file = open(path, O_RDWR | O_CREAT, 0644);
    pattern_fill((uint8_t *)bytes, sizeof(bytes), number);
    if (file < 0 || write(file, bytes, sizeof(bytes)) != sizeof(bytes) || fstat(file, &status) != 0 ||
        pread(file, bytes, 1000, 500) != 1000 || close(file) != 0 || rename(path, other) != 0 || unlink(other) != 0 ||
        stat("/g", &status) != 0)
        fail("a round with", path);
}

static void remember(uint32_t used[PROCESSES_MAX])
{
    init_refresh(init_endpoint());
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        used[i] = table->entries[i].number ? table->entries[i].used_kib : 0;
}

static uint32_t calls_of(const char *name)
{
    init_refresh(init_endpoint());
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number && strcmp(table->entries[i].name, name) == 0)
            return table->entries[i].calls;
    fail("there is no service", name);
}

/* What was read once is read again without the disk. */
void cached(const char *path)
{
    static uint8_t bytes[100000];
    if (init_table(&table) != OK)
        fail("map", "init's table");
    int file = open(path, O_RDONLY);
    for (uint32_t i = 0; i < 100; i++) {
        if (i <= 1)
            print("block: %u calls\n", calls_of("block"));
        if (file < 0 || pread(file, bytes, sizeof(bytes), 0) != sizeof(bytes))
            fail("read", path);
    }
    print("block: %u calls\n", calls_of("block"));
}

void growth(void)
{
    static uint32_t before[PROCESSES_MAX], after[PROCESSES_MAX];
    if (init_table(&table) != OK)
        fail("map", "init's table");
    mkdir("/g", 0755);
    for (uint32_t i = 0; i < WARM_UP; i++)
        one_round(i);
    remember(before);
    for (uint32_t i = 0; i < ROUNDS; i++)
        one_round(i);
    remember(after);
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number)
            print("memory: %s %u -> %u KiB, %u calls\n", table->entries[i].name, before[i], after[i], table->entries[i].calls);
}
