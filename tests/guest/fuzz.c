/* Random calls with random arguments, in processes that may be lost; the system must go on as before. */
#include "child.h"

#define SEEDS 16u
#define CALLS 1500u
#define PATIENCE 100000u    /* microseconds; a child that blocks itself for longer is ended */
#define FUZZ_QUOTA (512u * 1024u)
#define HANDLES 10u

static const uint32_t odd_words[] = {
    0, 1, 2, 3, 4, 7, 31, 32, 0xFFF, 0x1000, 0x1001, 0x7FFFFFFF, 0x80000000, 0xBFDFF000, 0xBFE00000, 0xC0000000,
    0xC0100000, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF,
};

static uint32_t random_word(uint32_t *state)
{
    uint32_t choice = random_next(state) % 8;
    if (choice < 3)
        return SHARED->handles[random_next(state) % HANDLES];
    if (choice < 5)
        return odd_words[random_next(state) % COUNT(odd_words)];
    if (choice < 6)
        return random_next(state) % 64;
    if (choice < 7)
        return 0x50000000 + random_next(state) % 64 * PAGE_SIZE + random_next(state) % 8;
    return random_next(state);
}

/* The text of the log would be nonsense, and the end comes soon enough. */
static bool is_excluded(uint32_t number)
{
    return number == SYS_log || number == SYS_thread_exit || number == SYS_process_destroy;
}

static void random_call(const struct gate *gate, uint32_t *state)
{
    struct raw raw = { .eax = random_next(state) % (SYSCALL_COUNT + 2), .ebx = random_word(state), .ecx = random_word(state),
                       .edx = random_word(state), .esi = random_word(state), .edi = random_word(state),
                       .ebp = random_word(state), .eflags = 0x202 };
    if (is_excluded(raw.eax))
        return;
    if (gate->sysenter && random_next(state) % 2) {
        raw.eax = random_word(state);
        raw_sysenter(&raw);
    } else {
        raw_int(&raw);
    }
    if ((int32_t)raw.ebx > 0 && raw.eax == OK) /* perhaps a handle: use it from now on */
        SHARED->handles[random_next(state) % HANDLES] = raw.ebx;
    SHARED->words[1]++;
}

static uint32_t run_random_calls(void)
{
    uint32_t state = SHARED->words[0];
    const struct gate *gate = &gates[SHARED->words[2]];
    for (uint32_t i = 0; i < CALLS; i++)
        random_call(gate, &state);
    return 7;
}

/* One handle of each kind, all rights; the endpoint is one that nobody serves unless the child itself does. */
static void give_everything(struct child *child)
{
    handle_t own[6];
    expect_equal(notification_create(&own[0]), OK);
    expect_equal(endpoint_create(0, 0, &own[1]), OK);
    expect_equal(memory_create(4, 0, &own[2]), OK);
    expect_equal(budget_create(3, 1000, &own[3]), OK);
    expect_equal(thread_create(child->process, 0x1000, 0x2000, 0, 1, &own[4]), OK);
    expect_equal(process_create(40960, HANDLE_NONE, 0, 0, &own[5]), OK);
    for (uint32_t i = 0; i < COUNT(own); i++) {
        SHARED->handles[i] = child_give(child, own[i], RIGHTS_ALL);
        if (i < 5)
            handle_close(own[i]);
    }
    SHARED->handles[6] = child_give(child, services[GATE_INT].capped, RIGHT_CALL);
    SHARED->handles[7] = child_give(child, services[GATE_SYSENTER].capped, RIGHT_CALL);
    SHARED->words[3] = own[5];
}

static void run_seed(const struct gate *gate, uint32_t seed, uint32_t *calls)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, FUZZ_QUOTA);
    expect_passed();
    give_everything(&child);
    expect_passed();
    handle_t extra = SHARED->words[3];
    SHARED->words[0] = seed * 2654435761u | 1;
    SHARED->words[2] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, run_random_calls, PRIORITY_TESTS - 4);
    child_wait(&child, PATIENCE);
    *calls += SHARED->words[1];
    child_end(&child);
    process_destroy(extra, 0);
    handle_close(extra);
}

static void expect_answers(const struct gate *gate)
{
    uint32_t answer = 0;
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 0xABCD, &answer), OK);
    expect_equal(answer, 0xABCD);
}

static void random_calls(const struct gate *gate)
{
    uint32_t calls = 0, used = quota_used();
    uint32_t limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    for (uint32_t seed = 1; seed <= SEEDS && !test_failed(); seed++) {
        run_seed(gate, seed, &calls);
        expect_answers(gate);
    }
    expect_passed();
    expect(calls > SEEDS * 20); /* it must not be that every child ends at once */
    expect_equal(quota_used(), used);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
}

static const struct test_case cases[] = {
    { "random calls, and the system goes on", .run_gate = random_calls },
};
TEST_GROUP(fuzz_tests, "fuzz");
