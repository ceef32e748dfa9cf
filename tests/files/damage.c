/* A disk that is damaged, full or not there: everything is tried, errors are printed, and every service must still be alive. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <init.h>

#include "files.h"

#define HALF_WAY_BYTES 9000u
#define OTHER_DISK_MOST 100u
#define OTHER_DISK_PAUSE 100000u    /* microseconds */
#define FILL_MOST 4000u /* blocks of 64 KiB */

static uint8_t data[65536];

static void try(const char *what, int result)
{
    print("try: %s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

static void fill_disk(void)
{
    int file = open("/filler", O_WRONLY | O_CREAT, 0644), bytes = 0;
    uint32_t total = 0;
    try("create", file);
    for (uint32_t i = 0; i < FILL_MOST && file >= 0 && (bytes = (int)write(file, data, sizeof(data))) > 0; i++)
        total += (uint32_t)bytes;
    if (file < 0)
        return;
    try("fill", bytes);
    print("filled: %u KiB\n", total / 1024);
    try("fsync", fsync(file));
    try("close", close(file));
    try("remove", unlink("/filler"));
    file = open("/after", O_WRONLY | O_CREAT, 0644);
    try("write again", file < 0 ? file : (int)write(file, data, 1000));
    close(file);
}

static void show_services(void)
{
    const struct process_table *table;
    if (init_table(&table) != OK)
        fail("map", "init's table");
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number)
            print("service: %s state %u, %u restarts\n", table->entries[i].name, table->entries[i].state,
                  table->entries[i].restarts);
}

/* The block driver is started again and again, until it finds another disk: that one must not be written to. */
void other_disk(void)
{
    int file = open("/m/file", O_RDWR | O_CREAT, 0644), synced = fsync(file);
    for (uint32_t i = 0; i < OTHER_DISK_MOST && synced == 0; i++) {
        service_kill("block");
        sleep_microseconds(OTHER_DISK_PAUSE);
        pwrite(file, data, HALF_WAY_BYTES, 0); /* which may fail as well */
        synced = fsync(file);
    }
    try("sync", synced);
    try("close", close(file));
    try("unmount", umount("/m"));
    try("mount", mount("disk0", "/m", "ext2", 0));
    print("errors: %u\n", tree_print("/m"));
}

/* The disk fails in the middle of the first sync. */
void half_way(const char *name)
{
    char path[PATH_BYTES];
    sprintf(path, "/m%s", name);
    memset(data, 'n', sizeof(data));
    int file = open(path, O_RDWR);
    try("write", (int)write(file, data, HALF_WAY_BYTES));
    try("sync", fsync(file));
    try("write again", (int)pwrite(file, data, 1, 0));
    try("sync again", fsync(file));
    try("make a folder", mkdir("/m/made", 0755));
    try("read", (int)pread(file, data, 1, 0));
    try("close", close(file));
    try("unmount", umount("/m"));
}

void damage(void)
{
    struct stat status;
    try("stat", stat("/", &status));
    print("unreadable: %u\n", tree_print("/"));
    try("make a folder", mkdir("/made", 0755));
    fill_disk();
    errno = 0;
    sync();
    int file = open("/tmp/works", O_RDWR | O_CREAT, 0644);
    try("write in memory", file < 0 ? file : (int)write(file, data, 1000));
    show_services();
}
