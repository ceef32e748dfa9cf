/* Budgets: priority, slice and account, and that they travel along calls. */
#include "child.h"

#define MILLISECOND 1000u

static void ranges(void)
{
    handle_t budget;
    expect_equal(budget_create(PRIORITIES, 1000, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(0xFFFFFFFF, 1000, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(1, 0, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(1, 99, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(1, 1000001, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(1, 0xFFFFFFFF, &budget), E_BAD_ARGUMENT);
    expect_equal(budget_create(0, 100, &budget), OK);
    expect_equal(budget_set(budget, PRIORITIES - 1, 1000000), OK);
    expect_equal(budget_set(budget, PRIORITIES, 1000), E_BAD_ARGUMENT);
    expect_equal(budget_set(budget, 1, 99), E_BAD_ARGUMENT);
    handle_close(budget);
}

static uint32_t used_by(handle_t budget)
{
    uint32_t microseconds = 0;
    budget_time(budget, &microseconds);
    return microseconds;
}

static void spin_a_while(struct task *task)
{
    (void)task;
    spin(30 * MILLISECOND);
}

static void nothing_used_yet(void)
{
    struct task task;
    task_create(&task, spin_a_while, PRIORITY_TESTS);
    expect_passed();
    expect_equal(used_by(task.thread), 0);
    task_end(&task);
}

/* Time on a bound budget is the budget's, not the thread's own. */
static void bound_budget_pays(void)
{
    struct task task;
    handle_t budget;
    expect_equal(budget_create(PRIORITY_TESTS - 1, 5000, &budget), OK);
    task_create(&task, spin_a_while, 1);
    expect_passed();
    expect_equal(budget_bind(budget, task.thread), OK);
    task_go(&task);
    expect(task_wait(&task));
    uint32_t used = used_by(budget);
    expect(used >= 15 * MILLISECOND && used < SECOND); /* a busy host takes some */
    task_end(&task);
    handle_close(budget);
}

static void spin_for_ever(struct task *task)
{
    (void)task;
    for (;;)
        continue;
}

static void binding_rules(void)
{
    struct task one, two;
    handle_t budget, other;
    expect_equal(budget_create(5, 1000, &budget), OK);
    expect_equal(budget_create(5, 1000, &other), OK);
    task_create(&one, spin_for_ever, 1);
    task_create(&two, spin_for_ever, 1);
    expect_passed();
    expect_equal(budget_bind(budget, services[GATE_INT].pool), E_BAD_TYPE);
    expect_equal(budget_bind(one.thread, one.thread), E_BAD_TYPE);
    expect_equal(budget_bind(budget, one.thread), OK);
    expect_equal(budget_bind(budget, two.thread), E_BAD_STATE); /* it serves one thread already */
    expect_equal(budget_bind(other, one.thread), E_BAD_STATE);  /* it has one already */
    task_go(&two);
    expect_equal(budget_bind(other, two.thread), E_BAD_STATE);  /* it is not stopped */
    task_end(&one);
    expect_equal(thread_stop(two.thread), OK);
    expect_equal(budget_bind(budget, two.thread), OK);          /* free again */
    task_end(&two);
    handle_close(budget);
    handle_close(other);
}

/* A thread whose budget's last handle is closed keeps it while it is bound. */
static void closed_while_bound(void)
{
    struct task task;
    handle_t budget;
    expect_equal(budget_create(PRIORITY_TESTS, 1000, &budget), OK);
    task_create(&task, spin_a_while, 1);
    expect_passed();
    expect_equal(budget_bind(budget, task.thread), OK);
    expect_equal(handle_close(budget), OK);
    task_go(&task);
    expect(task_wait(&task));
    task_end(&task);
}

/* ---- lending ---- */

/* After the end of a thread its account is closed, so the task must still be there: it waits for its release. */
static void call_and_stay(struct task *task)
{
    struct client *client = (struct client *)task;
    client->status = client->gate->call(client->endpoint, client->method, client->word, &client->reply,
                                        &client->service_status);
    notification_signal(task->done, 2);
    uint32_t bits;
    notification_wait(task->done, 4, TIMEOUT_NEVER, &bits);
}

static void lend(struct client *client, const struct gate *gate, uint32_t method, uint32_t *used)
{
    uint32_t bits;
    *client = (struct client){ .gate = gate, .endpoint = gate->services->pool, .method = method, .word = 30 * MILLISECOND };
    task_create(&client->task, call_and_stay, PRIORITY_TESTS);
    task_go(&client->task);
    expect_passed();
    expect_equal(notification_wait(client->task.done, 2, SECOND, &bits), OK);
    expect_equal(client->status, OK);
    *used = used_by(client->task.thread);
    task_end(&client->task);
}

static void handler_runs_on_callers_account(const struct gate *gate)
{
    struct client client;
    uint32_t used = 0;
    lend(&client, gate, METHOD_SPIN, &used);
    expect_passed();
    expect(used >= 15 * MILLISECOND && used < SECOND); /* a busy host takes some */
}

static void depth_does_not_matter(const struct gate *gate)
{
    struct client client;
    uint32_t used = 0;
    nested_gate = gate;
    nested_target = gate->services->single;
    nested_method = METHOD_SPIN;
    lend(&client, gate, METHOD_FORWARD, &used);
    expect_passed();
    expect(used >= 15 * MILLISECOND && used < SECOND); /* a busy host takes some */
}

/* While it is being served the caller can be made more urgent: its handler is, too. */
static volatile uint32_t done_spinning;

static void note_end(struct task *task)
{
    spin(30 * MILLISECOND);
    done_spinning = 1;
    (void)task;
}

static void priority_reaches_the_handler(const struct gate *gate)
{
    struct client slow = { .gate = gate, .endpoint = gate->services->pool, .method = METHOD_SPIN, .word = 30 * MILLISECOND };
    struct task rival;
    done_spinning = 0;
    task_create(&rival, note_end, PRIORITY_TESTS - 2);
    client_start(&slow, PRIORITY_TESTS - 3);
    task_go(&rival);
    expect_passed();
    expect_equal(budget_set(slow.task.thread, PRIORITY_TESTS - 1, 10000), OK);
    expect(task_wait(&slow.task));
    expect_equal(done_spinning, 0);
    expect(task_wait(&rival));
    task_end(&slow.task);
    task_end(&rival);
}

/* The lender dies; the worker goes on at its own expense and is there for the next. */
static void lender_dies(const struct gate *gate)
{
    struct client client = { .gate = gate, .endpoint = gate->services->single, .method = METHOD_SPIN,
                             .word = 30 * MILLISECOND };
    uint32_t answer = 0;
    client_start(&client, PRIORITY_TESTS - 1);
    expect_passed();
    sleep_microseconds(5 * MILLISECOND);
    task_end(&client.task);
    expect_equal(call(gate, gate->services->single, METHOD_ECHO, 11, &answer), OK);
    expect_equal(answer, 11);
}

/* In a child, which may give PRIORITY_TESTS and no more. Bit by bit what went wrong. */
static uint32_t try_priorities(void)
{
    uint32_t high = PRIORITY_TESTS + 1, wrong = 0;
    handle_t handle, budget = HANDLE_NONE;
    wrong |= (thread_create(HANDLE_NONE, 0x1000, 0, 0, high, &handle) != E_NO_RIGHT) << 0;
    wrong |= (budget_create(high, 1000, &handle) != E_NO_RIGHT) << 1;
    wrong |= (process_create(PAGE_SIZE, HANDLE_NONE, 0, high, &handle) != E_NO_RIGHT) << 2;
    wrong |= (budget_create(PRIORITY_TESTS, 1000, &budget) != OK) << 3;
    wrong |= (budget_set(budget, high, 1000) != E_NO_RIGHT) << 4;
    wrong |= (budget_set(budget, PRIORITY_TESTS - 1, 1000) != OK) << 5;
    return wrong;
}

static void no_priority_above_ones_own(void)
{
    struct child child = { .on_fault = NULL };
    handle_t process;
    uint32_t outcome = child_run(&child, try_priorities, NULL), wrong = child_exit_code(&child);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(wrong, 0);
    expect_equal(process_create(65536, HANDLE_NONE, 0, PRIORITIES, &process), E_BAD_ARGUMENT);
}

static struct {
    struct task task;
    handle_t endpoint;
    volatile bool serving, released;
} server;

static void serve_until_released(struct task *task)
{
    uint32_t word;
    (void)task;
    system_call(SYS_wait, 0, server.endpoint, 0, 0, 0, &word);
    server.serving = true;
    while (!server.released)
        thread_yield();
    system_call(SYS_reply_wait, word + 1, 0, 0, OK, HANDLE_NONE, &word);
}

/* A worker that was stopped within a request runs on its caller's budget, not on one that it could be given. */
static void stopped_while_serving(const struct gate *gate)
{
    struct client client = { .gate = gate, .word = 8 };
    handle_t budget;
    server.serving = server.released = false;
    expect_equal(endpoint_create(0, 0, &server.endpoint), OK);
    expect_equal(budget_create(PRIORITY_TESTS, 1000, &budget), OK);
    task_create(&server.task, serve_until_released, PRIORITY_TESTS);
    expect_passed();
    client.endpoint = server.endpoint;
    task_go(&server.task);
    client_start(&client, PRIORITY_TESTS);
    while (!server.serving)
        thread_yield();
    expect_equal(thread_stop(server.task.thread), OK);
    expect_equal(budget_bind(budget, server.task.thread), E_BAD_STATE);
    server.released = true;
    expect_equal(thread_start(server.task.thread), OK);
    expect(task_wait(&client.task));
    expect_equal(client.status, OK);
    expect_equal(client.reply, 9);
    task_end(&client.task);
    task_end(&server.task);
    handle_close(budget);
    handle_close(server.endpoint);
}

static const struct test_case cases[] = {
    { "ranges of priority and slice", ranges, NULL },
    { "no priority above what the process may give", no_priority_above_ones_own, NULL },
    { "a thread that has not run has used nothing", nothing_used_yet, NULL },
    { "a bound budget pays", bound_budget_pays, NULL },
    { "rules of binding", binding_rules, NULL },
    { "a budget lives while it is bound", closed_while_bound, NULL },
    { "a handler runs on its caller's account", .run_gate = handler_runs_on_callers_account },
    { "however deep the call", .run_gate = depth_does_not_matter },
    { "a caller's new priority reaches its handler", .run_gate = priority_reaches_the_handler },
    { "the lender dies", .run_gate = lender_dies },
    { "a worker that was stopped while it serves", .run_gate = stopped_while_serving },
};
TEST_GROUP(budget_tests, "budget");
