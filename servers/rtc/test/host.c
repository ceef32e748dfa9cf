/* Tests of the clock's handlers over a CMOS clock that is played here. */
#include <libserver/testing/fake.h>
#include <servers/rtc/rtc.h>

#define INDEX_PORT 0x70u
#define DATA_PORT 0x71u
#define STATUS_A 0x0Au
#define STATUS_B 0x0Bu
#define UPDATING 0x80u
#define START 1582979696u       /* 2020-02-29 12:34:56 UTC */
#define DAY 86400u

static handle_t service;
static uint8_t registers[16] = { [0] = 0x56, [2] = 0x34, [4] = 0x12, [7] = 0x29, [8] = 0x02, [9] = 0x20, [STATUS_B] = 0x02 };
static uint8_t chosen;
static uint32_t updates_left;   /* so often it says that it is being updated */
static bool ticks_once;         /* it goes from :55 to :56 just after the seconds were read first */

static uint8_t device_read(uint16_t port)
{
    assert_int_equal(port, DATA_PORT);
    if (chosen == STATUS_A && updates_left > 0) {
        updates_left--;
        return UPDATING;
    }
    if (chosen == 0 && ticks_once) {
        ticks_once = false;
        return 0x55;
    }
    return registers[chosen];
}

static void device_write(uint16_t port, uint8_t value)
{
    assert_int_equal(port, INDEX_PORT);
    assert_true(value < sizeof(registers));
    chosen = value;
}

static uint32_t now(void)
{
    uint32_t seconds = 0;
    assert_int_equal(rtc_now(service, &seconds), OK);
    return seconds;
}

static void gives_up_on_a_clock_that_does_not_answer(void **state)
{
    (void)state;
    updates_left = UINT32_MAX;
    assert_int_equal(fake_main("rtc"), E_TIMED_OUT);
    assert_string_equal(fake_printed(), "the clock does not answer\n");
}

static void waits_for_an_update_and_reads_no_mixture(void **state)
{
    (void)state;
    updates_left = 20;
    ticks_once = true;
    service = fake_start("rtc");
    assert_int_equal(updates_left, 0);
    assert_int_equal(now(), START);
}

static void counts_from_there(void **state)
{
    (void)state;
    fake_time += 1999000;
    assert_int_equal(now(), START + 1);
    fake_time += 1000;
    assert_int_equal(now(), START + 2);
}

/* The kernel's milliseconds have 32 bits, which are over after 50 days. */
static void goes_on_when_the_uptime_wraps(void **state)
{
    uint32_t before = now();
    (void)state;
    for (uint32_t i = 1; i <= 3; i++) {
        fake_time += 40ull * DAY * 1000000;
        assert_int_equal(now(), before + i * 40 * DAY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_up_on_a_clock_that_does_not_answer),
        cmocka_unit_test(waits_for_an_update_and_reads_no_mixture),
        cmocka_unit_test(counts_from_there),
        cmocka_unit_test(goes_on_when_the_uptime_wraps),
    };
    fake_ports(device_read, device_write);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
