/* A volume is changed and synced again and again. After each sync its number goes to the disk's last sector, which lies behind
 * the file system, and the tree is printed: the host, which has every write in a log, cuts the power at any of them
 * (tests/boot/power_cuts.py). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <servers/block/block.h>

#include "files.h"

#define GENERATIONS 48u
#define NAMES 10u
#define FILE_MOST 40000u
#define CHANGES_MOST 12u        /* between two syncs */
#define MARK_MAGIC 0x4B52414Du

static struct connection block = { .service = "block", .slots = 2, .slot_size = PAGE_SIZE, .rights = RIGHT_DMA };
static uint8_t data[FILE_MOST];
static uint32_t state = 1;

static uint32_t any(uint32_t end)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % end;
}

/* ---- what was synced, on the disk ---- */

static void transfer(uint32_t method)
{
    status_t status = connection_repeat(&block, method, 0, NULL);
    if (status != OK)
        fail(status_text(status), "disk0");
}

static void mark(uint32_t generation)
{
    static uint64_t sectors;
    struct block_request *request = (struct block_request *)block.session.base;
    uint32_t *words = (uint32_t *)(block.session.base + PAGE_SIZE);
    *request = (struct block_request){ .unit = 0 };
    if (!sectors) {
        transfer(BLOCK_DESCRIBE);
        sectors = request->description.sectors;
    }
    words[0] = MARK_MAGIC;
    words[1] = generation;
    *request = (struct block_request){ .operation = BLOCK_WRITE, .sector = sectors - 1, .count = 1, .pages = { 1 } };
    transfer(BLOCK_TRANSFER);
}

/* ---- changes ---- */

/* What is not there stays so, and what is there already, too. */
static void done(int result, const char *what, const char *path)
{
    if (result < 0 && errno != ENOENT && errno != EEXIST && errno != ENOTEMPTY)
        fail(what, path);
}

static void write_part(const char *path, int flags, uint32_t offset, uint32_t bytes)
{
    int file = open(path, O_WRONLY | O_CREAT | flags, 0644);
    pattern_fill(data, bytes, state);
    if (file < 0 || (flags == 0 && lseek(file, (off_t)offset, SEEK_SET) < 0) || write(file, data, bytes) != (ssize_t)bytes ||
        close(file) != 0)
        fail("write", path);
}

static const char *any_name(char *path)
{
    sprintf(path, "/%c/%u", 'a' + (int)any(2), (unsigned)any(NAMES));
    return path;
}

static void change_folder(const char *path)
{
    char name[32], other[32];
    sprintf(name, "%s-folder", path);
    sprintf(other, "/b/%u-moved", (unsigned)any(NAMES));
    done(mkdir(name, 0755), "mkdir", name);
    if (any(2))
        done(rename(name, other), "rename", name);
    if (any(2))
        done(rmdir(other), "rmdir", other);
}

/* Names of symbolic links are their own: nothing is written through them. */
static void change_link(const char *path, const char *other)
{
    char name[32];
    sprintf(name, "%s-link", other);
    done(link(path, other), "link", path);
    done(symlink(path, name), "symlink", name);
    if (any(2))
        done(unlink(name), "unlink", name);
}

static void change(void)
{
    char path[32], other[32];
    any_name(path);
    any_name(other);
    switch (any(10)) {
    case 0: case 1: write_part(path, O_TRUNC, 0, any(FILE_MOST)); break;
    case 2: write_part(path, 0, any(FILE_MOST), 1 + any(8000)); break;
    case 3: write_part(path, O_APPEND, 0, any(5000)); break;
    case 4: done(truncate(path, (off_t)any(FILE_MOST)), "truncate", path); break;
    case 5: done(rename(path, other), "rename", path); break;
    case 6: case 7: done(unlink(path), "unlink", path); break;
    case 8: change_link(path, other); break;
    case 9: change_folder(path); break;
    }
}

/* Everything is written by the sync of one file as well. */
static void sync_somehow(uint32_t generation)
{
    static const char path[] = "/generation";
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, &generation, sizeof(generation)) != sizeof(generation))
        fail("write", path);
    if (generation % 2)
        sync();
    else if (fsync(file) != 0)
        fail("fsync", path);
    close(file);
}

/* The volumes on /0, /1 and so on, as they are after what their mounts had to finish. */
void volumes(void)
{
    char path[8];
    struct stat status;
    for (uint32_t i = 0; sprintf(path, "/%u", (unsigned)i), stat(path, &status) == 0; i++) {
        print("volume: %u\n", i);
        tree_print_inside(path);
    }
}

static void next_generation(uint32_t generation)
{
    for (uint32_t i = any(CHANGES_MOST); i > 0; i--)
        change();
    sync_somehow(generation);
    mark(generation);
}

void generations(void)
{
    if (lock_init(&block.lock) != OK || connection_open(&block) != OK)
        fail("open a session with", "block");
    for (uint32_t generation = 0; generation <= GENERATIONS; generation++) {
        if (generation > 0)
            next_generation(generation);
        print("generation: %u\n", generation);
        tree_print("/");
    }
}
