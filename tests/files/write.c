/* Writes a tree in every way that there is. The host does the same to a tree of its own (tests/boot/trees.py) and compares. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define FILES 200u
#define FOLDERS 12u
#define ENTRIES 300u    /* small files in one folder */
#define DEPTH 20u

static uint8_t data[300000];

static uint32_t size_of(uint32_t number)
{
    return number * number * 7919u % (number % 10 == 0 ? 300000u : 20000u);
}

static void name_of(char *path, uint32_t number)
{
    sprintf(path, "/w/folder-%u/file-%u", (unsigned)(number % FOLDERS), (unsigned)number);
}

static void put(const char *path, int flags, uint32_t offset, uint32_t bytes, uint32_t seed)
{
    int file = open(path, O_WRONLY | flags, 0644);
    pattern_fill(data, bytes, seed);
    if (file < 0)
        fail("open", path);
    if (!(flags & O_APPEND) && lseek(file, (off_t)offset, SEEK_SET) < 0)
        fail("seek in", path);
    if (write(file, data, bytes) != (ssize_t)bytes)
        fail("write", path);
    if (close(file) != 0)
        fail("close", path);
}

static void must(int result, const char *what, const char *path)
{
    if (result != 0)
        fail(what, path);
}

static void change_file(uint32_t number, const char *path)
{
    char other[PATH_BYTES];
    uint32_t size = size_of(number);
    sprintf(other, "/w/moved-%u", (unsigned)number);
    if (number % 3 == 1)
        put(path, 0, size / 3, 1000, number + 1000);
    if (number % 5 == 2)
        must(truncate(path, (off_t)(size / 2)), "truncate", path);
    if (number % 7 == 3)
        put(path, O_APPEND, 0, 500, number + 2000);
    if (number % 17 == 6)
        put(path, 0, (1u << 20) + number, 100, number + 3000);
    if (number % 19 == 8)
        must(truncate(path, (off_t)(size + 70000)), "lengthen", path);
    if (number % 11 == 4)
        must(rename(path, other), "rename", path);
    else if (number % 13 == 5)
        must(unlink(path), "unlink", path);
    else if (number % 23 == 7)
        must(link(path, other), "link", path);
    else if (number % 29 == 9)
        must(symlink(path, other), "symlink", other);
}

static void write_files(void)
{
    char path[PATH_BYTES];
    for (uint32_t i = 0; i < FILES; i++) {
        name_of(path, i);
        put(path, O_CREAT | O_TRUNC, 0, size_of(i), i);
    }
    for (uint32_t i = 0; i < FILES; i++) {
        name_of(path, i);
        change_file(i, path);
    }
}

static void make_deep(void)
{
    char path[PATH_BYTES] = "/w";
    for (uint32_t i = 0; i < DEPTH; i++) {
        strcat(path, "/a-folder-with-a-rather-long-name");
        must(mkdir(path, 0755), "mkdir", path);
    }
    strcat(path, "/bottom");
    put(path, O_CREAT, 0, 3000, 77);
}

/* A folder that grows over many blocks, and loses every other name again. */
static void make_wide(void)
{
    char path[PATH_BYTES];
    must(mkdir("/w/wide", 0755), "mkdir", "/w/wide");
    for (uint32_t i = 0; i < ENTRIES; i++) {
        sprintf(path, "/w/wide/%u-%s", (unsigned)i, "a-name-that-fills-the-folder-soon-enough");
        put(path, O_CREAT | O_EXCL, 0, i, i);
    }
    for (uint32_t i = 0; i < ENTRIES; i += 2) {
        sprintf(path, "/w/wide/%u-%s", (unsigned)i, "a-name-that-fills-the-folder-soon-enough");
        must(unlink(path), "unlink", path);
    }
}

static void make_odd(void)
{
    char text[201];
    memset(text, 'x', 200);
    text[200] = '\0';
    must(symlink(text, "/w/long-link"), "symlink", "/w/long-link");
    must(mkdir("/w/empty", 0755), "mkdir", "/w/empty");
    must(mkdir("/w/gone", 0755), "mkdir", "/w/gone");
    must(rmdir("/w/gone"), "rmdir", "/w/gone");
    must(rename("/w/folder-1", "/w/empty/folder-1"), "rename", "/w/folder-1");
    put("/w/over", O_CREAT, 0, 100, 5);
    put("/w/new", O_CREAT, 0, 200, 6);
    must(rename("/w/new", "/w/over"), "rename", "/w/new");
}

void write_tree(void)
{
    char path[PATH_BYTES];
    must(mkdir("/w", 0755), "mkdir", "/w");
    for (uint32_t i = 0; i < FOLDERS; i++) {
        sprintf(path, "/w/folder-%u", (unsigned)i);
        must(mkdir(path, 0755), "mkdir", path);
    }
    write_files();
    make_deep();
    make_wide();
    make_odd();
    sync();
}
