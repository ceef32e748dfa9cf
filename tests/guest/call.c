/* A call and its reply: what arrives, what comes back, and what a wrong handle gets. */
#include "tests.h"

#include "servers/relay/relay.h"

#define RANDOM_WORDS 200u

static const uint32_t edge_words[] = {
    0, 1, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFF0, 0x55555555, 0xAAAAAAAA, 0xC0000000,
};

static void expect_echo(const struct gate *gate, handle_t endpoint, uint32_t method, uint32_t word)
{
    uint32_t answer = ~word;
    status_t service_status = 1;
    expect_equal(gate->call(endpoint, method, word, &answer, &service_status), OK);
    expect_equal(service_status, OK);
    expect_equal(answer, word);
}

static void expect_echoes(const struct gate *gate, handle_t endpoint, uint32_t method)
{
    uint32_t random = 0x1234567;
    for (uint32_t i = 0; i < COUNT(edge_words) && !test_failed(); i++)
        expect_echo(gate, endpoint, method, edge_words[i]);
    for (uint32_t i = 0; i < RANDOM_WORDS && !test_failed(); i++)
        expect_echo(gate, endpoint, method, random_next(&random));
}

static void null_call(const struct gate *gate)
{
    expect_equal(gate->null(), gate->sysenter ? OP_NULL : OK);
}

static void echo_within(const struct gate *gate)
{
    expect_echoes(gate, gate->services->pool, METHOD_ECHO);
}

static void echo_across(const struct gate *gate)
{
    handle_t echo;
    expect_equal(service_find(gate->sysenter ? "echo" : "echo-int", &echo), OK);
    expect_echoes(gate, echo, 0);
    handle_close(echo);
}

/* A caller of one kind meets workers of the other. */
static void echo_mixed(const struct gate *gate)
{
    const struct gate *other = &gates[gate->sysenter ? GATE_INT : GATE_SYSENTER];
    handle_t echo;
    expect_echoes(gate, other->services->pool, METHOD_ECHO);
    expect_passed();
    expect_equal(service_find(gate->sysenter ? "echo-int" : "echo", &echo), OK);
    expect_echoes(gate, echo, 0);
    handle_close(echo);
}

static void expect_badge(const struct gate *gate, handle_t endpoint, uint32_t badge)
{
    handle_t marked;
    uint32_t seen = ~badge;
    expect_equal(handle_duplicate(endpoint, RIGHT_CALL, badge, &marked), OK);
    expect_equal(call(gate, marked, METHOD_BADGE, 0, &seen), OK);
    expect_equal(seen, badge);
    handle_close(marked);
}

static void badges(const struct gate *gate)
{
    static const uint32_t values[] = { 0, 1, 2, 0x12345678, 0x7FFFFFFE, 0x7FFFFFFF };
    for (uint32_t i = 0; i < COUNT(values) && !test_failed(); i++)
        expect_badge(gate, gate->services->pool, values[i]);
}

static void method_numbers(const struct gate *gate)
{
    static const uint32_t wrong[] = { METHODS, METHODS + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF };
    uint32_t answer = 0;
    expect_equal(call(gate, gate->services->pool, METHOD_NUMBER, 0, &answer), OK);
    expect_equal(answer, METHOD_NUMBER);
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        status_t service_status = OK;
        expect_equal(gate->call(gate->services->pool, wrong[i], 0, &answer, &service_status), OK);
        expect_equal(service_status, E_NO_METHOD);
    }
}

static void null_method(const struct gate *gate)
{
    uint32_t answer;
    expect_equal(call(gate, gate->services->pool, METHOD_MISSING, 0, &answer), E_NO_METHOD);
}

static void service_statuses(const struct gate *gate)
{
    static const status_t statuses[] = { 1, -1, -14, 42, 0x7FFFFFFF, (status_t)0x80000000 };
    for (uint32_t i = 0; i < COUNT(statuses); i++) {
        uint32_t answer;
        status_t service_status = OK;
        expect_equal(gate->call(gate->services->pool, METHOD_STATUS, (uint32_t)statuses[i], &answer, &service_status), OK);
        expect_equal(service_status, statuses[i]);
    }
}

/* ---- handles that cannot be called through ---- */

static void expect_refused(const struct gate *gate, handle_t handle, status_t wanted)
{
    uint32_t answer;
    status_t service_status;
    expect_equal(gate->call(handle, METHOD_ECHO, 0, &answer, &service_status), wanted);
}

static void bad_handles(const struct gate *gate)
{
    handle_t good = gate->services->pool;
    const handle_t bad[] = {
        HANDLE_NONE, 1, 31, 0x7FFFFFFF, 0x7FFFFFE0, 1000 << 5, 1023 << 5, good | 1, good | 31, good + (1 << 15),
        good + (0x8000u << 15 & 0x7FFFFFFF),
    };
    for (uint32_t i = 0; i < COUNT(bad) && !test_failed(); i++)
        if (bad[i] != good)
            expect_refused(gate, bad[i], E_BAD_HANDLE);
}

/* To SYSENTER they are operations that do not exist; -1 and -2 are ones that do. */
static void negative_handles(const struct gate *gate)
{
    static const handle_t negative[] = { 0x80000000, 0x80000020, 0xFFFFFFE0, 0xFFFFFFFD, 0xC0000000 };
    for (uint32_t i = 0; i < COUNT(negative) && !test_failed(); i++)
        expect_refused(gate, negative[i], gate->sysenter ? E_BAD_CALL : E_BAD_HANDLE);
}

static void closed_handle(const struct gate *gate)
{
    handle_t first, second;
    expect_equal(handle_duplicate(gate->services->pool, RIGHTS_ALL, 0, &first), OK);
    expect_equal(handle_close(first), OK);
    expect_refused(gate, first, E_BAD_HANDLE);
    expect_passed();
    expect_equal(handle_duplicate(gate->services->pool, RIGHTS_ALL, 0, &second), OK);
    expect(first != second);
    expect_refused(gate, first, E_BAD_HANDLE);
    expect_echo(gate, second, METHOD_ECHO, 5);
    handle_close(second);
}

static void expect_wrong_type(const struct gate *gate, handle_t handle)
{
    expect_refused(gate, handle, E_BAD_TYPE);
    handle_close(handle);
}

static void wrong_types(const struct gate *gate)
{
    handle_t handle;
    expect_refused(gate, self_process(), E_BAD_TYPE);
    expect_passed();
    expect_equal(notification_create(&handle), OK);
    expect_wrong_type(gate, handle);
    expect_passed();
    expect_equal(memory_create(1, 0, &handle), OK);
    expect_wrong_type(gate, handle);
    expect_passed();
    expect_equal(budget_create(1, 1000, &handle), OK);
    expect_wrong_type(gate, handle);
}

static void no_right(const struct gate *gate)
{
    handle_t weak;
    expect_equal(handle_duplicate(gate->services->pool, RIGHTS_ALL & ~RIGHT_CALL, 0, &weak), OK);
    expect_refused(gate, weak, E_NO_RIGHT);
    handle_close(weak);
}

/* Nobody serves it and nobody could: waiting there would be for ever. */
static void deserted_endpoint(const struct gate *gate)
{
    handle_t endpoint, client;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(handle_duplicate(endpoint, RIGHT_CALL, 0, &client), OK);
    expect_equal(handle_close(endpoint), OK);
    expect_refused(gate, client, E_PEER_DIED);
    handle_close(client);
}

/* ---- calls in calls ---- */

static void nested_within(const struct gate *gate)
{
    uint32_t answer = 0;
    nested_gate = gate;
    nested_target = gate->services->single;
    expect_equal(call(gate, gate->services->pool, METHOD_NESTED, 41, &answer), OK);
    expect_equal(answer, 42);
}

/* Pool -> same pool: a free worker serves it. */
static void nested_in_one_pool(const struct gate *gate)
{
    uint32_t answer = 0;
    nested_gate = gate;
    nested_target = gate->services->pool;
    nested_method = METHOD_NESTED;
    expect_equal(call(gate, gate->services->pool, METHOD_FORWARD, 41, &answer), OK);
    expect_equal(answer, 42);
}

static void chain_of_processes(const struct gate *gate)
{
    handle_t chain;
    uint32_t answer;
    expect_equal(service_find("relay1", &chain), OK);
    for (uint32_t word = 0; word < 50; word++) {
        expect_equal(call(gate, chain, gate->sysenter ? RELAY_SYSENTER : RELAY_INT, word * 0x01010101, &answer), OK);
        expect_equal(answer, word * 0x01010101 + 1);
    }
    handle_close(chain);
}

static void calls_create_nothing(const struct gate *gate)
{
    uint32_t threads = info(INFO_THREADS_CREATED), frames = info(INFO_FRAMES_FREE);
    uint32_t used = quota_used();
    for (uint32_t i = 0; i < 1000 && !test_failed(); i++)
        expect_echo(gate, gate->services->pool, METHOD_ECHO, i);
    nested_gate = gate;
    nested_target = gate->services->pool;
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t answer;
        expect_equal(call(gate, gate->services->pool, METHOD_NESTED, i, &answer), OK);
    }
    expect_equal(info(INFO_THREADS_CREATED), threads);
    expect_equal(info(INFO_FRAMES_FREE), frames);
    expect_equal(quota_used(), used);
}

static void statistics(const struct gate *gate)
{
    struct server_statistics numbers;
    expect_equal(server_statistics(gate->services->pool, &numbers), OK);
    expect_equal(numbers.workers, 4);
    expect(numbers.busy_high >= 1 && numbers.busy_high <= 4);
    expect_equal(numbers.queue, 0);
    expect_equal(server_statistics(self_process(), &numbers), E_NOT_FOUND);
}

static void session(const struct gate *gate)
{
    session_t session;
    uint32_t answer;
    expect_equal(session_open(&session, gate->services->pool, 3, 128, 0), OK);
    for (uint32_t i = 0; i < 128; i++)
        ((uint8_t *)session_slot(&session, 1))[i] = (uint8_t)i;
    expect_equal(call(gate, gate->services->pool, METHOD_SLOT, 1, &answer), OK);
    expect_equal(answer, 128);
    for (uint32_t i = 0; i < 128; i++)
        expect_equal(((uint8_t *)session_slot(&session, 1))[i], i + 1);
    expect_equal(((uint8_t *)session_slot(&session, 0))[0], 0);
    expect_equal(((uint8_t *)session_slot(&session, 2))[0], 0);
    expect(session_slot(&session, 3) == NULL);
    expect_equal(call(gate, gate->services->pool, METHOD_SLOT, 3, &answer), E_BAD_ARGUMENT);
    session_close(&session, gate->services->pool);
    expect_equal(call(gate, gate->services->pool, METHOD_SLOT, 1, &answer), E_BAD_ARGUMENT);
}

static void session_shapes(void)
{
    static const struct { uint32_t slots, size; } bad[] = { { 0, 64 }, { 1, 63 }, { 1, 0 }, { 1, 96 }, { 0xFFFFFFFF, 64 },
                                                            { 1, 0x80000000 } };
    session_t session;
    for (uint32_t i = 0; i < COUNT(bad); i++)
        expect_equal(session_open(&session, services[GATE_INT].pool, bad[i].slots, bad[i].size, 0), E_BAD_ARGUMENT);
}

static void unknown_name(void)
{
    handle_t endpoint;
    expect_equal(service_find("no-such-service", &endpoint), E_NOT_FOUND);
    expect_equal(service_find("", &endpoint), E_NOT_FOUND);
}

static void unknown_calls(void)
{
    static const uint32_t numbers[] = { SYSCALL_COUNT, SYSCALL_COUNT + 1, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    for (uint32_t i = 0; i < COUNT(numbers); i++)
        expect_equal(system_command(numbers[i], 0, 0, 0, 0, 0), E_BAD_CALL);
}

static void info_range(void)
{
    uint32_t value;
    expect_equal(system_info(INFO_COUNT - 1, &value), OK);
    expect_equal(system_info(INFO_COUNT, &value), E_BAD_ARGUMENT);
    expect_equal(system_info(0xFFFFFFFF, &value), E_BAD_ARGUMENT);
    expect_equal(endpoint_info(services[GATE_INT].pool, ENDPOINT_INFO_COUNT, &value), E_BAD_ARGUMENT);
    expect_equal(process_info(HANDLE_NONE, PROCESS_INFO_COUNT, &value), E_BAD_ARGUMENT);
    expect_equal(log_bytes(0, 0, 0, 0, 17), E_BAD_ARGUMENT);
}

static const struct test_case cases[] = {
    { "the null operation", .run_gate = null_call },
    { "every payload is echoed within a process", .run_gate = echo_within },
    { "every payload is echoed across processes", .run_gate = echo_across },
    { "a caller of this gate meets workers of the other", .run_gate = echo_mixed },
    { "the worker sees the badge", .run_gate = badges },
    { "method numbers, and those out of range", .run_gate = method_numbers },
    { "a method that is NULL", .run_gate = null_method },
    { "every service status passes", .run_gate = service_statuses },
    { "handles that name nothing", .run_gate = bad_handles },
    { "negative handles", .run_gate = negative_handles },
    { "a closed handle stays an error", .run_gate = closed_handle },
    { "handles of another type", .run_gate = wrong_types },
    { "a handle without RIGHT_CALL", .run_gate = no_right },
    { "an endpoint that nobody can serve", .run_gate = deserted_endpoint },
    { "a nested call", .run_gate = nested_within },
    { "nested calls in one pool", .run_gate = nested_in_one_pool },
    { "a chain of four processes", .run_gate = chain_of_processes },
    { "calls create no thread and take no memory", .run_gate = calls_create_nothing },
    { "statistics of a pool", .run_gate = statistics },
    { "a session carries bulk data", .run_gate = session },
    { "sessions of impossible shapes", session_shapes, NULL },
    { "names that init does not know", unknown_name, NULL },
    { "call numbers that do not exist", unknown_calls, NULL },
    { "facts that do not exist", info_range, NULL },
};
TEST_GROUP(call_tests, "call");
