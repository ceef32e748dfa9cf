/* Tests of the log in the guest. It has another name here, since what this program prints is TAP and must not go there. */
#include <libserver/testing/tap.h>
#include <servers/log/log.h>

static handle_t service;
static session_t session;

static bool contains(const char *text, uint32_t bytes, const char *wanted)
{
    uint32_t length = strlen(wanted);
    for (uint32_t i = 0; i + length <= bytes; i++)
        if (memcmp(text + i, wanted, length) == 0)
            return true;
    return false;
}

static void keeps_what_is_written(void)
{
    static const char text[] = "a line\n";
    uint32_t bytes;
    uint32_t *slot = session_slot(&session, 0);
    memcpy(slot, text, sizeof(text) - 1);
    expect_equal(log_write(service, (sizeof(text) - 1) << 16), OK);
    *slot = 0;
    expect_equal(log_read(service, 0, &bytes), OK);
    expect(contains((const char *)(slot + 1), bytes, "] test: a line\n"));
    expect_equal(log_read(service, 0, &bytes), OK);
    expect_equal(bytes, 0);
}

static void refuses_what_is_no_slot(void)
{
    expect_equal(log_write(service, 1 | 1 << 16), E_BAD_ARGUMENT);
    expect_equal(log_read(service, 1, NULL), E_BAD_ARGUMENT);
}

static void knows_nobody_without_a_session(void)
{
    session_close(&session, service);
    expect_equal(log_read(service, 0, NULL), E_BAD_STATE);
}

static const struct tap_case cases[] = {
    { "keeps what is written", keeps_what_is_written },
    { "refuses what is no slot", refuses_what_is_no_slot },
    { "knows nobody without a session", knows_nobody_without_a_session },
};

int main(void)
{
    status_t status = service_find("log-tested", &service);
    if (status == OK)
        status = session_open(&session, service, 1, LOG_SLOT, 0);
    if (status != OK)
        return status;
    tap_run(cases, COUNT(cases));
}
