/* Handles that travel with requests and replies. They go through INT 250 on the sending side. */
#include "tests.h"

static const uint32_t offered_rights = RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER;

static void make_offer(handle_t *offer)
{
    handle_t notification;
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(notification, offered_rights, 0, offer), OK);
    handle_close(notification);
}

static void request_moves_handle(const struct gate *gate)
{
    handle_t offer;
    uint32_t answer = 0, type = 0, rights = 0;
    make_offer(&offer);
    expect_passed();
    expect_equal(notification_signal(offer, 0x40), OK);
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, offer, &answer, NULL), OK);
    expect_equal(answer, 1);
    expect(taken != offer);
    expect_equal(handle_info(offer, &type, &rights), E_BAD_HANDLE);
    expect_equal(handle_info(taken, &type, &rights), OK);
    expect_equal(type, TYPE_NOTIFICATION);
    expect_equal(rights, offered_rights);
    expect_equal(notification_wait(taken, ~0u, 0, &answer), OK);
    expect_equal(answer, 0x40);
    handle_close(taken);
}

static void nothing_attached(const struct gate *gate)
{
    uint32_t answer = 5;
    expect_equal(call(gate, gate->services->pool, METHOD_TAKE, 0, &answer), OK);
    expect_equal(answer, 0);
    expect_equal(taken, HANDLE_NONE);
}

static void request_with_bad_handle(const struct gate *gate)
{
    handle_t offer, weak;
    uint32_t answer;
    make_offer(&offer);
    expect_passed();
    expect_equal(handle_duplicate(offer, RIGHT_READ, 0, &weak), OK);
    taken = HANDLE_NONE;
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, weak, &answer, NULL), E_NO_RIGHT);
    handle_close(offer);
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, offer, &answer, NULL),
                 E_BAD_HANDLE);
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, 0x80000000, &answer, NULL),
                 E_BAD_HANDLE);
    expect_equal(taken, HANDLE_NONE);
    handle_close(weak);
}

/* What was not delivered is still the sender's. */
static void refused_request_keeps_handle(const struct gate *gate)
{
    struct client holder;
    handle_t offer;
    uint32_t answer, type, rights;
    make_offer(&offer);
    hold(&holder, gate, gate->services->refusing, 0);
    expect_passed();
    expect_equal(service_call_full(gate->services->refusing, METHOD_TAKE, 0, TIMEOUT_NEVER, offer, &answer, NULL), E_BUSY);
    expect_equal(handle_info(offer, &type, &rights), OK);
    release_holder(&holder, 0);
    hold(&holder, gate, gate->services->single, 0);
    expect_passed();
    expect_equal(service_call_full(gate->services->single, METHOD_TAKE, 0, 1000, offer, &answer, NULL), E_TIMED_OUT);
    expect_equal(handle_info(offer, &type, &rights), OK);
    release_holder(&holder, 0);
    handle_close(offer);
}

struct giver {
    struct task task;
    handle_t endpoint, offer;
    status_t status;
};

static void give(struct task *task)
{
    struct giver *giver = (struct giver *)task;
    uint32_t answer;
    giver->status = service_call_full(giver->endpoint, METHOD_TAKE, 0, TIMEOUT_NEVER, giver->offer, &answer, NULL);
}

/* The handle is looked at again when the request is delivered; the worker goes on to the next one. */
static void closed_in_the_queue(const struct gate *gate)
{
    struct client holder, next = { .gate = gate, .endpoint = gate->services->single, .method = METHOD_ECHO, .word = 3 };
    struct giver giver = { .endpoint = gate->services->single };
    handle_t offer;
    make_offer(&offer);
    hold(&holder, gate, gate->services->single, 0);
    task_create(&giver.task, give, PRIORITY_TESTS);
    expect_passed();
    giver.endpoint = gate->services->single;
    giver.offer = offer;
    task_go(&giver.task);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 1));
    client_start(&next, PRIORITY_TESTS);
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 2));
    expect_equal(handle_close(offer), OK);
    release_holder(&holder, 0);
    expect(task_wait(&giver.task));
    expect(task_wait(&next.task));
    expect_equal(giver.status, E_BAD_HANDLE);
    expect_equal(next.status, OK);
    expect_equal(next.reply, 3);
    task_end(&giver.task);
    task_end(&next.task);
}

static void reply_moves_handle(const struct gate *gate)
{
    handle_t offer, received = HANDLE_NONE;
    uint32_t answer = 0, type = 0, rights = 0;
    make_offer(&offer);
    expect_passed();
    expect_equal(service_call_full(gate->services->pool, METHOD_GIVE, offer, TIMEOUT_NEVER, HANDLE_NONE, &answer,
                                   &received), OK);
    expect_equal(answer, 77);
    expect(received != HANDLE_NONE && received != offer);
    expect_equal(handle_info(offer, &type, &rights), E_BAD_HANDLE);
    expect_equal(handle_info(received, &type, &rights), OK);
    expect_equal(type, TYPE_NOTIFICATION);
    expect_equal(rights, offered_rights);
    handle_close(received);
}

/* A client that takes none gets none, by either gate; the service's is closed all the same. */
static void unwanted_handle(const struct gate *gate)
{
    handle_t offer;
    uint32_t answer = 0, type, rights;
    make_offer(&offer);
    expect_passed();
    expect_equal(call(gate, gate->services->pool, METHOD_GIVE, offer, &answer), OK);
    expect_equal(answer, 77);
    expect_equal(handle_info(offer, &type, &rights), E_BAD_HANDLE);
}

static void reply_with_bad_handle(const struct gate *gate)
{
    handle_t received = HANDLE_NONE;
    uint32_t answer;
    status_t status = service_call_full(gate->services->pool, METHOD_GIVE, 0x7FFFFFE0, TIMEOUT_NEVER, HANDLE_NONE, &answer,
                                        &received);
    expect_equal(status, E_BAD_HANDLE);
    expect_equal(received, HANDLE_NONE);
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 5, &answer), OK);
    expect_equal(answer, 5);
}

static void both_ways(const struct gate *gate)
{
    handle_t there, back, received = HANDLE_NONE;
    struct message message;
    make_offer(&there);
    make_offer(&back);
    expect_passed();
    message = (struct message){ .word = back, .method = METHOD_GIVE, .handle = there | HANDLE_ACCEPT };
    expect_equal(ipc_call(gate->services->pool, TIMEOUT_NEVER, &message), OK);
    received = message.handle;
    expect(received != HANDLE_NONE);
    expect_equal(message.word, 77);
    expect_equal(handle_close(there), E_BAD_HANDLE);
    expect_equal(handle_close(back), E_BAD_HANDLE);
    expect_equal(handle_close(received), OK);
}

static void no_handle_is_lost(const struct gate *gate)
{
    uint32_t used = quota_used();
    for (uint32_t i = 0; i < 200; i++) {
        handle_t offer;
        uint32_t answer;
        make_offer(&offer);
        expect_passed();
        expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, offer, &answer, NULL), OK);
        expect_equal(handle_close(taken), OK);
    }
    expect_equal(quota_used(), used);
}

static const struct test_case cases[] = {
    { "a request moves its handle", .run_gate = request_moves_handle },
    { "a request without one", .run_gate = nothing_attached },
    { "a request with a bad handle", .run_gate = request_with_bad_handle },
    { "a request that is not delivered keeps its handle", .run_gate = refused_request_keeps_handle },
    { "a request whose handle is closed while it waits", .run_gate = closed_in_the_queue },
    { "a reply moves its handle", .run_gate = reply_moves_handle },
    { "a client that wants no handle gets none", .run_gate = unwanted_handle },
    { "a reply with a bad handle", .run_gate = reply_with_bad_handle },
    { "handles both ways", .run_gate = both_ways },
    { "moving handles loses nothing", .run_gate = no_handle_is_lost },
};
TEST_GROUP(transfer_tests, "transfer");
