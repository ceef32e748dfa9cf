/* Unit tests of the clock's calendar: every day from 1970 to 2069 against the C library, BCD and binary, 24 and 12 hours. */
// links: calendar.c
#include <servers/rtc/calendar.h>
#include <tests/host/unit.h>

static uint8_t bcd(uint32_t value) { return (uint8_t)(value / 10 << 4 | value % 10); }

static void check(time_t time)
{
    struct tm date;
    gmtime_r(&time, &date);
    const uint32_t fields[] = { date.tm_sec, date.tm_min, date.tm_hour, date.tm_mday, date.tm_mon + 1, date.tm_year % 100 };
    struct clock_registers binary = { fields[0], fields[1], fields[2], fields[3], fields[4], fields[5],
                                      CLOCK_BINARY | CLOCK_24_HOURS };
    struct clock_registers coded = { bcd(fields[0]), bcd(fields[1]), bcd(fields[2]), bcd(fields[3]), bcd(fields[4]),
                                     bcd(fields[5]), CLOCK_24_HOURS };
    assert_int_equal(calendar_seconds(&binary), time);
    assert_int_equal(calendar_seconds(&coded), time);
    uint32_t hour = fields[2] % 12 ? fields[2] % 12 : 12, half = fields[2] < 12 ? 0 : 0x80;
    binary.hour = (uint8_t)(hour | half);
    binary.status = CLOCK_BINARY;
    coded.hour = (uint8_t)(bcd(hour) | half);
    coded.status = 0;
    assert_int_equal(calendar_seconds(&binary), time);
    assert_int_equal(calendar_seconds(&coded), time);
}

static void every_day(void **state)
{
    (void)state;
    for (time_t day = 0; day < 36524; day++)
        check(day * 86400 + random_below(86400));
}

static void every_hour(void **state)
{
    (void)state;
    for (time_t hour = 0; hour < 24; hour++)
        check(951782400 + hour * 3600); /* 2000-02-29 */
}

int main(void)
{
    random_start("calendar");
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_day), cmocka_unit_test(every_hour) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
