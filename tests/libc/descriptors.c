/* Descriptors: the table, duplicates, the console's three. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

#define DESCRIPTORS 64
#define FILE_A FOLDER "/a"

static void duplicates(void)
{
    char text[4] = "";
    make_file(FILE_A, "abcdef");
    int file = open(FILE_A, O_RDONLY), copy = dup(file);
    expect(copy > file);
    expect_equal(read(file, text, 2), 2);
    expect_equal(read(copy, text, 2), 2);
    expect_text(text, "cd");
    expect_equal(close(file), 0);
    expect_equal(read(copy, text, 2), 2);
    expect_text(text, "ef");
    expect_equal(dup(copy), file);
    close(file);
    close(copy);
    expect_error(dup(copy), EBADF);
    expect_error(dup(-1), EBADF);
}

static void duplicates_to(void)
{
    char text[4] = "";
    make_file(FILE_A, "abc");
    int file = open(FILE_A, O_RDONLY), other = open(FOLDER, O_RDONLY);
    expect_equal(dup2(file, other), other);
    expect_equal(read(other, text, 3), 3);
    expect_text(text, "abc");
    expect_equal(dup2(file, 40), 40);
    expect_equal(dup2(file, file), file);
    expect_equal(lseek(40, 0, SEEK_CUR), 3);
    expect_error(dup2(file, DESCRIPTORS), EBADF);
    expect_error(dup2(file, -1), EBADF);
    expect_error(dup2(50, 51), EBADF);
    expect_error(dup2(50, 50), EBADF);
    expect_equal(fcntl(file, F_DUPFD, 45), 45);
    close(45);
    close(40);
    close(other);
    close(file);
}

static void table_full(void)
{
    int count = 0, last = -1, made;
    make_file(FILE_A, "abc");
    while ((made = open(FILE_A, O_RDONLY)) >= 0) {
        expect_equal(made, last < 0 ? made : last + 1);
        last = made;
        count++;
    }
    expect_equal(errno, EMFILE);
    expect_equal(last, DESCRIPTORS - 1);
    expect_error(dup(0), EMFILE);
    for (; count > 0; count--)
        expect_equal(close(last - count + 1), 0);
    make_file(FILE_A, "still works");
    expect_file(FILE_A, "still works");
}

static void flags(void)
{
    make_file(FILE_A, "");
    int file = open(FILE_A, O_WRONLY | O_APPEND);
    expect_equal(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND);
    expect_equal(fcntl(file, F_SETFD, FD_CLOEXEC), 0);
    expect_error(fcntl(file, F_DUPFD, DESCRIPTORS), EINVAL);
    expect_error(fcntl(file, 99), EINVAL);
    close(file);
    expect_error(fcntl(file, F_GETFL), EBADF);
    expect_error(close(file), EBADF);
    expect_error(close(-5), EBADF);
}

static void console(void)
{
    struct stat status;
    char text[4];
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        expect_equal(isatty(descriptor), 1);
        expect_equal(fstat(descriptor, &status), 0);
        expect(S_ISCHR(status.st_mode));
        expect_error(lseek(descriptor, 0, SEEK_SET), ESPIPE);
        expect_error(pread(descriptor, text, 1, 0), ESPIPE);
    }
    expect_error(ftruncate(1, 0), EINVAL);
    expect_equal(write(1, "# a line by write()\n", 20), 20);
    expect_equal(write(2, "", 0), 0);
}

/* Lines come as they are typed, however they are read. */
static void console_input(void)
{
    char text[20] = "";
    expect_equal(read(0, text, 5), 5);
    expect_text(text, "first");
    expect_equal(read(0, text, sizeof(text)), 6);
    expect(memcmp(text, " line\n", 6) == 0);
    expect(fgets(text, sizeof(text), stdin));
    expect_text(text, "the second\n");
    expect_error(read(0, text, sizeof(text)), EINTR);
    expect_equal(read(0, text, sizeof(text)), 0);
    expect(!fgets(text, sizeof(text), stdin) && feof(stdin));
    clearerr(stdin);
}

static const struct test_case cases[] = {
    { "dup", duplicates },
    { "dup2", duplicates_to },
    { "a full table", table_full },
    { "fcntl, close", flags },
    { "the console's", console },
    { "input from the console", console_input },
};

TEST_GROUP(descriptor_tests, "descriptors");
