/* Open files: reading, writing, offsets, sizes, attributes; good and bad uses of each call. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

#define LARGE 300001u /* more than two slots of the VFS hold */
#define FILE_A FOLDER "/a"

/* ---- helpers ---- */

void make_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    expect(file >= 0);
    expect_equal(write(file, text, strlen(text)), strlen(text));
    expect_equal(close(file), 0);
}

void expect_file(const char *path, const char *text)
{
    char found[256];
    int file = open(path, O_RDONLY);
    expect(file >= 0);
    ssize_t length = read(file, found, sizeof(found) - 1);
    expect(length >= 0);
    found[length] = '\0';
    expect_equal(close(file), 0);
    expect_text(found, text);
}

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) < 0 ? -1 : status.st_size;
}

/* ---- cases ---- */

static void opening(void)
{
    int file;
    expect_error(open(FILE_A, O_RDONLY), ENOENT);
    expect_error(open("", O_RDONLY), ENOENT);
    expect_error(open(FOLDER "/no/a", O_WRONLY | O_CREAT, 0644), ENOENT);
    file = open(FILE_A, O_WRONLY | O_CREAT | O_EXCL, 0644);
    expect(file >= 0);
    expect_equal(close(file), 0);
    expect_error(open(FILE_A, O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
    expect_error(open(FILE_A "/b", O_RDONLY), ENOTDIR);
    expect_error(open(FILE_A, O_RDONLY | O_DIRECTORY), ENOTDIR);
    expect_error(open(FOLDER, O_WRONLY), EISDIR);
    expect_error(open(FOLDER, O_RDWR), EISDIR);
    expect_error(open(FILE_A, O_ACCMODE), EINVAL);
    file = creat(FILE_A, 0600);
    expect(file >= 0);
    expect_equal(close(file), 0);
}

static void reading_and_writing(void)
{
    char text[8] = "";
    int file = open(FILE_A, O_RDWR | O_CREAT, 0644);
    expect_equal(write(file, "hello", 5), 5);
    expect_equal(read(file, text, 5), 0);
    expect_equal(lseek(file, 1, SEEK_SET), 1);
    expect_equal(read(file, text, 3), 3);
    expect_text(text, "ell");
    expect_equal(lseek(file, 0, SEEK_CUR), 4);
    expect_equal(write(file, "", 0), 0);
    expect_equal(read(file, text, 0), 0);
    expect_equal(close(file), 0);
    expect_error(read(file, text, 1), EBADF);
    expect_file(FILE_A, "hello");
}

static void directions(void)
{
    char text[4];
    make_file(FILE_A, "abc");
    int reader = open(FILE_A, O_RDONLY), writer = open(FILE_A, O_WRONLY), folder = open(FOLDER, O_RDONLY);
    expect_error(write(reader, "x", 1), EBADF);
    expect_error(pwrite(reader, "x", 1, 0), EBADF);
    expect_error(read(writer, text, 1), EBADF);
    expect_error(pread(writer, text, 1, 0), EBADF);
    expect_error(ftruncate(reader, 0), EBADF);
    expect(folder >= 0);
    expect_error(read(folder, text, 1), EISDIR);
    expect_error(write(folder, text, 1), EBADF);
    close(reader);
    close(writer);
    close(folder);
    expect_error(read(-1, text, 1), EBADF);
    expect_error(write(1000, text, 1), EBADF);
}

static void large(void)
{
    uint32_t seed = 3, *block = malloc(LARGE + 3), *found = calloc(LARGE + 3, 1);
    for (uint32_t i = 0; i < LARGE / 4; i++)
        block[i] = random_next(&seed);
    int file = open(FILE_A, O_RDWR | O_CREAT, 0644);
    expect_equal(write(file, block, LARGE), LARGE);
    expect_equal(lseek(file, 0, SEEK_SET), 0);
    expect_equal(read(file, found, LARGE + 3), LARGE);
    expect(memcmp(block, found, LARGE) == 0);
    memset(found, 0, LARGE);
    expect_equal(pread(file, found, 200000, 77777), 200000);
    expect(memcmp((uint8_t *)block + 77777, found, 200000) == 0);
    expect_equal(pread(file, found, LARGE, LARGE - 10), 10);
    expect_equal(close(file), 0);
    expect_equal(size_of(FILE_A), LARGE);
    free(block);
    free(found);
}

static void positions(void)
{
    char text[4] = "";
    int file = open(FILE_A, O_RDWR | O_CREAT, 0644);
    expect_equal(pwrite(file, "abcdef", 6, 0), 6);
    expect_equal(lseek(file, 0, SEEK_CUR), 0);
    expect_equal(pread(file, text, 3, 2), 3);
    expect_text(text, "cde");
    expect_equal(lseek(file, -1, SEEK_END), 5);
    expect_equal(lseek(file, -2, SEEK_CUR), 3);
    expect_error(lseek(file, -1, SEEK_SET), EINVAL);
    expect_error(lseek(file, 0, 9), EINVAL);
    expect_equal(lseek(file, 0, SEEK_CUR), 3);
    expect_error(pread(file, text, 1, -1), EINVAL);
    expect_error(lseek(99, 0, SEEK_SET), EBADF);
    expect_equal(lseek(file, 0x7FFFFFFF, SEEK_SET), 0x7FFFFFFF);
    expect_error(lseek(file, 1, SEEK_CUR), EOVERFLOW);
    expect_error(write(file, "x", 1), EFBIG);
    expect_equal(read(file, text, 1), 0);
    close(file);
}

/* What was never written reads as zeroes. */
static void holes(void)
{
    char text[12];
    int file = open(FILE_A, O_RDWR | O_CREAT, 0644);
    expect_equal(lseek(file, 10000, SEEK_SET), 10000);
    expect_equal(write(file, "end", 3), 3);
    expect_equal(pread(file, text, 12, 9995), 8);
    expect(memcmp(text, "\0\0\0\0\0end", 8) == 0);
    expect_equal(close(file), 0);
    expect_equal(size_of(FILE_A), 10003);
}

static void appending(void)
{
    make_file(FILE_A, "one ");
    int first = open(FILE_A, O_WRONLY | O_APPEND), second = open(FILE_A, O_WRONLY | O_APPEND);
    expect_equal(write(first, "two ", 4), 4);
    expect_equal(write(second, "three ", 6), 6);
    expect_equal(write(first, "four", 4), 4);
    expect_equal(lseek(first, 0, SEEK_CUR), 18);
    close(first);
    close(second);
    expect_file(FILE_A, "one two three four");
}

static void sizes(void)
{
    struct stat status;
    make_file(FILE_A, "0123456789");
    expect_equal(truncate(FILE_A, 4), 0);
    expect_file(FILE_A, "0123");
    int file = open(FILE_A, O_RDWR);
    expect_equal(ftruncate(file, 6), 0);
    expect_equal(fstat(file, &status), 0);
    expect_equal(status.st_size, 6);
    char text[8];
    expect_equal(pread(file, text, 8, 0), 6);
    expect(memcmp(text, "0123\0\0", 6) == 0);
    expect_error(ftruncate(file, -1), EINVAL);
    close(file);
    expect_error(ftruncate(file, 0), EBADF);
    expect_error(truncate(FOLDER, 0), EISDIR);
    expect_error(truncate(FOLDER "/none", 0), ENOENT);
    expect_error(truncate(FILE_A, -1), EINVAL);
    file = open(FILE_A, O_WRONLY | O_TRUNC);
    expect(file >= 0);
    close(file);
    expect_equal(size_of(FILE_A), 0);
}

static void attributes(void)
{
    struct stat status, same;
    make_file(FILE_A, "12345");
    int file = open(FILE_A, O_RDONLY);
    expect_equal(fstat(file, &status), 0);
    expect(S_ISREG(status.st_mode) && status.st_size == 5 && status.st_nlink == 1 && status.st_blksize > 0);
    expect_equal(stat(FILE_A, &same), 0);
    expect(status.st_ino == same.st_ino && status.st_dev == same.st_dev && status.st_mode == same.st_mode);
    expect_equal(isatty(file), 0);
    expect_equal(errno, ENOTTY);
    expect_equal(fsync(file), 0);
    close(file);
    expect_error(fstat(file, &status), EBADF);
    expect_error(fsync(file), EBADF);
    file = open(FOLDER, O_RDONLY);
    expect_equal(fstat(file, &status), 0);
    expect(S_ISDIR(status.st_mode));
    close(file);
}

/* A file without a name lives as long as it is open. */
static void unlinked(void)
{
    char text[4] = "";
    make_file(FILE_A, "abc");
    int file = open(FILE_A, O_RDWR);
    expect_equal(unlink(FILE_A), 0);
    expect_equal(read(file, text, 3), 3);
    expect_text(text, "abc");
    expect_equal(write(file, "def", 3), 3);
    expect_equal(close(file), 0);
    expect_error(open(FILE_A, O_RDONLY), ENOENT);
}

static void transfer_block(void *number)
{
    char path[32], text[64], found[64];
    snprintf(path, sizeof(path), FOLDER "/thread%u", (unsigned)number);
    for (uint32_t i = 0; i < 25; i++) {
        snprintf(text, sizeof(text), "%u of %u", (unsigned)i, (unsigned)number);
        int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
        expect(file >= 0);
        expect_equal(write(file, text, sizeof(text)), sizeof(text));
        thread_yield();
        expect_equal(pread(file, found, sizeof(found), 0), sizeof(found));
        expect_text(found, text);
        expect_equal(close(file), 0);
    }
}

/* More threads than there are slots. */
static void several_threads(void)
{
    run_threads(5, transfer_block);
}

static const struct test_case cases[] = {
    { "open, creat", opening },
    { "read, write", reading_and_writing },
    { "only as it was opened", directions },
    { "large transfers", large },
    { "lseek, pread, pwrite", positions },
    { "holes", holes },
    { "O_APPEND", appending },
    { "truncate, ftruncate, O_TRUNC", sizes },
    { "fstat, isatty, fsync", attributes },
    { "an unlinked file", unlinked },
    { "several threads", several_threads },
};

TEST_GROUP(file_tests, "files");
