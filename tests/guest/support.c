/* Helpers of the cases: gates, facts, time, threads that make one call. */
#include "tests.h"

#include "tests/audit/request.h"

#define SETTLE_TRIES 1000u
#define TASK_STACK PAGE_SIZE
#define TASK_DONE 1u

/* ---- gates ---- */

static status_t call_int(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call_int(endpoint, method, word, reply, status);
}

static status_t call_sysenter(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call_sysenter(endpoint, method, word, reply, status);
}

static status_t null_int(void) { return gate_null_int(); }
static status_t null_sysenter(void) { return gate_null_sysenter(); }

const struct gate gates[GATES] = {
    [GATE_INT] = { "INT 250", false, call_int, null_int, &services[GATE_INT] },
    [GATE_SYSENTER] = { "SYSENTER", true, call_sysenter, null_sysenter, &services[GATE_SYSENTER] },
};

status_t call(const struct gate *gate, handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply)
{
    status_t service_status = OK;
    status_t status = gate->call(endpoint, method, word, reply, &service_status);
    return status != OK ? status : service_status;
}

/* ---- facts ---- */

uint32_t info(uint32_t which)
{
    uint32_t value = 0;
    system_info(which, &value);
    return value;
}

uint32_t process_fact(handle_t process, uint32_t which)
{
    uint32_t value = 0xFFFFFFFF;
    process_info(process, which, &value);
    return value;
}

uint32_t quota_used(void)
{
    sleep_microseconds(5000);
    return process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
}

uint32_t endpoint_fact(handle_t endpoint, uint32_t which)
{
    uint32_t value = 0xFFFFFFFF;
    endpoint_info(endpoint, which, &value);
    return value;
}

bool endpoint_reaches(handle_t endpoint, uint32_t which, uint32_t value)
{
    for (uint32_t i = 0; i < SETTLE_TRIES; i++) {
        if (endpoint_fact(endpoint, which) == value)
            return true;
        sleep_microseconds(1000);
    }
    return false;
}

uint32_t uptime(void)
{
    return info(INFO_UPTIME_MS);
}

void spin(uint32_t microseconds)
{
    uint64_t end = ticks() + (uint64_t)info(INFO_TSC_KHZ) * microseconds / 1000;
    while (ticks() < end)
        continue;
}

/* Two instructions a turn. */
static uint32_t ticks_of(uint32_t turns)
{
    uint64_t begin = ticks();
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    return (uint32_t)(ticks() - begin);
}

/* An interrupt may come in between: once in a few times must do. */
bool ticks_are_instructions(void)
{
    for (uint32_t i = 0; i < 5; i++)
        if (ticks_of(3000) - ticks_of(1000) == 4000)
            return true;
    return false;
}

uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- threads ---- */

__asm__(".globl task_entry\n"
        "task_entry:\n\t"
        "pushl %ebx\n\t"
        "call task_main\n");
void task_entry(void);
_Noreturn void task_main(struct task *task);

void task_main(struct task *task)
{
    task->run(task);
    notification_signal(task->done, TASK_DONE);
    thread_exit();
}

void task_create(struct task *task, void (*run)(struct task *task), uint32_t priority)
{
    *task = (struct task){ .run = run };
    task->stack = pages_allocate(TASK_STACK);
    expect(task->stack);
    expect_equal(notification_create(&task->done), OK);
    expect_equal(thread_create(HANDLE_NONE, (uint32_t)task_entry, (uint32_t)task->stack + TASK_STACK, (uint32_t)task,
                               priority, &task->thread), OK);
}

void task_go(struct task *task)
{
    if (task->thread)
        expect_equal(thread_start(task->thread), OK);
}

bool task_wait(struct task *task)
{
    uint32_t bits;
    return task->done && notification_wait(task->done, TASK_DONE, 2 * SECOND, &bits) == OK;
}

bool task_blocked(struct task *task)
{
    uint32_t bits;
    return notification_wait(task->done, TASK_DONE, SECOND / 50, &bits) == E_TIMED_OUT;
}

void task_end(struct task *task)
{
    if (task->thread)
        thread_destroy(task->thread);
    handle_close(task->thread);
    handle_close(task->done);
    if (task->stack)
        pages_free(task->stack, TASK_STACK);
    *task = (struct task){ 0 };
}

/* ---- clients ---- */

static void client_run(struct task *task)
{
    struct client *client = (struct client *)task;
    if (client->timeout == 0 || client->timeout == TIMEOUT_NEVER) {
        client->status = client->gate->call(client->endpoint, client->method, client->word, &client->reply,
                                            &client->service_status);
        return;
    }
    struct message message = { .word = client->word, .method = client->method, .handle = HANDLE_NONE };
    client->status = ipc_call(client->endpoint, client->timeout, &message);
    client->reply = message.word;
    client->service_status = message.status;
}

void client_start(struct client *client, uint32_t priority)
{
    task_create(&client->task, client_run, priority);
    task_go(&client->task);
}

/* ---- the audit kernel ---- */

bool audit_ask(uint32_t question, uint32_t *answer)
{
    return process_info(AUDIT_REQUEST, question, answer) == OK;
}

void expect_audit(void)
{
    uint32_t violations = 0;
    audit_ask(AUDIT_CHECK, &violations);
    expect_equal(violations, 0);
}
