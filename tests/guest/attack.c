/* One client attacks: what does another one feel of it?
 *
 * The victim, a process of its own, sleeps, wakes, and calls through a worker of the capped pool to `echo`: a nested call over
 * three processes. First alone, then beside a process with a quota of its own that takes workers, handles, memory or time.
 *
 * The victim's priority is above the attacker's, as whoever wants it served would set it: turns of the CPU among equals are what
 * the scheduler is for, and would only hide the rest. The attacker's requests run on its own budget, and most hold a worker that
 * waits, which costs no CPU at all. So what the victim loses, it loses in kernel, pool and library: no worker free, longer queues
 * and tables, timers that fire. Its sleeps end at whatever the attacker is just doing, so it meets all that can be left behind.
 *
 * Where ticks are instructions and the kernel is optimised, the 99th percentile may at most double: that of the call, and that
 * of the time from when the victim was due until it has its answer. How late it wakes is shown as well. */
#include "child.h"

#define LEAST_KHZ 500000u
#define ROUNDS_DEFAULT 1000u        /* calls alone, and under each attack; attack-rounds= in the system list */
#define ROUNDS_MAX 100000u
#define PAUSE_LEAST 20u             /* microseconds between two calls, */
#define PAUSE_SPREAD 60u            /* and up to so many more */
#define PATIENCE 20000u             /* microseconds for each call of the victim, on average; nobody waits longer */
#define PRIORITY_VICTIM (PRIORITY_TESTS + 4)
#define PRIORITY_ATTACK (PRIORITY_TESTS - 4)
#define ATTACK_QUOTA (1024u * 1024u)
#define THREADS 6u                  /* of the attacker, on 1 KiB of stack each */
#define THREAD_STACK 1024u
#define BADGE_VICTIM 6u
#define BADGE_ATTACKER 5u
#define HELD_BIT 9u                 /* of `release` */
#define DEADLINE 300u               /* microseconds, at most */
#define VICTIMS_DEADLINE (2u * SECOND)
#define TABLE_MAX 1024u
#define LARGEST_PIECE 128u          /* pages */
#define PIECES 64u
#define MAPPED 32u                  /* pages */
#define TIMERS 500u
#define NEAR_TIMERS 128u             /* of them, those that fire soon */

/* On the page that all three see. */
struct field {
    uint32_t gate, rounds, timeout;
    handle_t victims_pool, attackers_pool, release;
    volatile uint32_t failures;     /* calls of the victim that were not answered */
    volatile status_t failure;      /* the last of them */
    volatile uint32_t turns;        /* of the attacker's threads */
};
#define FIELD ((struct field *)SHARED->words)
_Static_assert(sizeof(struct field) <= sizeof(SHARED->words), "it is on the shared page");

/* ---- the victim ---- */

static uint64_t due_in(uint32_t microseconds)
{
    return ticks() + (uint64_t)info(INFO_TSC_KHZ) * microseconds / 1000;
}

static status_t call_within(uint32_t timeout, uint32_t word, uint32_t *answer)
{
    struct message message = { .word = word, .method = METHOD_FORWARD, .handle = HANDLE_NONE };
    status_t status = ipc_call(FIELD->victims_pool, timeout, &message);
    *answer = message.word;
    return status != OK ? status : message.status;
}

static void call_once(const struct gate *gate, uint32_t word, uint32_t *took)
{
    uint32_t answer = 0;
    uint64_t begin = ticks();
    status_t status = FIELD->timeout ? call_within(FIELD->timeout, word, &answer) :
                      call(gate, FIELD->victims_pool, METHOD_FORWARD, word, &answer);
    *took = (uint32_t)(ticks() - begin);
    if (status == OK && answer == word)
        return;
    FIELD->failures++;
    FIELD->failure = status;
}

static uint32_t live(void)
{
    uint32_t *took = (uint32_t *)CHILD_SCRATCH, *late = took + FIELD->rounds, seed = 1, bits;
    handle_t alarm = HANDLE_NONE;
    notification_create(&alarm);
    for (uint32_t i = 0; i < FIELD->rounds; i++) {
        uint32_t pause = PAUSE_LEAST + random_next(&seed) % PAUSE_SPREAD;
        uint64_t due = due_in(pause);
        notification_wait(alarm, 1, pause, &bits);
        late[i] = (uint32_t)(ticks() - due);
        call_once(&gates[FIELD->gate], i, &took[i]);
    }
    return 0;
}

/* ---- the attacker: what its threads do, each again and again ---- */

__asm__(".globl attack_entry\n"
        "attack_entry:\n\t"
        "call *%ebx\n\t" /* which keeps EBX */
        "jmp attack_entry\n");
void attack_entry(void);

static void call_pool(uint32_t method, uint32_t word, uint32_t timeout, handle_t attached)
{
    struct message message = { .word = word, .method = method, .handle = attached };
    if (ipc_call(FIELD->attackers_pool, timeout, &message) != OK && attached != HANDLE_NONE)
        handle_close(attached);
    FIELD->turns++;
}

/* Keeps its worker until somebody lets it go. */
static void hold_worker(void) { call_pool(METHOD_HOLD, HELD_BIT, TIMEOUT_NEVER, HANDLE_NONE); }

/* Leaves the call, while the worker is still held. */
static void hold_and_leave(void)
{
    static uint32_t seed = 2;
    call_pool(METHOD_HOLD, HELD_BIT, 1 + random_next(&seed) % DEADLINE, HANDLE_NONE);
}

static void pause(void)
{
    static handle_t alarm;
    uint32_t bits;
    if (alarm == HANDLE_NONE)
        notification_create(&alarm);
    notification_wait(alarm, 1, DEADLINE, &bits);
}

static void let_go(void)
{
    pause();
    notification_signal(FIELD->release, 1u << HELD_BIT);
}

static void call_quickly(void)
{
    call_pool(METHOD_ECHO, 0, TIMEOUT_NEVER, HANDLE_NONE);
    call_pool(METHOD_FORWARD, 0, TIMEOUT_NEVER, HANDLE_NONE);
    call_pool(METHOD_SPIN, 10, TIMEOUT_NEVER, HANDLE_NONE);
}

static void arm(uint32_t count, uint32_t least)
{
    static handle_t timers[TIMERS];
    static uint32_t seed = 3;
    for (uint32_t i = 0; i < count; i++) {
        if (timers[i] == HANDLE_NONE)
            notification_create(&timers[i]);
        notification_timer(timers[i], 1, least + random_next(&seed) % DEADLINE);
    }
    pause();
    FIELD->turns++;
}

static void arm_near(void) { arm(NEAR_TIMERS, 0); }

/* Sooner than the deadline of the victim's call. */
static void arm_far(void) { arm(TIMERS, VICTIMS_DEADLINE / 2); }

static void fill_table(void)
{
    static handle_t copies[TABLE_MAX];
    uint32_t count = 0;
    while (count < TABLE_MAX && handle_duplicate(FIELD->attackers_pool, RIGHT_CALL, 0, &copies[count]) == OK)
        count++;
    while (count > 0)
        handle_close(copies[--count]);
    FIELD->turns++;
}

/* The service closes what comes with a method that it does not have. */
static void push_handle(void)
{
    handle_t notification;
    if (notification_create(&notification) == OK)
        call_pool(METHOD_MISSING, 0, TIMEOUT_NEVER, notification);
}

static void take_memory(void)
{
    static handle_t pieces[PIECES];
    uint32_t count = 0;
    for (uint32_t pages = LARGEST_PIECE; pages > 0; pages /= 2)
        while (count < PIECES && memory_create(pages, 0, &pieces[count]) == OK)
            count++;
    while (count > 0)
        handle_close(pieces[--count]);
    FIELD->turns++;
}

static void map_and_revoke(void)
{
    handle_t piece;
    if (memory_create(MAPPED, 0, &piece) != OK)
        return;
    process_map(HANDLE_NONE, piece, CHILD_SCRATCH, PROTECT_READ | PROTECT_WRITE, 0, MAPPED);
    process_protect(HANDLE_NONE, CHILD_SCRATCH, PROTECT_READ, MAPPED);
    memory_revoke(piece);
    handle_close(piece);
    FIELD->turns++;
}

static void make_process(void)
{
    handle_t process;
    if (process_create(ATTACK_QUOTA / 16, HANDLE_NONE, 0, PRIORITY_ATTACK, &process) != OK)
        return;
    process_destroy(process, 0);
    handle_close(process);
    FIELD->turns++;
}

static void make_threads(void)
{
    static handle_t threads[PIECES];
    uint32_t count = 0;
    while (count < PIECES && thread_create(HANDLE_NONE, (uint32_t)child_entry, CHILD_STACK_TOP, 0, 1, &threads[count]) == OK)
        count++;
    for (; count > 0; count--) {
        thread_destroy(threads[count - 1]);
        handle_close(threads[count - 1]);
    }
    FIELD->turns++;
}

struct attack {
    const char *name;
    uint32_t timeout;               /* of the victim's calls, which then go through INT 250; 0: none */
    void (*threads[THREADS])(void);
};

static const struct attack the_pool = { "pool", 0, { hold_worker, hold_worker, call_quickly, call_quickly, let_go } };
static const struct attack deadlines = { "deadlines", 0,
                                         { hold_and_leave, hold_and_leave, hold_and_leave, arm_near, let_go } };
static const struct attack timers = { "timers", VICTIMS_DEADLINE, { arm_far } };
static const struct attack handles = { "handles", 0, { fill_table, push_handle, push_handle } };
static const struct attack memory = { "memory", 0, { take_memory, map_and_revoke, make_process, make_threads } };

/* ---- a measurement ---- */

static struct {
    struct child victim, attacker;
    handle_t threads[THREADS];
    handle_t pool_victim, pool_attacker;    /* the same one, by two badges */
    handle_t samples;
    uint32_t address, pages;                /* where we see them */
} state;

struct figures { uint32_t p50, p99, most; };
struct result { struct figures took, late; };

static uint32_t rounds(void)
{
    uint32_t wanted = argument_number("attack-rounds", ROUNDS_DEFAULT);
    return wanted < ROUNDS_MAX ? wanted : ROUNDS_MAX;
}

static void open_field(const struct gate *gate)
{
    state.pages = (2 * rounds() * sizeof(uint32_t) + PAGE_SIZE - 1) / PAGE_SIZE;
    state.address = address_reserve(state.pages);
    expect(state.address);
    expect_equal(memory_create(state.pages, 0, &state.samples), OK);
    expect_equal(process_map(HANDLE_NONE, state.samples, state.address, PROTECT_READ | PROTECT_WRITE, 0, state.pages), OK);
    expect_equal(handle_duplicate(gate->services->capped, RIGHT_CALL | RIGHT_TRANSFER, BADGE_VICTIM, &state.pool_victim), OK);
    expect_equal(handle_duplicate(gate->services->capped, RIGHT_CALL | RIGHT_TRANSFER, BADGE_ATTACKER, &state.pool_attacker), OK);
    expect_equal(service_find(gate->sysenter ? "echo" : "echo-int", &nested_target), OK);
    nested_method = 0;
    nested_gate = gate;
}

static void close_field(void)
{
    process_unmap(HANDLE_NONE, state.address, state.pages);
    address_release(state.address, state.pages);
    handle_close(state.samples);
    handle_close(state.pool_victim);
    handle_close(state.pool_attacker);
    handle_close(nested_target);
}

static void make_both(const struct gate *gate, uint32_t timeout)
{
    child_create(&state.victim, CHILD_QUOTA);
    child_create(&state.attacker, ATTACK_QUOTA);
    expect_passed();
    FIELD->gate = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    FIELD->rounds = rounds();
    FIELD->timeout = timeout;
    FIELD->victims_pool = child_give(&state.victim, state.pool_victim, RIGHT_CALL);
    FIELD->attackers_pool = child_give(&state.attacker, state.pool_attacker, RIGHT_CALL);
    FIELD->release = child_give(&state.attacker, release, RIGHT_WRITE);
    expect_equal(process_map(state.victim.process, state.samples, CHILD_SCRATCH, PROTECT_READ | PROTECT_WRITE, 0, state.pages),
                 OK);
}

static void start_attack(const struct attack *attack)
{
    for (uint32_t i = 0; i < THREADS && attack->threads[i]; i++) {
        expect_equal(thread_create(state.attacker.process, (uint32_t)attack_entry, CHILD_STACK_TOP - i * THREAD_STACK,
                                   (uint32_t)attack->threads[i], PRIORITY_ATTACK, &state.threads[i]), OK);
        expect_equal(thread_start(state.threads[i]), OK);
    }
    sleep_microseconds(20 * DEADLINE);
}

/* The attacker's workers are let go; nothing of the attack is left in the pool. */
static void end_both(const struct gate *gate)
{
    uint32_t bits;
    child_end(&state.victim);
    child_end(&state.attacker);
    for (uint32_t i = 0; i < THREADS; i++) {
        handle_close(state.threads[i]);
        state.threads[i] = HANDLE_NONE;
    }
    for (uint32_t i = 0; i < 100 && endpoint_fact(gate->services->capped, ENDPOINT_IDLE) != 4; i++) {
        notification_signal(release, 1u << HELD_BIT);
        sleep_microseconds(1000);
    }
    notification_wait(release, 1u << HELD_BIT, 0, &bits);
    notification_wait(entered, 1, 0, &bits);
    expect_equal(endpoint_fact(gate->services->capped, ENDPOINT_IDLE), 4);
}

static void let_it_live(const struct attack *attack, bool alone)
{
    uint32_t turns = 0;
    if (!alone) {
        start_attack(attack);
        expect_passed();
        turns = FIELD->turns;
    }
    child_start(&state.victim, live, PRIORITY_VICTIM);
    expect_passed();
    expect_equal(child_wait(&state.victim, PATIENCE * rounds()), CHILD_ENDED);
    expect_equal(FIELD->failure, OK);
    expect_equal(FIELD->failures, 0);
    expect(alone || FIELD->turns > turns); /* it went on meanwhile */
    expect_equal(state.attacker.faults, 0);
}

/* ---- figures ---- */

static void sort(uint32_t *numbers, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2)
        for (uint32_t i = gap; i < count; i++) {
            uint32_t number = numbers[i], at = i;
            for (; at >= gap && numbers[at - gap] > number; at -= gap)
                numbers[at] = numbers[at - gap];
            numbers[at] = number;
        }
}

static struct figures figures_of(uint32_t *numbers, uint32_t count)
{
    sort(numbers, count);
    return (struct figures){ numbers[count / 2], numbers[count - 1 - count / 100], numbers[count - 1] };
}

static void measure(const struct gate *gate, const struct attack *attack, bool alone, struct result *result)
{
    uint32_t *took = (uint32_t *)state.address, *late = took + rounds();
    make_both(gate, attack->timeout);
    expect_passed();
    let_it_live(attack, alone);
    end_both(gate);
    result->took = figures_of(took, rounds());
    result->late = figures_of(late, rounds());
}

static void show(const struct attack *attack, const char *what, const struct figures *alone, const struct figures *attacked,
                 const struct gate *gate)
{
    print("# attack on %s: %s p50 %u p99 %u max %u alone, p50 %u p99 %u max %u attacked, %s, %s\n", attack->name, what,
          alone->p50, alone->p99, alone->most, attacked->p50, attacked->p99, attacked->most,
          ticks_are_instructions() ? "instructions" : "ticks", gate->name);
}

/* On an optimised kernel, and where what takes microseconds comes no oftener among the instructions than on a CPU of today: under
 * Bochs, whose microsecond has fifty, a deadline's interrupt falls into every call. */
static bool can_be_judged(void)
{
    return ticks_are_instructions() && info(INFO_BUILD_RELEASE) && info(INFO_TSC_KHZ) >= LEAST_KHZ;
}

static void compare(const struct gate *gate, const struct attack *attack)
{
    struct result alone, attacked;
    measure(gate, attack, true, &alone);
    expect_passed();
    measure(gate, attack, false, &attacked);
    expect_passed();
    show(attack, "a call", &alone.took, &attacked.took, gate);
    show(attack, "waking", &alone.late, &attacked.late, gate);
    if (!can_be_judged())
        return;
    expect(attacked.took.p99 <= 2 * alone.took.p99);
    expect(attacked.late.p99 + attacked.took.p99 <= 2 * (alone.late.p99 + alone.took.p99));
}

static void withstand(const struct gate *gate, const struct attack *attack)
{
    open_field(gate);
    if (!test_failed())
        compare(gate, attack);
    close_field();
}

static void taking_workers(const struct gate *gate) { withstand(gate, &the_pool); }
static void leaving_calls(const struct gate *gate) { withstand(gate, &deadlines); }
static void arming_timers(const struct gate *gate) { withstand(gate, &timers); }
static void taking_handles(const struct gate *gate) { withstand(gate, &handles); }
static void taking_memory(const struct gate *gate) { withstand(gate, &memory); }

static const struct test_case cases[] = {
    { "a client that takes workers", .run_gate = taking_workers },
    { "a client that leaves calls at their deadline", .run_gate = leaving_calls },
    { "a client that arms timers", .run_gate = arming_timers },
    { "a client that takes handles", .run_gate = taking_handles },
    { "a client that takes memory", .run_gate = taking_memory },
};
TEST_GROUP(attack_tests, "attack");
