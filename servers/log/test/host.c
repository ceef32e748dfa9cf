/* Tests of the log's handlers: what becomes an entry, and how entries are read. */
#include <libserver/testing/fake.h>
#include <servers/log/log.h>

#define LINE_MOST 160u          /* bytes of a client's text in one entry */
#define OTHER 7u                /* the badge of a second client, which the fake calls client7 */

static handle_t service, other;
static session_t session, other_session;

static void write_text(handle_t endpoint, const session_t *to, const char *text)
{
    memcpy(session_slot(to, 0), text, strlen(text));
    assert_int_equal(log_write(endpoint, (uint32_t)strlen(text) << 16), OK);
}

/* What has been entered since this was called last. */
static const char *read_new(void)
{
    static uint32_t next;
    static char text[LOG_SLOT];
    uint32_t bytes = 0;
    uint32_t *slot = session_slot(&session, 0);
    *slot = next;
    assert_int_equal(log_read(service, 0, &bytes), OK);
    next = *slot;
    memcpy(text, slot + 1, bytes);
    text[bytes] = '\0';
    return text;
}

static void an_entry_has_time_and_name(void **state)
{
    (void)state;
    fake_time = 12345678;
    write_text(service, &session, "hello\n");
    assert_string_equal(read_new(), "[ 12.345000] client1: hello\n");
    assert_string_equal(fake_printed(), "[ 12.345000] client1: hello\n");
    assert_string_equal(read_new(), "");
}

static void lines_of_clients_do_not_mix(void **state)
{
    (void)state;
    write_text(service, &session, "one ");
    write_text(other, &other_session, "two ");
    assert_string_equal(read_new(), "");
    write_text(service, &session, "line\n");
    write_text(other, &other_session, "lines\nand more\n");
    assert_string_equal(read_new(), "[ 12.345000] client1: one line\n"
                                    "[ 12.345000] client7: two lines\n"
                                    "[ 12.345000] client7: and more\n");
}

static void a_long_line_becomes_several(void **state)
{
    char text[2 * LINE_MOST + 2];
    (void)state;
    memset(text, 'x', sizeof(text) - 2);
    memcpy(text + sizeof(text) - 2, "\n", 2);
    write_text(service, &session, text);
    text[LINE_MOST] = '\0';
    const char *entries = read_new();
    const char *first = strstr(entries, text), *second = first ? strstr(first + 1 + LINE_MOST, text) : NULL;
    assert_non_null(first);
    assert_non_null(second);
}

static void what_does_something_to_a_terminal_is_not_shown(void **state)
{
    (void)state;
    write_text(service, &session, "a\x1b[2J\tb\x7f\n");
    assert_string_equal(read_new(), "[ 12.345000] client1: a?[2J b?\n");
}

static void bad_requests_are_refused(void **state)
{
    session_t small;
    (void)state;
    assert_int_equal(log_write(service, (LOG_SLOT + 1) << 16), E_BAD_ARGUMENT);
    assert_int_equal(log_write(service, 1 | 1 << 16), E_BAD_ARGUMENT);
    assert_int_equal(log_read(service, 1, NULL), E_BAD_ARGUMENT);
    assert_int_equal(log_write(fake_client(OTHER + 1), 1 << 16), E_BAD_STATE);
    assert_int_equal(session_open(&small, fake_client(OTHER + 2), 1, LOG_SLOT / 2, 0), E_BAD_ARGUMENT);
    assert_int_equal(service_call(service, METHODS_COUNT(LOG_METHODS), 0, NULL), E_NO_METHOD);
    assert_int_equal(fake_sessions_held(), 0);
}

/* A line without its end is a line when the client has gone; nothing of the client stays. */
static void a_client_that_goes_leaves_its_line(void **state)
{
    (void)state;
    uint32_t handles = fake_handles();
    session_t third;
    assert_int_equal(session_open(&third, other, 1, LOG_SLOT, 0), OK); /* in place of the one before */
    write_text(other, &third, "unfinished");
    session_close(&third, other);
    assert_string_equal(read_new(), "[ 12.345000] client7: unfinished\n");
    assert_int_equal(fake_handles(), handles - 1);
    assert_int_equal(log_write(other, 1 << 16), E_BAD_STATE);
}

/* There is room for 64. */
static void clients_come_and_go(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        session_t next;
        assert_int_equal(session_open(&next, other, 1, LOG_SLOT, 0), OK);
        session_close(&next, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_has_time_and_name),
        cmocka_unit_test(lines_of_clients_do_not_mix),
        cmocka_unit_test(a_long_line_becomes_several),
        cmocka_unit_test(what_does_something_to_a_terminal_is_not_shown),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(a_client_that_goes_leaves_its_line),
        cmocka_unit_test(clients_come_and_go),
    };
    service = fake_start("log");
    other = fake_client(OTHER);
    if (session_open(&session, service, 1, LOG_SLOT, 0) != OK || session_open(&other_session, other, 1, LOG_SLOT, 0) != OK)
        fail_msg("no session with the log");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
