/* What is done with names: links, renaming, removing, attributes; good and bad uses of each call. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "tests.h"

#define FILE_A FOLDER "/a"
#define FILE_B FOLDER "/b"
#define INNER FOLDER "/inner"
#define NONE FOLDER "/none"

static struct stat status;

static void statuses(void)
{
    make_file(FILE_A, "abc");
    expect_equal(stat(FILE_A, &status), 0);
    expect(S_ISREG(status.st_mode) && status.st_size == 3);
    expect_equal(stat(FOLDER, &status), 0);
    expect(S_ISDIR(status.st_mode) && status.st_nlink >= 2);
    expect_equal(stat("/", &status), 0);
    expect(S_ISDIR(status.st_mode));
    expect_error(stat(NONE, &status), ENOENT);
    expect_error(stat(FILE_A "/x", &status), ENOTDIR);
    expect_error(stat(FILE_A "/", &status), ENOTDIR);
    expect_equal(stat(FOLDER "/", &status), 0);
    expect_error(stat("", &status), ENOENT);
}

static void accesses(void)
{
    make_file(FILE_A, "");
    expect_equal(access(FILE_A, F_OK), 0);
    expect_equal(access(FILE_A, R_OK | W_OK), 0);
    expect_error(access(FILE_A, X_OK), EACCES);
    expect_equal(chmod(FILE_A, 0755), 0);
    expect_equal(access(FILE_A, X_OK), 0);
    expect_equal(access(FOLDER, X_OK), 0);
    expect_error(access(NONE, F_OK), ENOENT);
    expect_error(access(FILE_A, 64), EINVAL);
}

static void permissions(void)
{
    mode_t old = umask(0027);
    expect_equal(umask(0027), 0027);
    make_file(FILE_A, "");
    expect_equal(mkdir(INNER, 0777), 0);
    umask(old);
    expect_equal(stat(FILE_A, &status), 0);
    expect_equal(status.st_mode & 07777, 0640);
    expect_equal(stat(INNER, &status), 0);
    expect_equal(status.st_mode & 07777, 0750);
    expect_equal(chmod(INNER, 0700), 0);
    expect_equal(stat(INNER, &status), 0);
    expect_equal(status.st_mode, S_IFDIR | 0700);
    expect_error(chmod(NONE, 0700), ENOENT);
}

static void times(void)
{
    struct timeval both[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1100000000 } };
    struct utimbuf older = { 900000000, 950000000 };
    make_file(FILE_A, "");
    expect_equal(utimes(FILE_A, both), 0);
    expect_equal(stat(FILE_A, &status), 0);
    expect(status.st_atime == 1000000000 && status.st_mtime == 1100000000);
    expect_equal(utime(FILE_A, &older), 0);
    expect_equal(stat(FILE_A, &status), 0);
    expect(status.st_atime == 900000000 && status.st_mtime == 950000000);
    expect_equal(utime(FILE_A, NULL), 0);
    expect_equal(stat(FILE_A, &status), 0);
    expect(status.st_mtime >= CLOCK_START && status.st_mtime < CLOCK_START + 300);
    expect_error(utimes(NONE, both), ENOENT);
}

static void hard_links(void)
{
    make_file(FILE_A, "abc");
    expect_equal(link(FILE_A, FILE_B), 0);
    expect_equal(stat(FILE_B, &status), 0);
    expect_equal(status.st_nlink, 2);
    expect_error(link(FILE_A, FILE_B), EEXIST);
    expect_error(link(NONE, FOLDER "/c"), ENOENT);
    expect_error(link(FOLDER, FOLDER "/c"), EPERM);
    expect_equal(unlink(FILE_A), 0);
    expect_file(FILE_B, "abc");
    expect_error(unlink(FILE_A), ENOENT);
}

static void symbolic_links(void)
{
    char text[16] = "";
    make_file(FILE_A, "abc");
    expect_equal(symlink("a", FILE_B), 0);
    expect_file(FILE_B, "abc");
    expect_equal(lstat(FILE_B, &status), 0);
    expect(S_ISLNK(status.st_mode) && status.st_size == 1);
    expect_equal(stat(FILE_B, &status), 0);
    expect(S_ISREG(status.st_mode));
    expect_equal(readlink(FILE_B, text, sizeof(text)), 1);
    expect_text(text, "a");
    expect_error(readlink(FILE_A, text, sizeof(text)), EINVAL);
    expect_error(symlink("a", FILE_B), EEXIST);
    expect_error(symlink("", NONE), ENOENT);
    expect_equal(unlink(FILE_B), 0);
    expect_file(FILE_A, "abc");
    expect_equal(symlink("there is no such name", FILE_B), 0);
    expect_equal(readlink(FILE_B, text, 5), 5);
    expect_error(open(FILE_B, O_RDONLY), ENOENT);
    expect_error(open(FILE_B, O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
}

static void loops(void)
{
    expect_equal(symlink("b", FILE_A), 0);
    expect_equal(symlink("a", FILE_B), 0);
    expect_error(open(FILE_A, O_RDONLY), ELOOP);
    expect_error(stat(FILE_B, &status), ELOOP);
    expect_equal(lstat(FILE_B, &status), 0);
}

static void long_names(void)
{
    static char path[2000];
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    expect_error(open(path, O_RDONLY), ENAMETOOLONG);
    expect_error(mkdir(path, 0755), ENAMETOOLONG);
    path[600] = '\0';
    expect_error(open(path, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
    expect_error(symlink("a", path), ENAMETOOLONG);
    strcpy(path, FOLDER "/");
    memset(path + strlen(path), 'y', 255);
    path[sizeof(FOLDER) + 255] = '\0';
    make_file(path, "long");
    expect_file(path, "long");
    for (uint32_t i = 0; i < 900; i += 2)
        memcpy(path + i, "/.", 3);
    strcat(path, FOLDER);
    expect_equal(stat(path, &status), 0);
}

static void renaming(void)
{
    make_file(FILE_A, "abc");
    make_file(FILE_B, "old");
    expect_equal(rename(FILE_A, FILE_B), 0);
    expect_file(FILE_B, "abc");
    expect_error(stat(FILE_A, &status), ENOENT);
    expect_error(rename(FILE_A, FILE_B), ENOENT);
    expect_equal(mkdir(INNER, 0755), 0);
    expect_equal(rename(FILE_B, INNER "/c"), 0);
    expect_file(INNER "/c", "abc");
    expect_equal(rename(INNER, FOLDER "/moved"), 0);
    expect_file(FOLDER "/moved/c", "abc");
    expect_error(rename(FOLDER "/moved", FOLDER "/moved/in/itself"), ENOENT);
    expect_error(rename(FOLDER "/moved", FOLDER "/moved/itself"), EINVAL);
    make_file(FILE_A, "");
    expect_error(rename(FOLDER "/moved", FILE_A), ENOTDIR);
    expect_error(rename(FILE_A, FOLDER "/moved"), EISDIR);
    expect_equal(mkdir(INNER, 0755), 0);
    expect_error(rename(INNER, FOLDER "/moved"), ENOTEMPTY);
    expect_equal(rename(FILE_A, FILE_A), 0);
}

static void folders(void)
{
    expect_equal(mkdir(INNER, 0755), 0);
    expect_error(mkdir(INNER, 0755), EEXIST);
    expect_error(mkdir(NONE "/x", 0755), ENOENT);
    expect_error(mkdir("/", 0755), EEXIST);
    expect_equal(mkdir(INNER "/deep/", 0755), 0);
    make_file(INNER "/a", "");
    expect_error(mkdir(INNER "/a/b", 0755), ENOTDIR);
    expect_error(rmdir(INNER), ENOTEMPTY);
    expect_error(rmdir(INNER "/a"), ENOTDIR);
    expect_error(unlink(INNER "/deep"), EISDIR);
    expect_equal(rmdir(INNER "/deep"), 0);
    expect_error(rmdir(INNER "/deep"), ENOENT);
    expect_equal(remove(INNER "/a"), 0);
    expect_equal(remove(INNER), 0);
    expect_error(remove(INNER), ENOENT);
}

static const struct test_case cases[] = {
    { "stat", statuses },
    { "access", accesses },
    { "umask, chmod", permissions },
    { "utimes, utime", times },
    { "link, unlink", hard_links },
    { "symlink, readlink, lstat", symbolic_links },
    { "a loop of links", loops },
    { "long names", long_names },
    { "rename", renaming },
    { "mkdir, rmdir, remove", folders },
};

TEST_GROUP(name_tests, "names");
