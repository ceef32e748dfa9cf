/* Tests of the clock in the guest, over the emulator's CMOS clock. */
#include <libserver/testing/tap.h>
#include <servers/rtc/rtc.h>

#define YEAR_2020 1577836800u
#define YEAR_2070 3155760000u
#define SECOND 1000000u

static handle_t service;

static void knows_the_date(void)
{
    uint32_t seconds;
    expect_equal(rtc_now(service, &seconds), OK);
    expect(seconds > YEAR_2020 && seconds < YEAR_2070);
}

static void goes_on(void)
{
    uint32_t before, after;
    expect_equal(rtc_now(service, &before), OK);
    expect_equal(sleep_microseconds(3 * SECOND), OK);
    expect_equal(rtc_now(service, &after), OK);
    expect(after - before == 3 || after - before == 4);
}

static const struct tap_case cases[] = { { "knows the date", knows_the_date }, { "goes on", goes_on } };

int main(void)
{
    status_t status = service_find("rtc", &service);
    if (status != OK)
        return status;
    tap_run(cases, COUNT(cases));
}
