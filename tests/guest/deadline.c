/* Deadlines of calls. They travel through INT 250 only; the workers are of either kind. */
#include "tests.h"

#define SHORT 20000u    /* microseconds */
#define SLACK_MS 500u   /* an emulator on a busy host may be late, never early */

static void expect_timely(uint32_t before, uint32_t microseconds)
{
    uint32_t passed = uptime() - before;
    expect(passed + 1 >= microseconds / 1000);
    expect(passed <= microseconds / 1000 + SLACK_MS);
}

static void expect_usable(const struct gate *gate, handle_t endpoint)
{
    uint32_t answer = 0;
    expect_equal(service_call_full(endpoint, METHOD_ECHO, 5, SECOND, HANDLE_NONE, &answer, NULL), OK);
    expect_equal(answer, 5);
    expect_equal(call(gate, endpoint, METHOD_ECHO, 6, &answer), OK);
    expect_equal(answer, 6);
}

static void in_time(const struct gate *gate)
{
    for (uint32_t i = 0; i < 20 && !test_failed(); i++)
        expect_usable(gate, gate->services->pool);
}

/* A deadline that was met must not end whatever the caller waits for afterwards. */
static void met_and_forgotten(const struct gate *gate)
{
    handle_t notification;
    uint32_t answer = 0, bits = 0;
    expect_equal(notification_create(&notification), OK);
    expect_equal(service_call_full(gate->services->pool, METHOD_ECHO, 5, SHORT, HANDLE_NONE, &answer, NULL), OK);
    expect_equal(notification_timer(notification, 1, 2 * SHORT), OK);
    expect_equal(notification_wait(notification, 1, TIMEOUT_NEVER, &bits), OK);
    expect_equal(bits, 1);
    handle_close(notification);
}

static void while_served(const struct gate *gate)
{
    uint32_t before = uptime(), answer = 3;
    cancelled = 0;
    expect_equal(service_call_full(gate->services->single, METHOD_CANCELLED, 0, SHORT, HANDLE_NONE, &answer, NULL),
                 E_TIMED_OUT);
    expect_timely(before, SHORT);
    expect(service_entered());
    expect_equal(answer, 3);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_IDLE, 1));
    expect_equal(cancelled, 1);
    expect_usable(gate, gate->services->single);
}

static void while_queued(const struct gate *gate)
{
    struct client holder;
    uint32_t before, answer;
    hold(&holder, gate, gate->services->single, 0);
    expect_passed();
    order_count = 0;
    before = uptime();
    expect_equal(service_call_full(gate->services->single, METHOD_ORDER, 1, SHORT, HANDLE_NONE, &answer, NULL),
                 E_TIMED_OUT);
    expect_timely(before, SHORT);
    expect_equal(endpoint_fact(gate->services->single, ENDPOINT_QUEUE), 0);
    release_holder(&holder, 0);
    expect_equal(order_count, 0);
}

static void at_once(const struct gate *gate)
{
    struct client holder;
    uint32_t answer;
    hold(&holder, gate, gate->services->single, 0);
    expect_passed();
    expect_equal(service_call_full(gate->services->single, METHOD_ECHO, 1, 0, HANDLE_NONE, &answer, NULL), E_TIMED_OUT);
    release_holder(&holder, 0);
}

/* The handler of the first call replies while the second waits: that must not be the second's reply. */
static void late_reply(const struct gate *gate)
{
    struct client second;
    uint32_t answer;
    expect_equal(service_call_full(gate->services->single, METHOD_HOLD, 3, SHORT, HANDLE_NONE, &answer, NULL),
                 E_TIMED_OUT);
    expect(service_entered());
    second = (struct client){ .gate = gate, .endpoint = gate->services->single, .method = METHOD_ECHO, .word = 99 };
    client_start(&second, PRIORITY_TESTS);
    expect_passed();
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 1));
    notification_signal(release, 1u << 3);
    expect(task_wait(&second.task));
    expect_equal(second.status, OK);
    expect_equal(second.reply, 99);
    task_end(&second.task);
}

static void many_expire(const struct gate *gate)
{
    struct client clients[6];
    cancelled = 0;
    for (uint32_t i = 0; i < COUNT(clients); i++) {
        clients[i] = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = METHOD_CANCELLED,
                                      .timeout = SHORT + i * 3000 };
        client_start(&clients[i], PRIORITY_TESTS);
        expect_passed();
    }
    for (uint32_t i = 0; i < COUNT(clients); i++) {
        expect(task_wait(&clients[i].task));
        expect_equal(clients[i].status, E_TIMED_OUT);
        task_end(&clients[i].task);
    }
    expect(service_entered());
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    uint32_t bits;
    notification_wait(entered, 1, 0, &bits);
}

static const struct test_case cases[] = {
    { "a reply in time", .run_gate = in_time },
    { "a deadline that was met is over", .run_gate = met_and_forgotten },
    { "a deadline while served", .run_gate = while_served },
    { "a deadline in the queue", .run_gate = while_queued },
    { "no time at all", .run_gate = at_once },
    { "a late reply goes nowhere", .run_gate = late_reply },
    { "several deadlines", .run_gate = many_expire },
};
TEST_GROUP(deadline_tests, "deadline");
