/* Time: the date, the time that passes, the time that is used, calendars. */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"


static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void date(void)
{
    struct timeval first, second;
    struct timespec third;
    expect_equal(gettimeofday(&first, NULL), 0);
    expect(first.tv_sec >= CLOCK_START && first.tv_sec < CLOCK_START + 300 && first.tv_usec >= 0 && first.tv_usec < 1000000);
    expect(time(NULL) - first.tv_sec <= 1);
    usleep(20000);
    expect_equal(gettimeofday(&second, NULL), 0);
    expect((second.tv_sec - first.tv_sec) * 1000000 + second.tv_usec - first.tv_usec >= 19000);
    expect_equal(clock_gettime(CLOCK_REALTIME, &third), 0);
    expect(third.tv_sec - second.tv_sec <= 1);
    expect_error(clock_gettime((clockid_t)99, &third), EINVAL);
}

static void sleeping(void)
{
    long before = milliseconds();
    struct timespec left = { 9, 9 };
    expect_equal(usleep(30000), 0);
    long after = milliseconds();
    expect(after - before >= 29 && after - before < 1000);
    expect_equal(nanosleep(&(struct timespec){ 0, 1 }, &left), 0);
    expect(left.tv_sec == 0 && left.tv_nsec == 0);
    expect_error(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL), EINVAL);
    expect_error(nanosleep(&(struct timespec){ -1, 0 }, NULL), EINVAL);
    expect_equal(sleep(0), 0);
}

static void used(void)
{
    struct tms times_now;
    clock_t before = clock();
    for (long start = milliseconds(); milliseconds() - start < 60;)
        continue;
    expect(clock() - before >= (clock_t)(CLOCKS_PER_SEC / 50));
    before = clock();
    usleep(60000);
    expect(clock() - before < (clock_t)(CLOCKS_PER_SEC / 25));
    expect(times(&times_now) != (clock_t)-1);
    expect(times_now.tms_utime > 0 && times_now.tms_cutime == 0);
}

static void calendars(void)
{
    char text[64];
    time_t moment = 951782400; /* 2000-02-29 */
    struct tm *date = gmtime(&moment);
    expect(date->tm_year == 100 && date->tm_mon == 1 && date->tm_mday == 29 && date->tm_wday == 2);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %a %j", date);
    expect_text(text, "2000-02-29 00:00:00 Tue 060");
    expect_equal(mktime(date), moment);
    expect_text(ctime(&moment), "Tue Feb 29 00:00:00 2000\n");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    moment = 1720000000; /* 2024-07-03 09:46:40 UTC */
    expect_equal(localtime(&moment)->tm_hour, 11);
    unsetenv("TZ");
    tzset();
}

static const struct test_case cases[] = {
    { "gettimeofday, time", date },
    { "usleep, nanosleep", sleeping },
    { "clock, times", used },
    { "gmtime, mktime, strftime", calendars },
};

TEST_GROUP(time_tests, "time");
