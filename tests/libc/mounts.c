/* File systems: mounting, the list, space. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests.h"

#define POINT FOLDER "/point"

static struct mounted mounted;

static bool find_mounted(const char *path)
{
    for (unsigned i = 0; getmounted(i, &mounted) == 0; i++)
        if (strcmp(mounted.path, path) == 0)
            return true;
    return false;
}

static void mounting(void)
{
    mkdir(POINT, 0755);
    make_file(POINT "/below", "");
    expect_equal(mount("", POINT, "memoryfs", 0), 0);
    expect(find_mounted(POINT));
    expect_text(mounted.type, "memoryfs");
    expect_text(mounted.source, "");
    expect_equal(mounted.flags, 0);
    expect_error(open(POINT "/below", O_RDONLY), ENOENT);
    make_file(POINT "/above", "abc");
    int file = open(POINT "/above", O_RDONLY);
    expect_error(umount(POINT), EBUSY);
    close(file);
    expect_error(rename(POINT "/above", FOLDER "/here"), EXDEV);
    expect_error(link(POINT "/above", FOLDER "/here"), EXDEV);
    expect_equal(umount(POINT), 0);
    expect(!find_mounted(POINT));
    expect_file(POINT "/below", "");
}

static void read_only(void)
{
    mkdir(POINT, 0755);
    expect_equal(mount("", POINT, "memoryfs", MS_RDONLY), 0);
    expect(find_mounted(POINT));
    expect_equal(mounted.flags, MS_RDONLY);
    expect_error(open(POINT "/a", O_WRONLY | O_CREAT, 0644), EROFS);
    expect_error(mkdir(POINT "/a", 0755), EROFS);
    expect_equal(umount(POINT), 0);
}

static void errors(void)
{
    make_file(FOLDER "/a", "");
    expect_error(mount("", FOLDER "/none", "memoryfs", 0), ENOENT);
    expect_error(mount("", FOLDER "/a", "memoryfs", 0), ENOTDIR);
    expect_error(mount("", FOLDER, "nosuchfs", 0), ENODEV);
    expect_error(umount(FOLDER), EINVAL);
    expect_error(umount(FOLDER "/none"), ENOENT);
    expect_error(getmounted(1000, &mounted), ENOENT);
}

static void space(void)
{
    struct statvfs before, after;
    expect_equal(statvfs(FOLDER, &before), 0);
    expect(before.f_bsize > 0 && before.f_blocks > 0 && before.f_bfree <= before.f_blocks);
    int file = open(FOLDER "/a", O_WRONLY | O_CREAT, 0644);
    static char block[65536];
    expect_equal(write(file, block, sizeof(block)), sizeof(block));
    close(file);
    sync();
    expect_equal(statvfs(FOLDER, &after), 0);
    expect((before.f_bfree - after.f_bfree) * before.f_bsize >= sizeof(block));
    expect_error(statvfs(FOLDER "/none", &after), ENOENT);
}

static const struct test_case cases[] = {
    { "mount, umount", mounting },
    { "read-only", read_only },
    { "errors", errors },
    { "statvfs, sync", space },
};

TEST_GROUP(mount_tests, "mounts");
