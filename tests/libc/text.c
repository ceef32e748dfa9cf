/* newlib itself, as far as our build of it matters: strings, formats, numbers, sorting, jumps. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

#define SORTED 500

static char text[256];

#define expect_format(wanted, ...) \
    do { \
        snprintf(text, sizeof(text), __VA_ARGS__); \
        expect_text(text, wanted); \
    } while (0)

static void strings(void)
{
    char copy[] = "one,two,,three", *rest = copy;
    expect_text(strtok(copy, ","), "one");
    expect_text(strtok(NULL, ","), "two");
    expect_text(strtok(NULL, ","), "three");
    expect(!strtok(NULL, ","));
    rest = strcpy(text, "a:b::c");
    expect_text(strsep(&rest, ":"), "a");
    expect(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("\x80", "a") > 0);
    expect(strncmp("abcd", "abce", 3) == 0 && strcasecmp("HeLLo", "hEllO") == 0);
    expect_text(strstr("the quick fox", "quick"), "quick fox");
    expect_text(strrchr("/a/b/c", '/'), "/c");
    expect(memchr("abc", 'd', 3) == NULL && strspn("aabc", "ab") == 3 && strcspn("abc", "c") == 2);
}

static void memory_moves(void)
{
    for (uint32_t from = 0; from < 20; from++) {
        for (uint32_t to = 0; to < 20; to++) {
            for (uint32_t i = 0; i < 64; i++)
                text[i] = (char)i;
            memmove(text + to, text + from, 33);
            for (uint32_t i = 0; i < 33; i++)
                expect_equal(text[to + i], from + i);
        }
    }
}

static void formats(void)
{
    expect_format("-7|  -7|-7  |-007|+7", "%d|%4d|%-4d|%04d|%+d", -7, -7, -7, -7, 7);
    expect_format("ff|0xff|FF|377|4294967295", "%x|%#x|%X|%o|%u", 255, 255, 255, 255, ~0u);
    expect_format("-9223372036854775808|18446744073709551615", "%lld|%llu", -9223372036854775807ll - 1, ~0ull);
    expect_format("  abc|abc  |ab", "%5s|%-5s|%.2s", "abc", "abc", "abc");
    expect_format("10|   10|A%", "%zu|%*d|%c%%", (size_t)10, 5, 10, 'A');
    expect_equal(snprintf(text, 4, "%d", 123456), 6);
    expect_text(text, "123");
}

static void doubles(void)
{
    expect_format("3.141593|3.14|3|3.", "%f|%.2f|%.0f|%#.0f", M_PI, M_PI, M_PI, M_PI);
    expect_format("1.500000e+300|1E-10|1e+06|123456", "%e|%.0E|%g|%g", 1.5e300, 1e-10, 1e6, 123456.0);
    expect_format("inf|-inf|nan|-0.0", "%f|%f|%f|%.1f", HUGE_VAL, -HUGE_VAL, fabs(NAN), -0.0);
    expect_format("0x1.8p+1|   0.5|0.1000000000000000055511", "%a|%6.1f|%.22f", 3.0, 0.5, 0.1);
    expect_format("2.2250738585072014e-308|4.94066e-324", "%.17g|%g", DBL_MIN, 5e-324);
}

static void doubles_read(void)
{
    char *end;
    expect(strtod("  -12.5e-1xyz", &end) == -1.25);
    expect_text(end, "xyz");
    expect(strtod("0x1.8p3", NULL) == 12.0 && strtod("infinity", NULL) == HUGE_VAL && isnan(strtod("nan", NULL)));
    errno = 0;
    expect(strtod("1e999", NULL) == HUGE_VAL && errno == ERANGE);
    expect(strtod("4.9406564584124654e-324", NULL) == 4.9406564584124654e-324);
    expect(strtod("abc", &end) == 0 && *end == 'a');
    uint32_t seed = 1;
    for (uint32_t i = 0; i < 300; i++) {
        double number = ldexp((double)random_next(&seed) * random_next(&seed), (int)(random_next(&seed) % 400) - 200);
        snprintf(text, sizeof(text), "%.17g", number);
        expect(strtod(text, NULL) == number);
    }
}

static void integers_read(void)
{
    char *end;
    expect(strtol("-0x1fz", &end, 0) == -31 && *end == 'z');
    expect(strtoul("777", NULL, 8) == 511 && strtoull("18446744073709551615", NULL, 10) == ~0ull);
    errno = 0;
    expect(strtol("99999999999", NULL, 10) == 2147483647 && errno == ERANGE);
    int a = 0, b = 0;
    float c = 0;
    char word[8];
    expect_equal(sscanf("12 0x1f 2.5 hello!", "%d %i %f %5s", &a, &b, &c, word), 4);
    expect(a == 12 && b == 31 && c == 2.5f && strcmp(word, "hello") == 0);
    expect_equal(sscanf("x", "%d", &a), 0);
}

static int compare(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

static void sorting(void)
{
    static int numbers[SORTED];
    uint32_t seed = 7;
    for (uint32_t i = 0; i < SORTED; i++)
        numbers[i] = (int)(random_next(&seed) % 1000) - 500;
    int wanted = numbers[SORTED / 2], missing = 1000;
    qsort(numbers, SORTED, sizeof(numbers[0]), compare);
    for (uint32_t i = 1; i < SORTED; i++)
        expect(numbers[i - 1] <= numbers[i]);
    expect(bsearch(&wanted, numbers, SORTED, sizeof(numbers[0]), compare));
    expect(!bsearch(&missing, numbers, SORTED, sizeof(numbers[0]), compare));
}

static jmp_buf jump;

static void jump_out(void)
{
    longjmp(jump, 42);
}

static void jump_from(void (*function)(void))
{
    char frame[100];
    memset(frame, 1, sizeof(frame));
    function();
}

static void jumps(void)
{
    volatile int before = 1;
    int value = setjmp(jump);
    if (value == 0) {
        before = 2;
        jump_from(jump_out);
    }
    expect_equal(value, 42);
    expect_equal(before, 2);
}

static void characters(void)
{
    expect(isalpha('a') && !isalpha('1') && isspace('\t') && ispunct('!') && isxdigit('F'));
    expect(toupper('z') == 'Z' && tolower('Q') == 'q');
    expect(strlen(strerror(ENOENT)) > 0 && strcmp(strerror(ENOENT), strerror(EIO)) != 0);
}

static const struct test_case cases[] = {
    { "strings", strings },
    { "overlapping moves", memory_moves },
    { "printf", formats },
    { "printf of doubles", doubles },
    { "strtod", doubles_read },
    { "strtol, sscanf", integers_read },
    { "qsort, bsearch", sorting },
    { "setjmp, longjmp", jumps },
    { "ctype, strerror", characters },
};

TEST_GROUP(text_tests, "text");
