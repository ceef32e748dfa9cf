/* Paths: the working directory, relative paths, realpath. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests.h"

static char path[PATH_MAX];

static void working_directory(void)
{
    expect_text(getcwd(path, sizeof(path)), "/");
    expect_equal(chdir(FOLDER), 0);
    expect_text(getcwd(path, sizeof(path)), FOLDER);
    expect_equal(mkdir("inner", 0755), 0);
    expect_equal(chdir("inner/."), 0);
    expect_text(getcwd(path, sizeof(path)), FOLDER "/inner");
    expect_equal(chdir(".."), 0);
    expect_text(getcwd(path, sizeof(path)), FOLDER);
    expect_equal(chdir("../../.."), 0);
    expect_text(getcwd(path, sizeof(path)), "/");
    char *made = getcwd(NULL, 0);
    expect_text(made, "/");
    free(made);
}

static void relative(void)
{
    struct stat status;
    expect_equal(chdir(FOLDER), 0);
    make_file("a", "relative");
    expect_file(FOLDER "/a", "relative");
    expect_file("./a", "relative");
    expect_file(".//./a", "relative");
    expect_file("../libc/a", "relative");
    expect_file("//libc/./a", "relative");
    expect_equal(stat(".", &status), 0);
    expect(S_ISDIR(status.st_mode));
    expect_error(stat("a/.", &status), ENOTDIR);
    expect_error(stat("./b", &status), ENOENT);
    expect_equal(rename("a", "b"), 0);
    expect_file(FOLDER "/b", "relative");
}

/* The parent of where a link leads is not the parent of the link. */
static void through_links(void)
{
    mkdir(FOLDER "/one", 0755);
    mkdir(FOLDER "/one/two", 0755);
    make_file(FOLDER "/one/file", "here");
    expect_equal(symlink("one/two", FOLDER "/short"), 0);
    expect_file(FOLDER "/short/../file", "here");
    expect_equal(chdir(FOLDER "/short"), 0);
    expect_text(getcwd(path, sizeof(path)), FOLDER "/one/two");
    expect_file("../file", "here");
    expect_equal(chdir(".."), 0);
    expect_text(getcwd(path, sizeof(path)), FOLDER "/one");
}

static void real_paths(void)
{
    mkdir(FOLDER "/one", 0755);
    make_file(FOLDER "/one/file", "");
    expect_equal(symlink(FOLDER "/one/", FOLDER "/absolute"), 0);
    expect_equal(symlink("absolute/file", FOLDER "/again"), 0);
    expect_equal(symlink("itself", FOLDER "/itself"), 0);
    expect_text(realpath(FOLDER "/again", path), FOLDER "/one/file");
    expect_text(realpath(FOLDER "/absolute/../one/.", path), FOLDER "/one");
    expect_text(realpath("/..//.", path), "/");
    expect_error(realpath(FOLDER "/none", path), ENOENT);
    expect_error(realpath(FOLDER "/itself", path), ELOOP);
    char *made = realpath(FOLDER "/again", NULL);
    expect_text(made, FOLDER "/one/file");
    free(made);
}

static void errors(void)
{
    make_file(FOLDER "/a", "");
    expect_error(chdir(FOLDER "/none"), ENOENT);
    expect_error(chdir(FOLDER "/a"), ENOTDIR);
    expect_error(chdir(""), ENOENT);
    expect_equal(chdir(FOLDER), 0);
    expect_error(getcwd(path, 3), ERANGE);
    expect_error(getcwd(path, 0), EINVAL);
    memset(path, 'x', 1020);
    path[1020] = '\0';
    expect_error(open(path, O_RDONLY), ENAMETOOLONG);
}

static const struct test_case cases[] = {
    { "chdir, getcwd", working_directory },
    { "relative paths", relative },
    { "paths through links", through_links },
    { "realpath", real_paths },
    { "errors", errors },
};

TEST_GROUP(path_tests, "paths");
