/* Tests of the fake of libserver (libserver/testing), and of every kind of method that a list may have, over a service that is
 * made here. */
#include <libserver/testing/fake.h>

#define KINDS_METHODS(METHOD) \
    METHOD(KINDS_SESSION, kinds_open_session, SESSION, NOTHING) \
    METHOD(KINDS_COUNT, kinds_count, NOTHING, NOTHING) \
    METHOD(KINDS_NEGATE, kinds_negate, WORD(int8_t, number), WORD(int16_t, negative)) \
    METHOD(KINDS_IS_ODD, kinds_is_odd, WORD(uint16_t, number), WORD(bool, odd)) \
    METHOD(KINDS_KEEP, kinds_keep, HANDLE(object), NOTHING) \
    METHOD(KINDS_GIVE, kinds_give, NOTHING, HANDLE(object)) \
    METHOD(KINDS_SWAP, kinds_swap, WORD_AND_HANDLE(uint32_t, word, object), WORD_AND_HANDLE(uint32_t, same, back)) \
    METHOD(KINDS_FILL, kinds_fill, WORD(uint32_t, slot), NOTHING) \
    METHOD(KINDS_ASK, kinds_ask, WORD(uint32_t, word), WORD(uint32_t, answer)) \
    METHOD(KINDS_EXIT, kinds_exit, WORD(uint32_t, code), NOTHING)
METHODS_DECLARE(KINDS_METHODS)

static handle_t service, kept;
static uint32_t counted, ended;

/* ---- the service ---- */

static reply_t serve_kinds_count(const request_t *rq)
{
    (void)rq;
    counted++;
    return reply(0);
}

static reply_t serve_kinds_negate(const request_t *rq) { return reply(-rq->word); }
static reply_t serve_kinds_is_odd(const request_t *rq) { return reply(rq->word & 1 ? 0x100 : 0); }

static reply_t serve_kinds_keep(const request_t *rq)
{
    kept = rq->handle;
    return reply(0);
}

static reply_t serve_kinds_give(const request_t *rq)
{
    (void)rq;
    return reply_handle(0, kept);
}

static reply_t serve_kinds_swap(const request_t *rq) { return reply_handle(rq->word, rq->handle); }

static reply_t serve_kinds_fill(const request_t *rq)
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    char *slot = session_slot(session, rq->word);
    if (slot)
        memset(slot, 'x', session->slot_size);
    session_release(session);
    return reply_error(slot ? OK : E_BAD_ARGUMENT);
}

/* Of the service that the test provides. */
static reply_t serve_kinds_ask(const request_t *rq)
{
    uint32_t answer = 0;
    handle_t other;
    status_t status = service_find("other", &other);
    if (status != OK)
        return reply_error(status);
    status = service_call(other, 0, rq->word, &answer);
    handle_close(other);
    return status == OK ? reply(answer) : reply_error(status);
}

static reply_t serve_kinds_exit(const request_t *rq) { process_exit(rq->word); }

void server_session_ended(uint32_t badge, session_t *session)
{
    (void)session;
    ended = badge;
}

static const method_t methods[] = METHODS_TABLE(KINDS_METHODS);

int service_main(void)
{
    return argument("refuse") ? 7 : server_run(NULL, methods, COUNT(methods), .handles = METHODS_HANDLES(KINDS_METHODS));
}

/* ---- numbers and words ---- */

static void numbers_follow_the_list(void **state)
{
    (void)state;
    assert_int_equal(KINDS_SESSION, METHOD_SESSION_OPEN);
    assert_int_equal(KINDS_EXIT, METHODS_COUNT(KINDS_METHODS) - 1);
    assert_int_equal(METHODS_HANDLES(KINDS_METHODS), ENDPOINT_TAKES_HANDLE(KINDS_SESSION) | ENDPOINT_TAKES_HANDLE(KINDS_KEEP) |
                                                     ENDPOINT_TAKES_HANDLE(KINDS_SWAP));
    assert_int_equal(service_call(service, METHODS_COUNT(KINDS_METHODS), 0, NULL), E_NO_METHOD);
}

static void words_are_of_their_types(void **state)
{
    int16_t negative;
    bool odd;
    (void)state;
    assert_int_equal(kinds_count(service), OK);
    assert_int_equal(counted, 1);
    assert_int_equal(kinds_negate(service, -100, &negative), OK);
    assert_int_equal(negative, 100);
    assert_int_equal(kinds_negate(service, 100, NULL), OK);
    assert_int_equal(kinds_is_odd(service, 3, &odd), OK);
    assert_true(odd);
    assert_int_equal(kinds_is_odd(service, 4, &odd), OK);
    assert_false(odd);
}

/* ---- handles ---- */

static void a_handle_moves(void **state)
{
    handle_t object = fake_handle(TYPE_NOTIFICATION), back;
    uint32_t same, handles = fake_handles();
    (void)state;
    assert_int_equal(kinds_swap(service, 42, object, &same, &back), OK);
    assert_int_equal(same, 42);
    assert_int_equal(handle_close(object), E_BAD_HANDLE);
    assert_int_equal(kinds_keep(service, back), OK);
    assert_int_equal(handle_close(back), E_BAD_HANDLE);
    assert_int_equal(kinds_give(service, &back), OK);
    assert_int_equal(fake_handles(), handles);
    assert_int_equal(kinds_swap(service, 1, back, NULL, NULL), OK); /* nobody takes it */
    assert_int_equal(fake_handles(), handles - 1);
}

static void a_handle_needs_a_method_that_takes_it_and_the_right(void **state)
{
    handle_t object = fake_handle(TYPE_MEMORY), weak;
    (void)state;
    assert_int_equal(service_call_full(service, KINDS_COUNT, 0, TIMEOUT_NEVER, object, NULL, NULL), E_NO_RIGHT);
    assert_int_equal(handle_duplicate(object, RIGHT_READ, 0, &weak), OK);
    assert_int_equal(kinds_keep(service, weak), E_NO_RIGHT);
    assert_int_equal(handle_close(weak), OK);
    assert_int_equal(handle_close(object), OK);
    assert_int_equal(kinds_count(fake_handle(TYPE_MEMORY)), E_BAD_TYPE);
    assert_int_equal(handle_duplicate(service, RIGHTS_ALL, FAKE_BADGE + 1, &weak), E_NO_RIGHT); /* it has a badge already */
}

/* ---- sessions ---- */

static void a_session_is_shared_memory(void **state)
{
    session_t session;
    handle_t client = fake_client(9);
    uint32_t handles = fake_handles();
    (void)state;
    assert_int_equal(kinds_fill(client, 0), E_BAD_STATE);
    assert_int_equal(session_open(&session, client, 4, 1024, 0), OK);
    assert_int_equal(kinds_fill(client, 3), OK);
    assert_int_equal(session.base[3 * 1024 - 1], 0);
    assert_int_equal(session.base[4 * 1024 - 1], 'x');
    assert_int_equal(kinds_fill(client, 4), E_BAD_ARGUMENT);
    assert_int_equal(fake_sessions_held(), 0);
    session_close(&session, client);
    assert_int_equal(ended, 9);
    assert_int_equal(fake_handles(), handles);
}

static void a_session_without_slots_is_refused(void **state)
{
    handle_t memory, client = fake_client(9);
    (void)state;
    assert_int_equal(memory_create(0, MEMORY_IRREVOCABLE, &memory), E_BAD_ARGUMENT);
    assert_int_equal(memory_create(1, MEMORY_IRREVOCABLE, &memory), OK);
    assert_int_equal(kinds_open_session(client, 10, memory), E_BAD_ARGUMENT); /* of 1024 bytes each */
    assert_int_equal(handle_close(client), OK);
}

static void an_interrupt_signals_and_holds_its_notification(void **state)
{
    handle_t irq = fake_handle(TYPE_IRQ), notification;
    uint32_t bits;
    (void)state;
    assert_int_equal(irq_ack(irq), E_BAD_STATE);
    assert_int_equal(notification_create(&notification), OK);
    assert_int_equal(irq_bind(irq, notification, 4), OK);
    fake_interrupt(irq);
    assert_int_equal(notification_wait(notification, 4, 0, &bits), OK);
    assert_int_equal(bits, 4);
    assert_int_equal(irq_ack(irq), OK);
    assert_int_equal(handle_close(notification), OK);
    fake_interrupt(irq);
    assert_int_equal(handle_close(irq), OK);
}

/* ---- other services, ends, time ---- */

static reply_t answer_twice(const request_t *rq) { return reply(rq->word * 2); }

static void other_services_are_those_of_the_test(void **state)
{
    static const method_t others[] = { answer_twice };
    uint32_t answer;
    (void)state;
    assert_int_equal(kinds_ask(service, 21, &answer), E_NOT_FOUND);
    fake_provide("other", others, COUNT(others), 0);
    assert_int_equal(kinds_ask(service, 21, &answer), OK);
    assert_int_equal(answer, 42);
}

static void who_ends_in_the_middle_leaves_its_caller_an_error(void **state)
{
    (void)state;
    assert_int_equal(kinds_exit(service, 3), E_PEER_DIED);
    assert_int_equal(kinds_count(service), OK);
}

static void a_service_may_refuse_to_serve(void **state)
{
    (void)state;
    fake_argument("refuse", "1");
    assert_int_equal(fake_main("kinds"), 7);
}

static void time_passes_for_who_waits(void **state)
{
    handle_t notification;
    uint32_t bits, uptime;
    (void)state;
    fake_time = 5000000;
    assert_int_equal(notification_create(&notification), OK);
    assert_int_equal(notification_wait(notification, 1, 1000, &bits), E_TIMED_OUT);
    assert_int_equal(fake_time, 5001000);
    assert_int_equal(notification_timer(notification, 2, 500), OK);
    assert_int_equal(notification_wait(notification, 3, TIMEOUT_NEVER, &bits), OK);
    assert_int_equal(bits, 2);
    assert_int_equal(fake_time, 5001500);
    assert_int_equal(notification_wait(notification, 2, 0, &bits), E_TIMED_OUT); /* they were taken */
    assert_int_equal(sleep_microseconds(998500), OK);
    assert_int_equal(system_info(INFO_UPTIME_MS, &uptime), OK);
    assert_int_equal(uptime, 6000);
    assert_int_equal(handle_close(notification), OK);
}

static void memory_runs_out_when_it_is_told_to(void **state)
{
    handle_t memory;
    (void)state;
    fake_allocations_left = 1;
    assert_int_equal(memory_create(1, 0, &memory), OK);
    assert_int_equal(notification_create(&service), E_NO_MEMORY);
    assert_null(pages_allocate(PAGE_SIZE));
    fake_allocations_left = UINT32_MAX;
    assert_int_equal(handle_close(memory), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_list),
        cmocka_unit_test(words_are_of_their_types),
        cmocka_unit_test(a_handle_moves),
        cmocka_unit_test(a_handle_needs_a_method_that_takes_it_and_the_right),
        cmocka_unit_test(a_session_is_shared_memory),
        cmocka_unit_test(a_session_without_slots_is_refused),
        cmocka_unit_test(an_interrupt_signals_and_holds_its_notification),
        cmocka_unit_test(other_services_are_those_of_the_test),
        cmocka_unit_test(who_ends_in_the_middle_leaves_its_caller_an_error),
        cmocka_unit_test(time_passes_for_who_waits),
        cmocka_unit_test(memory_runs_out_when_it_is_told_to),
        cmocka_unit_test(a_service_may_refuse_to_serve),
    };
    service = fake_start("kinds");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
