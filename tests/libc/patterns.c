/* Patterns and names, which newlib has for systems with files: regcomp, fnmatch, basename. */
#include <fnmatch.h>
#include <libgen.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests.h"

static void regular_expressions(void)
{
    regex_t expression;
    regmatch_t matches[2];
    expect_equal(regcomp(&expression, "([0-9]+)\\.txt$", REG_EXTENDED), 0);
    expect_equal(regexec(&expression, "file 123.txt", COUNT(matches), matches, 0), 0);
    expect(matches[1].rm_so == 5 && matches[1].rm_eo == 8);
    expect_equal(regexec(&expression, "file.txt", 0, NULL, 0), REG_NOMATCH);
    regfree(&expression);
    expect_equal(regcomp(&expression, "(", REG_EXTENDED), REG_EPAREN);
    expect_equal(regcomp(&expression, "^HeL*O", REG_ICASE | REG_NOSUB), 0);
    expect_equal(regexec(&expression, "hello", 0, NULL, 0), 0);
    regfree(&expression);
}

static void file_names(void)
{
    char path[] = "/usr/lib/libc.a", folder[] = "/usr/lib/";
    expect_equal(fnmatch("*.[ch]", "main.c", 0), 0);
    expect_equal(fnmatch("*.[!ch]", "main.c", 0), FNM_NOMATCH);
    expect_equal(fnmatch("*", "a/b", FNM_PATHNAME), FNM_NOMATCH);
    expect_text(basename(path), "libc.a");
    expect_text(dirname(path), "/usr/lib");
    expect_text(basename(folder), "lib");
}

/* Two files with numbers 65536 apart would be one file to 16 bits. */
static void inode_numbers(void)
{
    expect_equal(sizeof(((struct stat *)NULL)->st_ino), 4);
}

static const struct test_case cases[] = {
    { "regcomp, regexec", regular_expressions },
    { "fnmatch, basename, dirname", file_names },
    { "inode numbers have 32 bits", inode_numbers },
};

TEST_GROUP(pattern_tests, "patterns");
