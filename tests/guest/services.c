/* The services under test, each twice: with workers that reply through INT 250, and through SYSENTER. */
#include "tests.h"

#define WAIT_STEP 1000u /* microseconds */

struct services services[GATES];
handle_t entered, release;
volatile uint32_t cancelled;
volatile uint32_t order[16], order_count;
handle_t nested_target;
uint32_t nested_method;
const struct gate *nested_gate;
volatile handle_t taken;

static reply_t echo(const request_t *rq) { return reply(rq->word); }
static reply_t badge(const request_t *rq) { return reply(rq->badge); }
static reply_t number(const request_t *rq) { return reply(rq->method); }
static reply_t status(const request_t *rq) { return reply_error((status_t)rq->word); }

static reply_t hold_worker(const request_t *rq)
{
    uint32_t bits;
    notification_signal(entered, 1);
    notification_wait(release, 1u << rq->word, TIMEOUT_NEVER, &bits);
    return reply(rq->word + 1);
}

static reply_t wait_until_cancelled(const request_t *rq)
{
    notification_signal(entered, 1);
    for (uint32_t i = 0; i < SECOND / WAIT_STEP && !request_cancelled(); i++)
        sleep_microseconds(WAIT_STEP);
    cancelled += request_cancelled();
    return reply(rq->word);
}

static reply_t note_order(const request_t *rq)
{
    if (order_count < COUNT(order))
        order[order_count++] = rq->word;
    return reply(rq->word);
}

/* Apart from the handlers, because gates.h wants no frame pointer. */
static __attribute__((noinline)) status_t call_target(uint32_t method, uint32_t word, uint32_t *answer)
{
    return call(nested_gate, nested_target, method, word, answer);
}

static reply_t nested(const request_t *rq)
{
    uint32_t answer = 0;
    status_t outcome = call_target(METHOD_ECHO, rq->word, &answer);
    return outcome == OK ? reply(answer + 1) : reply_error(outcome);
}

static reply_t forward(const request_t *rq)
{
    uint32_t answer = 0;
    status_t outcome = call_target(nested_method, rq->word, &answer);
    return outcome == OK ? reply(answer) : reply_error(outcome);
}

static reply_t flags(const request_t *rq)
{
    uint32_t value;
    (void)rq;
    __asm__ volatile("pushfl\n\tpopl %0" : "=r"(value));
    return reply(value);
}

static reply_t segments(const request_t *rq)
{
    uint32_t ds, es, fs, gs;
    (void)rq;
    __asm__ volatile("movl %%ds, %0\n\tmovl %%es, %1\n\tmovl %%fs, %2\n\tmovl %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return reply((ds & 0xFF) | (es & 0xFF) << 8 | (fs & 0xFF) << 16 | (gs & 0xFF) << 24);
}

static reply_t spin_for(const request_t *rq)
{
    spin(rq->word);
    return reply(rq->word);
}

static reply_t take(const request_t *rq)
{
    taken = rq->handle;
    return reply(rq->handle != HANDLE_NONE);
}

static reply_t give(const request_t *rq)
{
    if (rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_handle(77, rq->word);
}

static reply_t use_slot(const request_t *rq)
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_ARGUMENT);
    uint8_t *slot = session_slot(session, rq->word);
    uint32_t size = session->slot_size;
    for (uint32_t i = 0; slot && i < size; i++)
        slot[i]++;
    session_release(session);
    return slot ? reply(size) : reply_error(E_BAD_ARGUMENT);
}

static reply_t pattern(const request_t *rq)
{
    __asm__ volatile("fninit\n\tfldpi\n\tfldl2e\n\tfldpi\n\tfldl2e");
    return reply(rq->word);
}

static const method_t methods[METHODS] = {
    [METHOD_SESSION_OPEN] = server_session_open,
    [METHOD_ECHO] = echo,       [METHOD_BADGE] = badge,       [METHOD_NUMBER] = number,
    [METHOD_STATUS] = status,   [METHOD_HOLD] = hold_worker,  [METHOD_CANCELLED] = wait_until_cancelled,
    [METHOD_ORDER] = note_order, [METHOD_NESTED] = nested,    [METHOD_FORWARD] = forward,
    [METHOD_FLAGS] = flags,     [METHOD_SEGMENTS] = segments, [METHOD_SPIN] = spin_for,
    [METHOD_TAKE] = take,       [METHOD_GIVE] = give,         [METHOD_SLOT] = use_slot,
    [METHOD_PATTERN] = pattern,
};

#define START(endpoint, ...) \
    server_start(endpoint, methods, METHODS, .int_gate = int_gate, .handles = ENDPOINT_TAKES_HANDLES, __VA_ARGS__)

static void start(struct services *set, bool int_gate)
{
    status_t outcome = START(&set->pool, .workers = 4);
    if (outcome == OK)
        outcome = START(&set->single, .workers = 1);
    if (outcome == OK)
        outcome = START(&set->refusing, .workers = 1, .when_busy = REFUSE_BUSY);
    if (outcome == OK)
        outcome = START(&set->capped, .workers = 4, .client_cap = 1);
    if (outcome == OK)
        return;
    print("Bail out! the services under test do not start: %s\n", status_text(outcome));
    machine_exit(2);
}

void services_start(void)
{
    notification_create(&entered);
    notification_create(&release);
    start(&services[GATE_INT], true);
    start(&services[GATE_SYSENTER], false);
}

bool service_entered(void)
{
    uint32_t bits;
    return notification_wait(entered, 1, SECOND, &bits) == OK;
}

void hold(struct client *client, const struct gate *gate, handle_t endpoint, uint32_t bit)
{
    *client = (struct client){ .gate = gate, .endpoint = endpoint, .method = METHOD_HOLD, .word = bit };
    client_start(client, PRIORITY_TESTS);
    expect_passed();
    expect(service_entered());
}

void release_holder(struct client *client, uint32_t bit)
{
    notification_signal(release, 1u << bit);
    expect(task_wait(&client->task));
    expect_equal(client->status, OK);
    expect_equal(client->reply, bit + 1);
    task_end(&client->task);
}
