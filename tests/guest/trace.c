/* Traces: who may, what is recorded, and that nothing of one is left once it is over. */
#include "child.h"

#include <init.h>
#include <tests/hostile/hostile.h>

#define WORD 0x7E57u
#define ROUNDS 32u
#define CHILD_TRACE_PAGES 2u

static handle_t memory, trace, hostile;
static const struct trace_ring *ring;
static uint32_t ring_pages;
static uint64_t cursor; /* number of the record that next_event() looks at first */

status_t trace_authority(handle_t *authority)
{
    return init_trace(init_endpoint(), authority);
}

void trace_begin(uint32_t pages)
{
    handle_t authority;
    void *address;
    expect_equal(trace_authority(&authority), OK);
    expect_equal(memory_create(pages, MEMORY_CONTIGUOUS, &memory), OK);
    expect_equal(pages_map(memory, pages, PROTECT_READ, &address), OK);
    ring = address;
    ring_pages = pages;
    cursor = 0;
    expect_equal(trace_create(authority, memory, &trace), OK);
    handle_close(authority);
}

/* What was recorded can still be read. */
void trace_end(void)
{
    handle_close(trace);
    trace = HANDLE_NONE;
}

void trace_forget(void)
{
    trace_end();
    pages_unmap((void *)ring, ring_pages);
    handle_close(memory);
}

/* The next record of this kind and with these words; NULL: there is none behind the last that was found. */
static const struct trace_record *next_event(uint32_t kind, uint32_t first, uint32_t second)
{
    while (cursor < ring->count) {
        const struct trace_record *record = &ring->records[cursor++ % ring->capacity];
        if (record->kind == kind && record->first == first && record->second == second)
            return record;
    }
    return NULL;
}

/* ---- who may, and with what ---- */

static void refusals(void)
{
    handle_t authority, powerless, anonymous, device, contiguous, readable, made;
    uint32_t used = quota_used();
    expect_equal(trace_authority(&authority), OK);
    expect_equal(memory_create(1, 0, &anonymous), OK);
    expect_equal(memory_create(1, MEMORY_CONTIGUOUS, &contiguous), OK);
    expect_equal(memory_create_device(startup_handle("device-memory"), 0xB8, 1, &device), OK);
    expect_equal(handle_duplicate(authority, RIGHTS_ALL & ~RIGHT_CONTROL, 0, &powerless), OK);
    expect_equal(handle_duplicate(contiguous, RIGHTS_ALL & ~RIGHT_WRITE, 0, &readable), OK);
    expect_equal(trace_create(HANDLE_NONE, contiguous, &made), E_BAD_HANDLE);
    expect_equal(trace_create(contiguous, contiguous, &made), E_BAD_TYPE);
    expect_equal(trace_create(powerless, contiguous, &made), E_NO_RIGHT);
    expect_equal(trace_create(authority, HANDLE_NONE, &made), E_BAD_HANDLE);
    expect_equal(trace_create(authority, authority, &made), E_BAD_TYPE);
    expect_equal(trace_create(authority, readable, &made), E_NO_RIGHT);
    expect_equal(trace_create(authority, anonymous, &made), E_BAD_ARGUMENT);
    expect_equal(trace_create(authority, device, &made), E_BAD_ARGUMENT);
    handle_t all[] = { authority, powerless, anonymous, device, contiguous, readable };
    for (uint32_t i = 0; i < COUNT(all); i++)
        handle_close(all[i]);
    expect_equal(quota_used(), used);
}

static void not_for_everybody(void)
{
    uint32_t status;
    if (hostile == HANDLE_NONE)
        expect_equal(service_find("hostile", &hostile), OK);
    expect_equal(service_call(hostile, HOSTILE_ASK_INIT, INIT_TRACE, &status), OK);
    expect_equal(status, E_NO_RIGHT);
}

static void one_at_a_time(void)
{
    handle_t authority, second;
    uint32_t used = quota_used();
    trace_begin(1);
    expect_passed();
    expect_equal(trace_authority(&authority), OK);
    expect_equal(trace_create(authority, memory, &second), E_BUSY);
    trace_end();
    expect_equal(trace_create(authority, memory, &second), OK); /* into the same memory, from its beginning */
    expect(ring->count > 1);
    handle_close(second);
    handle_close(authority);
    trace_forget();
    expect_equal(quota_used(), used);
}

/* ---- what is recorded ---- */

/* A call, a call within, and their replies, in order and with nothing else between: who, for whom, what and on whose budget. */
static void nested_call(const struct gate *gate)
{
    uint32_t answer = 0;
    nested_gate = gate;
    nested_target = gate->services->single;
    trace_begin(4);
    expect_passed();
    expect_equal(call(gate, gate->services->pool, METHOD_NESTED, WORD, &answer), OK);
    trace_end();
    expect_equal(answer, WORD + 1);
    const struct trace_record *outer = next_event(TRACE_CALL, METHOD_NESTED, WORD);
    expect(outer && ring->count <= ring->capacity);
    const struct trace_record *records = outer;
    static const uint32_t kinds[] = { TRACE_CALL, TRACE_CALL, TRACE_REPLY, TRACE_REPLY };
    static const uint32_t firsts[] = { METHOD_NESTED, METHOD_ECHO, OK, OK }, seconds[] = { WORD, WORD, WORD, WORD + 1 };
    for (uint32_t i = 0, found = 0; found < COUNT(kinds); i++) {
        expect(&records[i] < &ring->records[ring->count]);
        expect(i == 0 || records[i].time > records[i - 1].time);
        if (records[i].kind == TRACE_CLOCK)
            continue;
        expect_equal(records[i].kind, kinds[found]);
        expect_equal(records[i].first, firsts[found]);
        expect_equal(records[i].second, seconds[found]);
        expect_equal(records[i].owner, outer->thread);
        expect(records[i].process == outer->process && records[i].peer_process == outer->process);
        found++;
    }
    cursor = 0;
    outer = next_event(TRACE_CALL, METHOD_NESTED, WORD);
    const struct trace_record *inner = next_event(TRACE_CALL, METHOD_ECHO, WORD);
    const struct trace_record *back = next_event(TRACE_REPLY, OK, WORD), *end = next_event(TRACE_REPLY, OK, WORD + 1);
    expect(inner->thread == outer->peer && back->thread == inner->peer && back->peer == inner->thread);
    expect(end->thread == outer->peer && end->peer == outer->thread && inner->peer != outer->thread);
    trace_forget();
}

/* A worker that is busy, a caller that waits for it, and one that gives up. */
static void queued_and_cut(const struct gate *gate)
{
    struct client holder, waiter = { .gate = gate, .endpoint = gate->services->single, .method = METHOD_ECHO, .word = WORD };
    uint32_t answer;
    trace_begin(8);
    expect_passed();
    hold(&holder, gate, gate->services->single, 3);
    client_start(&waiter, PRIORITY_TESTS);
    expect(task_blocked(&waiter.task));
    release_holder(&holder, 3);
    expect(task_wait(&waiter.task));
    task_end(&waiter.task);
    expect_equal(service_call_full(gate->services->pool, METHOD_CANCELLED, WORD, 20000, HANDLE_NONE, &answer, NULL), E_TIMED_OUT);
    sleep_microseconds(5000);
    trace_end();
    const struct trace_record *served = next_event(TRACE_SERVE, METHOD_ECHO, WORD);
    const struct trace_record *answered = next_event(TRACE_REPLY, OK, WORD);
    expect(served && answered);
    expect(answered->peer == served->thread && answered->thread == served->peer);
    const struct trace_record *queued = served;
    while (queued > ring->records && (queued->kind != TRACE_SWITCH || queued->thread != served->thread))
        queued--;
    expect_equal(queued->first, 3);
    const struct trace_record *called = next_event(TRACE_CALL, METHOD_CANCELLED, WORD);
    expect(called && next_event(TRACE_CLOCK, 0, 0));
    const struct trace_record *cut = next_event(TRACE_CUT, 0, 0), *ended = next_event(TRACE_END, (uint32_t)E_TIMED_OUT, 0);
    expect(cut && ended);
    expect(cut->thread == called->thread && cut->peer == called->peer && ended->thread == called->thread);
    trace_forget();
}

static uint32_t write_to_nowhere(void)
{
    __asm__ volatile("movl $1, 8" : : : "memory");
    return 0;
}

/* The report of a fault is a call, by whose end its budget comes back. */
static void fault(void)
{
    struct child child;
    trace_begin(8);
    expect_passed();
    expect_fault(write_to_nowhere, 14, &child);
    expect_passed();
    trace_end();
    const struct trace_record *faulted = next_event(TRACE_FAULT, 14, 8), *told = next_event(TRACE_CALL, METHOD_FAULT, 14);
    expect(faulted && told);
    expect(faulted->thread == told->thread && told->process != told->peer_process && faulted->owner == faulted->thread);
    trace_forget();
}

/* Who sleeps is switched away from, woken by the clock, and switched to. */
static void switches_and_wakes(void)
{
    trace_begin(4);
    expect_passed();
    sleep_microseconds(3000);
    trace_end();
    const struct trace_record *begin = &ring->records[0], *record;
    expect(begin->kind == TRACE_BUDGET && begin->thread == begin->peer && begin->thread == begin->owner);
    do
        expect((record = &ring->records[cursor++])->kind != 0 && cursor <= ring->count);
    while (record->kind != TRACE_SWITCH || record->thread != begin->thread);
    expect_equal(record->first, 4);
    expect(next_event(TRACE_CLOCK, 0, 0));
    const struct trace_record *woken;
    do /* others may sleep too */
        woken = next_event(TRACE_WAKE, 0, 0);
    while (woken && woken->peer != begin->thread);
    expect(woken);
    do
        expect((record = &ring->records[cursor++])->kind != 0 && cursor <= ring->count);
    while (record->kind != TRACE_SWITCH || record->peer != begin->thread);
    expect_equal(record->second, begin->thread);
    trace_forget();
}

/* The newest records are there, in order, and how many are not can be told. */
static void oldest_are_overwritten(void)
{
    uint32_t answer;
    trace_begin(1);
    expect_passed();
    expect_equal(ring->capacity, (PAGE_SIZE - sizeof(*ring)) / sizeof(struct trace_record));
    for (uint32_t i = 0; i < 2 * ring->capacity; i++)
        expect_equal(call(&gates[GATE_INT], services[GATE_INT].pool, METHOD_ECHO, i, &answer), OK);
    trace_end();
    expect(ring->count >= 4 * ring->capacity);
    cursor = ring->count - ring->capacity;
    uint64_t last = 0;
    for (uint64_t i = cursor; i < ring->count; i++) {
        expect(ring->records[i % ring->capacity].time > last);
        last = ring->records[i % ring->capacity].time;
    }
    for (uint32_t i = 2 * ring->capacity - 20; i < 2 * ring->capacity; i++)
        expect(next_event(TRACE_CALL, METHOD_ECHO, i) && next_event(TRACE_REPLY, OK, i));
    trace_forget();
}

/* ---- its end ---- */

static uint32_t trace_for_ever(void)
{
    handle_t own, made;
    status_t status = memory_create(CHILD_TRACE_PAGES, MEMORY_CONTIGUOUS, &own);
    SHARED->words[0] = status == OK ? (uint32_t)trace_create(SHARED->handles[0], own, &made) : (uint32_t)status;
    SHARED->words[1] = 1;
    sleep_microseconds(TIMEOUT_NEVER);
    return 0;
}

/* The memory goes back, and another may begin. */
static void who_traces_dies(void)
{
    struct child child = { .on_fault = NULL };
    handle_t authority, second;
    uint32_t used = quota_used(), free = info(INFO_FRAMES_FREE);
    expect_equal(trace_authority(&authority), OK);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, authority, RIGHTS_ALL);
    child_start(&child, trace_for_ever, PRIORITY_TESTS);
    while (!SHARED->words[1])
        sleep_microseconds(1000);
    expect_equal(SHARED->words[0], OK);
    expect_equal(memory_create(1, MEMORY_CONTIGUOUS, &memory), OK);
    expect_equal(trace_create(authority, memory, &second), E_BUSY);
    child_end(&child);
    expect_equal(trace_create(authority, memory, &second), OK);
    handle_close(second);
    handle_close(memory);
    handle_close(authority);
    expect_equal(quota_used(), used);
    expect(info(INFO_FRAMES_FREE) + 4 >= free); /* slabs may have grown */
}

/* The kernel keeps the pages for as long as it writes to them. */
static void memory_is_taken_away(const struct gate *gate)
{
    uint32_t answer, used = quota_used();
    trace_begin(2);
    expect_passed();
    expect_equal(memory_revoke(memory), OK);
    pages_unmap((void *)ring, ring_pages);
    handle_close(memory);
    expect(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED) >= used + 2 * PAGE_SIZE);
    for (uint32_t i = 0; i < ROUNDS; i++)
        expect_equal(call(gate, gate->services->pool, METHOD_ECHO, i, &answer), OK);
    expect_audit();
    trace_end();
    expect_equal(quota_used(), used);
}

/* ---- the fast path ---- */

/* Switches by the C path for so many calls; a call by the fast path makes none. */
static uint32_t switches_of(uint32_t calls)
{
    const struct gate *gate = &gates[GATE_SYSENTER];
    uint32_t answer, before = info(INFO_SWITCHES);
    for (uint32_t i = 0; i < calls; i++)
        call(gate, gate->services->pool, METHOD_ECHO, i, &answer);
    return info(INFO_SWITCHES) - before;
}

/* No more than one batch of a few meets an interrupt. */
static uint32_t ticks_of_a_call(void)
{
    const struct gate *gate = &gates[GATE_SYSENTER];
    uint32_t answer, least = UINT32_MAX;
    for (uint32_t batch = 0; batch < 5; batch++) {
        uint64_t began = ticks();
        for (uint32_t i = 0; i < ROUNDS; i++)
            call(gate, gate->services->pool, METHOD_ECHO, i, &answer);
        uint32_t taken = (uint32_t)(ticks() - began);
        least = taken < least ? taken : least;
    }
    return least;
}

static bool no_fast_path(void)
{
    if (gate_sysenter_usable())
        return false;
    test_skip("no SYSENTER");
    return true;
}

/* It is as fast afterwards as it was before, to the instruction. */
static void fast_path_comes_back(void)
{
    if (no_fast_path())
        return;
    uint32_t before = ticks_of_a_call();
    expect_equal(switches_of(ROUNDS), 0);
    trace_begin(4);
    expect_passed();
    expect_equal(switches_of(ROUNDS), 2 * ROUNDS);
    uint32_t during = ticks_of_a_call();
    trace_end();
    expect_equal(switches_of(ROUNDS), 0);
    uint32_t after = ticks_of_a_call();
    trace_forget();
    if (!ticks_are_instructions())
        return;
    expect_equal(after, before);
    expect(during > 3 * before);
}

static void fpu_fill(int32_t value) { __asm__ volatile("fninit\n\tfildl %0" : : "m"(value)); }

static int32_t fpu_value(void)
{
    int32_t value = 0;
    __asm__ volatile("fistpl %0" : "=m"(value));
    return value;
}

/* Neither the end of a trace nor that of its ownership lets who uses the FPU, or is traced, take the fast path. */
static void fpu_and_trace(const struct gate *gate)
{
    uint32_t answer;
    bool fast = gate->sysenter;
    fpu_fill(11);
    trace_begin(4);
    expect_passed();
    expect_equal(call(gate, gate->services->pool, METHOD_PATTERN, 1, &answer), OK);
    expect_equal(fpu_value(), 11);
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 1, &answer), OK);
    expect(!fast || switches_of(ROUNDS) == 2 * ROUNDS);
    fpu_fill(12);
    trace_end();
    expect_equal(call(gate, gate->services->pool, METHOD_PATTERN, 1, &answer), OK);
    expect_equal(fpu_value(), 12);
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 1, &answer), OK);
    expect(!fast || switches_of(ROUNDS) == 0);
    trace_forget();
}

static const struct test_case cases[] = {
    { "what is refused", refusals, NULL },
    { "not for who has no right to it", not_for_everybody, NULL },
    { "one at a time", one_at_a_time, NULL },
    { "a nested call, in order", .run_gate = nested_call },
    { "a caller that waits, and one that leaves", .run_gate = queued_and_cut },
    { "a fault and its report", fault, NULL },
    { "sleep, clock, wake", switches_and_wakes, NULL },
    { "the oldest records are overwritten", oldest_are_overwritten, NULL },
    { "who traces dies", who_traces_dies, NULL },
    { "the memory is revoked and closed", .run_gate = memory_is_taken_away },
    { "the fast path is as it was before", fast_path_comes_back, NULL },
    { "the FPU's owner", .run_gate = fpu_and_trace },
};
TEST_GROUP(trace_tests, "trace");
