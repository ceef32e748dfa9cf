/* Directories: reading them while they are small, large, and changing. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

#define MANY 250u /* more than one buffer holds */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void empty_folder(const char *path)
{
    char name[512];
    struct dirent *entry;
    DIR *directory;
    while ((directory = opendir(path))) {
        do
            entry = readdir(directory);
        while (entry && is_dots(entry->d_name));
        if (entry)
            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        closedir(directory);
        if (!entry)
            return;
        if (entry->d_type == DT_DIR)
            empty_folder(name);
        expect_equal(remove(name), 0);
    }
}

static uint32_t count_entries(DIR *directory)
{
    uint32_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += !is_dots(entry->d_name);
    return count;
}

static void entries(void)
{
    struct stat status;
    make_file(FOLDER "/file", "");
    mkdir(FOLDER "/inner", 0755);
    symlink("file", FOLDER "/symbolic");
    DIR *directory = opendir(FOLDER);
    expect(directory);
    uint32_t dots = 0, others = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[300];
        snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
        expect_equal(lstat(path, &status), 0);
        expect_equal(entry->d_type, status.st_mode >> 12);
        dots += is_dots(entry->d_name);
        if (!is_dots(entry->d_name)) {
            expect_equal(entry->d_ino, status.st_ino);
            others++;
        }
    }
    expect_equal(dots, 2);
    expect_equal(others, 3);
    expect_equal(closedir(directory), 0);
}

static void many(void)
{
    static uint8_t seen[MANY];
    char name[64];
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), FOLDER "/a name of medium length, %03u", (unsigned)i);
        make_file(name, "");
    }
    DIR *directory = opendir(FOLDER);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (!is_dots(entry->d_name))
            seen[atoi(strchr(entry->d_name, ',') + 1)]++;
    for (uint32_t i = 0; i < MANY; i++)
        expect_equal(seen[i], 1);
    rewinddir(directory);
    expect_equal(count_entries(directory), MANY);
    closedir(directory);
}

/* Whoever removes what he reads gets to everything. */
static void shrinking(void)
{
    char name[300];
    uint32_t removed = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), FOLDER "/number %u", (unsigned)i);
        make_file(name, "");
    }
    DIR *directory = opendir(FOLDER);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (is_dots(entry->d_name))
            continue;
        snprintf(name, sizeof(name), FOLDER "/%s", entry->d_name);
        expect_equal(unlink(name), 0);
        removed++;
    }
    closedir(directory);
    expect_equal(removed, MANY);
}

static void errors(void)
{
    make_file(FOLDER "/file", "");
    expect_error(opendir(FOLDER "/none"), ENOENT);
    expect_error(opendir(FOLDER "/file"), ENOTDIR);
    expect_error(opendir(""), ENOENT);
    expect_error(fdopendir(60), EBADF);
    expect_error(fdopendir(1), ENOTDIR);
    int descriptor = open(FOLDER, O_RDONLY);
    DIR *directory = fdopendir(descriptor);
    expect(directory);
    expect_equal(dirfd(directory), descriptor);
    expect_equal(count_entries(directory), 1);
    errno = 0;
    expect(!readdir(directory) && errno == 0);
    expect_equal(closedir(directory), 0);
    expect_error(close(descriptor), EBADF);
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_name[0] != 'x';
}

static void sorted(void)
{
    struct dirent **list;
    make_file(FOLDER "/b", "");
    make_file(FOLDER "/x", "");
    make_file(FOLDER "/a name", "");
    mkdir(FOLDER "/c", 0755);
    expect_equal(scandir(FOLDER, &list, is_wanted, alphasort), 3);
    expect_text(list[0]->d_name, "a name");
    expect_text(list[1]->d_name, "b");
    expect_text(list[2]->d_name, "c");
    expect(list[1]->d_type == DT_REG && list[2]->d_type == DT_DIR);
    for (int i = 0; i < 3; i++)
        free(list[i]);
    free(list);
    expect_error(scandir(FOLDER "/none", &list, NULL, NULL), ENOENT);
}

static const struct test_case cases[] = {
    { "entries", entries },
    { "many entries, rewinddir", many },
    { "removing while reading", shrinking },
    { "errors, fdopendir", errors },
    { "scandir", sorted },
};

TEST_GROUP(directory_tests, "directories");
