/* Tests of the console in the guest, where nobody types. Its line editor and its keys: host_line.c. */
#include <libserver/testing/tap.h>
#include <servers/console/console.h>

static handle_t service;
static session_t session;

static void has_a_screen(void)
{
    uint32_t size;
    expect_equal(console_size(service, &size), OK);
    expect_equal(size, 80 << 16 | 25);
}

static void writes(void)
{
    memcpy(session_slot(&session, 0), "# shown\n", 8);
    expect_equal(console_write(service, 8 << 16), OK);
    expect_equal(console_write(service, 1 | 1 << 16), E_BAD_ARGUMENT);
    expect_equal(console_write(service, (CONSOLE_SLOT + 1) << 16), E_BAD_ARGUMENT);
}

static void waits_for_a_key_as_long_as_told(void)
{
    uint32_t before, after, key;
    expect_equal(system_info(INFO_UPTIME_MS, &before), OK);
    expect_equal(console_read_key(service, 300, &key), E_TIMED_OUT);
    expect_equal(system_info(INFO_UPTIME_MS, &after), OK);
    expect(after - before >= 300 && after - before < 1000);
}

static void takes_a_notification_and_forgets_it(void)
{
    handle_t notification, copy;
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(notification, RIGHT_WRITE | RIGHT_TRANSFER, 0, &copy), OK);
    expect_equal(console_notify(service, copy), OK);
    expect_equal(handle_close(copy), E_BAD_HANDLE); /* it is the console's now */
    expect_equal(console_notify(service, HANDLE_NONE), OK);
    handle_close(notification);
}

static const struct tap_case cases[] = {
    { "has a screen", has_a_screen },
    { "writes", writes },
    { "waits for a key as long as told", waits_for_a_key_as_long_as_told },
    { "takes a notification and forgets it", takes_a_notification_and_forgets_it },
};

int main(void)
{
    status_t status = service_find("console", &service);
    if (status == OK)
        status = session_open(&session, service, 1, CONSOLE_SLOT, 0);
    if (status != OK)
        return status;
    tap_run(cases, COUNT(cases));
}
