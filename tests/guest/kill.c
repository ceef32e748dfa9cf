/* Something ends, or is taken away, at every instruction of a nested call: client -> first -> second -> leaf, a process each.
 *
 * The local APIC's timer, set by the client right before its call, fires k clocks later and wakes the killer, who is of higher
 * priority: at whatever instruction the chain is then, one thing goes wrong. The call must complete exactly once, by its
 * answer or by an error that fits, and nothing may be left behind. Exact where clocks are instructions (icount). */
#include "child.h"

#define APIC_FRAME 0xFEE00u
#define APIC_INITIAL (0x380 / 4)
#define APIC_ADDRESS 0x51000000u
#define MEMORY_ADDRESS 0x52000000u  /* in all four: each touches its own word */
#define FAR 100000000u              /* clocks: not before the trial is over */
#define DUE 20u                     /* microseconds until the killer's timer is due; only then the APIC is let fire */
#define PATIENCE 20000u             /* microseconds in which any call must be complete */
#define PRIORITY_CLIENT (PRIORITY_TESTS - 4)
#define PRIORITY_BETTER (PRIORITY_TESTS - 2)
#define PRIORITY_WORSE 2u
#define POINTS_DEFAULT 6u           /* of each call, unless kill-stride= says which */
#define WORD 1000u
#define TIMER_BIT 1u
#define CLOSE_BIT 2u
#define DEADLINE 2u                 /* microseconds */

enum place { CLIENT, FIRST, MIDDLE, LEAF, PLACES };

enum action {
    NOTHING, KILL_CLIENT, KILL_SERVICE, KILL_LEAF, CLOSE_HANDLE, REVOKE_MEMORY, UNMAP_STACK, CHANGE_PRIORITY, CANCEL, STOP,
    EXPIRE_DEADLINE, ACTIONS
};

static const char *const action_names[ACTIONS] = {
    "nothing", "kill client", "kill service", "kill leaf", "close handle", "revoke memory", "unmap stack", "change priority",
    "cancel", "stop", "expire deadline",
};

/* What the four see of each other, in SHARED->words. */
struct trial {
    uint32_t gate, clocks, timeout, delay;
    handle_t timer;                     /* the client's handle of the notification */
    handle_t close;                     /* the first service's handle of it */
    handle_t serve[PLACES], next[PLACES];
    volatile uint32_t returned, answer, took, started;
    volatile status_t status, service_status;
};
#define TRIAL ((struct trial *)SHARED->words)
_Static_assert(sizeof(struct trial) <= sizeof(SHARED->words), "it is on the shared page");

/* ---- what runs in the four processes ---- */

static void touch(enum place place)
{
    ((volatile uint32_t *)MEMORY_ADDRESS)[place]++;
}

/* Two instructions a turn, so that a deadline of whole microseconds can be moved over the rest of the chain. */
static void delay(uint32_t turns)
{
    __asm__ volatile("1: decl %0\n\tjns 1b" : "+r"(turns) : : "cc");
}

static void reply_by(const struct gate *gate, struct raw *raw, uint32_t word, status_t status)
{
    *raw = (struct raw){ .eax = gate->sysenter ? (uint32_t)OP_REPLY_WAIT : SYS_reply_wait, .ebx = word, .esi = (uint32_t)status,
                         .edi = HANDLE_NONE, .eflags = 0x202 };
    raw_reply(gate, raw);
}

static uint32_t serve(enum place place)
{
    const struct gate *gate = &gates[TRIAL->gate];
    struct message message = { .word = 0 };
    struct raw raw = { .eax = 0 };
    raw.eax = (uint32_t)ipc_wait(TRIAL->serve[place], &message);
    raw.ebx = message.word;
    while ((int32_t)raw.eax >= 0) {
        uint32_t answer = raw.ebx + 1;
        status_t status = OK;
        touch(place);
        if (place == FIRST)
            delay(TRIAL->delay);
        if (place != LEAF)
            status = call(gate, TRIAL->next[place], 0, answer, &answer);
        reply_by(gate, &raw, answer, status);
    }
    return 0;
}

static uint32_t serve_first(void) { return serve(FIRST); }
static uint32_t serve_middle(void) { return serve(MIDDLE); }
static uint32_t serve_leaf(void) { return serve(LEAF); }

/* A thread of the first service: takes the handle away that its worker calls through. */
static uint32_t close_when_told(void)
{
    uint32_t bits;
    notification_wait(TRIAL->close, CLOSE_BIT, TIMEOUT_NEVER, &bits);
    handle_close(TRIAL->next[FIRST]);
    thread_exit();
}

static void spin_until(uint64_t when)
{
    while (ticks() < when)
        continue;
}

static void call_with_deadline(void)
{
    struct message message = { .word = WORD, .handle = HANDLE_NONE };
    TRIAL->status = ipc_call(TRIAL->next[CLIENT], TRIAL->timeout, &message);
    TRIAL->answer = message.word;
    TRIAL->service_status = message.status;
}

static void call_without(const struct gate *gate)
{
    uint32_t answer = 0;
    status_t service_status = OK;
    TRIAL->status = gate->call(TRIAL->next[CLIENT], 0, WORD, &answer, &service_status);
    TRIAL->answer = answer;
    TRIAL->service_status = service_status;
}

static uint32_t run_client(void)
{
    const struct gate *gate = &gates[TRIAL->gate];
    volatile uint32_t *initial = (volatile uint32_t *)APIC_ADDRESS + APIC_INITIAL;
    touch(CLIENT);
    notification_timer(TRIAL->timer, TIMER_BIT, DUE);
    uint64_t due = ticks() + (uint64_t)info(INFO_TSC_KHZ) * 2 * DUE / 1000;
    *initial = FAR;
    spin_until(due);
    TRIAL->started = 1;
    uint64_t start = ticks();
    *initial = TRIAL->clocks;
    if (TRIAL->timeout)
        call_with_deadline();
    else
        call_without(gate);
    TRIAL->took = (uint32_t)(ticks() - start);
    TRIAL->returned++;
    return 0;
}

/* ---- the four processes ---- */

static struct {
    struct child children[PLACES];
    handle_t endpoints[PLACES];     /* that each of them serves */
    handle_t timer, memory, apic, closer;
    uint32_t trials, felt;          /* so far, and those in which the call did not end with its answer */
} state;

static uint32_t (*const functions[PLACES])(void) = { run_client, serve_first, serve_middle, serve_leaf };

static void make_objects(void)
{
    expect_equal(notification_create(&state.timer), OK);
    expect_equal(memory_create(1, 0, &state.memory), OK);
    for (uint32_t i = FIRST; i < PLACES; i++)
        expect_equal(endpoint_create(0, 0, &state.endpoints[i]), OK);
    for (uint32_t i = 0; i < PLACES; i++) {
        state.children[i] = (struct child){ .on_fault = NULL };
        child_create(&state.children[i], CHILD_QUOTA);
        expect_passed();
        expect_equal(process_map(state.children[i].process, state.memory, MEMORY_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1),
                     OK);
    }
    expect_equal(process_map(state.children[CLIENT].process, state.apic, APIC_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
}

static void tell(const struct gate *gate, enum action action, uint32_t clocks)
{
    bool deadline = action == EXPIRE_DEADLINE;
    *TRIAL = (struct trial){ .gate = gate->sysenter ? GATE_SYSENTER : GATE_INT, .clocks = deadline ? FAR : clocks,
                             .timeout = deadline ? DEADLINE : 0, .delay = deadline ? clocks / 2 : 0 };
    TRIAL->timer = child_give(&state.children[CLIENT], state.timer, RIGHTS_ALL);
    TRIAL->close = child_give(&state.children[FIRST], state.timer, RIGHTS_ALL);
    for (uint32_t i = FIRST; i < PLACES; i++) {
        TRIAL->serve[i] = child_give(&state.children[i], state.endpoints[i], RIGHT_SERVE);
        TRIAL->next[i - 1] = child_give(&state.children[i - 1], state.endpoints[i], RIGHT_CALL);
    }
}

static void start_closer(void)
{
    expect_equal(thread_create(state.children[FIRST].process, (uint32_t)child_entry, CHILD_STACK_TOP - PAGE_SIZE,
                               (uint32_t)close_when_told, PRIORITY_TESTS, &state.closer), OK);
    expect_equal(thread_start(state.closer), OK);
}

static void start(const struct gate *gate, enum action action, uint32_t clocks)
{
    make_objects();
    expect_passed();
    tell(gate, action, clocks);
    for (uint32_t i = PLACES; i-- > 0;) {
        child_start(&state.children[i], functions[i], PRIORITY_CLIENT);
        expect_passed();
        if (i == FIRST && action == CLOSE_HANDLE)
            start_closer();
        expect(i == CLIENT || endpoint_reaches(state.endpoints[i], ENDPOINT_IDLE, 1));
    }
}

static void end(void)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        child_end(&state.children[i]);
        handle_close(state.endpoints[i]);
        state.endpoints[i] = HANDLE_NONE;
    }
    handle_close(state.closer);
    handle_close(state.timer);
    handle_close(state.memory);
    state.closer = state.timer = state.memory = HANDLE_NONE;
}

/* ---- what goes wrong ---- */

static void act(enum action action)
{
    const struct child *children = state.children;
    switch (action) {
    case KILL_CLIENT: process_destroy(children[CLIENT].process, 1); break;
    case KILL_SERVICE: process_destroy(children[FIRST].process, 1); break;
    case KILL_LEAF: process_destroy(children[LEAF].process, 1); break;
    case CLOSE_HANDLE: notification_signal(state.timer, CLOSE_BIT); break;
    case REVOKE_MEMORY: memory_revoke(state.memory); break;
    case UNMAP_STACK:
        process_unmap(children[MIDDLE].process, CHILD_STACK_TOP - CHILD_STACK_BYTES, CHILD_STACK_BYTES / PAGE_SIZE);
        break;
    case CHANGE_PRIORITY: budget_set(children[CLIENT].thread, PRIORITY_BETTER, 1000); break;
    case CANCEL: thread_cancel(children[CLIENT].thread); break;
    case STOP:
        thread_stop(children[CLIENT].thread);
        thread_start(children[CLIENT].thread);
        break;
    default: break;
    }
}

/* What the client may be told; its own death tells it nothing. */
static bool is_good_end(enum action action)
{
    status_t status = TRIAL->status != OK ? TRIAL->status : TRIAL->service_status;
    if (TRIAL->status == OK && TRIAL->service_status == OK && TRIAL->answer == WORD + LEAF)
        return true;
    switch (action) {
    case KILL_SERVICE: return TRIAL->status == E_PEER_DIED;
    case KILL_LEAF: case UNMAP_STACK: case REVOKE_MEMORY: return status == E_PEER_DIED;
    case CLOSE_HANDLE: return TRIAL->status == OK && TRIAL->service_status == E_BAD_HANDLE;
    case CANCEL: case STOP: return TRIAL->status == E_CANCELLED;
    case EXPIRE_DEADLINE: return TRIAL->status == E_TIMED_OUT;
    default: return false;
    }
}

/* A service that is gone is not coming again: whoever waits in its queue is told. */
static void desert(void)
{
    for (uint32_t i = FIRST; i < PLACES; i++) {
        handle_close(state.endpoints[i]);
        state.endpoints[i] = HANDLE_NONE;
    }
}

static bool client_is_done(void)
{
    for (uint32_t waited = 0; waited < PATIENCE; waited += 100) {
        if (TRIAL->returned || !process_fact(state.children[CLIENT].process, PROCESS_ALIVE) ||
            state.children[CLIENT].faults)
            return true;
        sleep_microseconds(100);
    }
    return false;
}

static void judge(enum action action)
{
    expect(client_is_done());
    expect(TRIAL->returned <= 1);
    if (action == REVOKE_MEMORY && state.children[CLIENT].faults)
        return; /* the client itself had nothing left to touch */
    if (action == KILL_CLIENT && !TRIAL->returned)
        return;
    expect_equal(TRIAL->returned, 1);
    if (!is_good_end(action))
        test_fail_equal(__FILE__, __LINE__, action_names[action],
                        (uint32_t)(TRIAL->status != OK ? TRIAL->status : TRIAL->service_status), OK);
}

/* One nested call with one thing gone wrong; *took: how long it took. */
static void try_once(const struct gate *gate, enum action action, uint32_t clocks, uint32_t *took)
{
    uint32_t bits;
    start(gate, action, clocks);
    expect_passed();
    if (action != EXPIRE_DEADLINE && notification_wait(state.timer, TIMER_BIT, PATIENCE, &bits) == OK && TRIAL->started)
        act(action);
    if (action == EXPIRE_DEADLINE)
        sleep_microseconds(PATIENCE / 10);
    sleep_microseconds(10);
    desert();
    judge(action);
    state.trials++;
    state.felt += !TRIAL->returned || TRIAL->status != OK || TRIAL->service_status != OK;
    *took = TRIAL->took;
}

static void trial(const struct gate *gate, enum action action, uint32_t clocks, uint32_t *took)
{
    uint32_t used = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    try_once(gate, action, clocks, took);
    end();
    expect_passed();
    for (uint32_t i = 0; i < 100 && process_fact(HANDLE_NONE, PROCESS_QUOTA_USED) != used; i++)
        sleep_microseconds(100);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), used);
    expect_audit();
}

/* ---- the sweep ---- */

/* Where clocks are instructions, most of what goes wrong is felt by some call: else the killer has come too late. */
static void sweep(const struct gate *gate, enum action action, uint32_t length, uint32_t stride)
{
    uint32_t took, felt = state.felt;
    for (uint32_t clocks = 1; clocks <= length && !test_failed(); clocks += stride) {
        trial(gate, action, clocks, &took);
        if (test_failed())
            print("# %s at clock %u of %u, %s\n", action_names[action], clocks, length, gate->name);
    }
    if (test_failed() || !argument("kill-stride"))
        return;
    expect(state.felt > felt || action == CHANGE_PRIORITY);
    print("# %s: felt by %u calls, %u trials so far, %s\n", action_names[action], state.felt - felt, state.trials,
          gate->name);
}

static void sweep_all(const struct gate *gate)
{
    uint32_t length = 0;
    state.trials = state.felt = 0;
    trial(gate, NOTHING, FAR, &length);
    expect_passed();
    uint32_t stride = argument_number("kill-stride", length / POINTS_DEFAULT + 1);
    for (enum action action = KILL_CLIENT; action < ACTIONS && !test_failed(); action++)
        sweep(gate, action, length, stride);
    if (!test_failed())
        print("# kills: %u, of %u kinds, %u felt, in a nested call of %u clocks, stride %u, %s\n", state.trials, ACTIONS - 1,
              state.felt, length, stride, gate->name);
}

static void kill_everywhere(const struct gate *gate)
{
    if (!(info(INFO_CPU_FEATURES) & CPU_FEATURE_APIC)) {
        test_skip("no APIC");
        return;
    }
    expect_equal(memory_create_device(startup_handle("device-memory"), APIC_FRAME, 1, &state.apic), OK);
    sweep_all(gate);
    handle_close(state.apic);
}

static const struct test_case cases[] = {
    { "a nested call, and something ends at each instruction", .run_gate = kill_everywhere },
};
TEST_GROUP(kill_tests, "kill");
