/* Streams of stdio over files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#define FILE_A FOLDER "/a"
#define FILE_B FOLDER "/b"

static void lines(void)
{
    char line[16];
    int number = 0;
    FILE *file = fopen(FILE_A, "w");
    expect(file);
    for (int i = 0; i < 1000; i++)
        expect(fprintf(file, "line %d\n", i) > 0);
    expect_equal(ftell(file), 8890);
    expect_equal(fclose(file), 0);
    file = fopen(FILE_A, "r");
    for (int i = 0; i < 1000; i++) {
        expect(fgets(line, sizeof(line), file));
        expect(sscanf(line, "line %d", &number) == 1 && number == i);
    }
    expect(!fgets(line, sizeof(line), file) && feof(file) && !ferror(file));
    fclose(file);
}

static void modes(void)
{
    expect_error(fopen(FILE_A, "r"), ENOENT);
    expect_error(fopen(FILE_A, "q"), EINVAL);
    expect_error(fopen(FOLDER, "w"), EISDIR);
    make_file(FILE_A, "one");
    FILE *file = fopen(FILE_A, "a+");
    expect(file);
    fputs("two", file);
    rewind(file);
    expect(fgetc(file) == 'o');
    fclose(file);
    expect_file(FILE_A, "onetwo");
    file = fopen(FILE_A, "r+");
    fseek(file, 1, SEEK_SET);
    fputc('N', file);
    fclose(file);
    expect_file(FILE_A, "oNetwo");
}

static void positions(void)
{
    make_file(FILE_A, "0123456789");
    FILE *file = fopen(FILE_A, "r");
    expect_equal(fseek(file, -3, SEEK_END), 0);
    expect_equal(fgetc(file), '7');
    expect_equal(ungetc('x', file), 'x');
    expect_equal(fgetc(file), 'x');
    expect_equal(ftell(file), 8);
    fpos_t position;
    expect_equal(fgetpos(file, &position), 0);
    rewind(file);
    expect_equal(fgetc(file), '0');
    expect_equal(fsetpos(file, &position), 0);
    expect_equal(fgetc(file), '8');
    expect_equal(fread((char[8]){ 0 }, 1, 8, file), 1);
    fclose(file);
}

/* What reading tells: end and error are different things. */
static void errors(void)
{
    make_file(FILE_A, "abc");
    FILE *file = fopen(FILE_A, "r");
    expect(fputc('x', file) == EOF && ferror(file));
    clearerr(file);
    expect(!ferror(file));
    close(fileno(file));
    expect(fgetc(file) == EOF && ferror(file) && !feof(file));
    expect(fclose(file) == EOF);
}

static void reopening(void)
{
    char text[8] = "";
    make_file(FILE_A, "aaa");
    make_file(FILE_B, "bbb");
    FILE *file = fopen(FILE_A, "r");
    file = freopen(FILE_B, "r", file);
    expect(file && fgets(text, sizeof(text), file));
    expect_text(text, "bbb");
    fclose(file);
}

static void binary(void)
{
    uint8_t written[5000], found[5000];
    uint32_t seed = 9;
    for (uint32_t i = 0; i < sizeof(written); i++)
        written[i] = (uint8_t)random_next(&seed);
    FILE *file = fopen(FILE_A, "w+b");
    expect_equal(fwrite(written, 100, 50, file), 50);
    rewind(file);
    expect_equal(fread(found, 1, sizeof(found), file), sizeof(found));
    expect(memcmp(written, found, sizeof(found)) == 0);
    fclose(file);
}

static void temporary(void)
{
    char first[] = FOLDER "/tXXXXXX", second[] = FOLDER "/tXXXXXX", line[16] = "";
    int a = mkstemp(first), b = mkstemp(second);
    expect(a >= 0 && b >= 0 && strcmp(first, second) != 0);
    close(a);
    close(b);
    expect_equal(access(first, F_OK), 0);
    FILE *file = fdopen(open(first, O_RDWR), "r+");
    expect(file && fputs("text", file) >= 0 && fseek(file, 0, SEEK_SET) == 0 && fgets(line, sizeof(line), file));
    expect_text(line, "text");
    expect_equal(fclose(file), 0);
}

static const struct test_case cases[] = {
    { "lines", lines },
    { "modes", modes },
    { "positions", positions },
    { "errors", errors },
    { "freopen", reopening },
    { "fread, fwrite", binary },
    { "mkstemp, fdopen", temporary },
};

TEST_GROUP(stream_tests, "streams");
