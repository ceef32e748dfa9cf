/* An allocation fails at every place where the kernel makes one: E_NO_MEMORY, with everything as it was before. The audit
 * kernel makes the n-th allocation of a call fail, for every n, until the call makes no more than n. */
#include "child.h"

#include "tests/audit/request.h"

#define CALLS_MAX 1100u     /* allocations of one call */
#define EACH 20u            /* so many of them are tried one by one, */
#define SOME 61u            /* and every so many-th of the rest */
#define OBJECTS 150u        /* more than fit on two pages of any slab */
#define DUPLICATES 1000u    /* more than the first table of a process holds */
#define SPACE_FIRST 0x30000000u
#define SPACE_STEP 0x00200000u /* what a page table covers */

/* One call that allocates. take() makes it and notes what it got; give_back() undoes that. */
struct step {
    const char *name;
    status_t (*take)(void);
    void (*give_back)(void);
};

static handle_t got, first_of_two, told;
static uint32_t place;
static struct child victim;

static status_t take_notification(void) { return notification_create(&got); }
static status_t take_endpoint(void) { return endpoint_create(0, 0, &got); }
static status_t take_budget(void) { return budget_create(3, 1000, &got); }
static status_t take_page(void) { return memory_create(1, 0, &got); }
static status_t take_two_tables(void) { return memory_create(1030, 0, &got); }
static status_t take_contiguous(void) { return memory_create(3, MEMORY_CONTIGUOUS, &got); }
static status_t take_device(void) { return memory_create_device(startup_handle("device-memory"), 0xFEE00, 1, &got); }
static status_t take_ports(void) { return ioport_create(startup_handle("ports"), 0x70, 1, &got); }
static status_t take_thread(void) { return thread_create(HANDLE_NONE, 0, 0, 0, 1, &got); }
static status_t take_process(void) { return process_create(65536, HANDLE_NONE, 0, 0, &got); }
static status_t take_watch(void) { return process_watch(victim.process, told, 4); }

static void close(void)
{
    handle_close(got);
    got = HANDLE_NONE;
}

static void end_thread(void)
{
    thread_destroy(got);
    close();
}

static void end_process(void)
{
    process_destroy(got, 0);
    close();
}

/* It ends with the process, which has one. */
static void keep(void)
{
}

/* Each time at an address where no page table is yet; the mapping crosses into a second one. */
static status_t take_mapping(void)
{
    return process_map(victim.process, first_of_two, place + SPACE_STEP - PAGE_SIZE, PROTECT_READ, 0, 2);
}

static void unmap(void)
{
    process_unmap(victim.process, place + SPACE_STEP - PAGE_SIZE, 2);
    place += 2 * SPACE_STEP;
}

static status_t take_grant(void)
{
    return ioport_grant(first_of_two, victim.process);
}

static const struct step steps[] = {
    { "notification_create", take_notification, close }, { "endpoint_create", take_endpoint, close },
    { "budget_create", take_budget, close },             { "memory_create of a page", take_page, close },
    { "memory_create of two tables", take_two_tables, close }, { "memory_create, contiguous", take_contiguous, close },
    { "memory_create_device", take_device, close },      { "ioport_create", take_ports, close },
    { "thread_create", take_thread, end_thread },        { "process_create", take_process, end_process },
    { "process_watch", take_watch, keep },
};

static uint32_t failures(void)
{
    uint32_t count = 0;
    audit_ask(AUDIT_FAILURES, &count);
    return count;
}

static void fail_after(uint32_t allocations)
{
    uint32_t ignored;
    audit_ask(allocations == AUDIT_FAIL_NONE ? AUDIT_FAIL_NONE : AUDIT_FAIL_FIRST + allocations, &ignored);
}

static bool no_audit(void)
{
    uint32_t ignored;
    if (audit_ask(AUDIT_CHECKS, &ignored))
        return false;
    test_skip("no audit kernel");
    return true;
}

static uint32_t quota_of_both(void)
{
    return process_fact(HANDLE_NONE, PROCESS_QUOTA_USED) +
           (victim.process ? process_fact(victim.process, PROCESS_QUOTA_USED) : 0);
}

/* True when the n-th allocation was made, and failed. */
static bool fails_at(const struct step *step, uint32_t n)
{
    uint32_t used = quota_of_both(), before = failures();
    fail_after(n);
    status_t status = step->take();
    fail_after(AUDIT_FAIL_NONE);
    bool failed = failures() != before;
    if (status != (failed ? E_NO_MEMORY : OK))
        test_fail_equal(__FILE__, __LINE__, step->name, (uint32_t)status, failed ? (uint32_t)E_NO_MEMORY : OK);
    else if (failed && quota_of_both() != used && step->take != take_mapping) /* page tables stay, charged */
        test_fail_equal(__FILE__, __LINE__, step->name, quota_of_both(), used);
    else if (failed)
        expect_audit();
    if (status == OK)
        step->give_back();
    return failed;
}

static void run_step(const struct step *step)
{
    uint32_t n = 0;
    while (fails_at(step, n) && n < CALLS_MAX && !test_failed())
        n += n < EACH ? 1 : SOME;
    expect_passed();
    expect(n > 0 && n < CALLS_MAX);
}

static void each_call(void)
{
    if (no_audit())
        return;
    expect_equal(notification_create(&told), OK);
    child_create(&victim, CHILD_QUOTA);
    expect_passed();
    for (uint32_t i = 0; i < COUNT(steps) && !test_failed(); i++)
        run_step(&steps[i]);
    handle_close(told);
    child_end(&victim);
}

static void mapping(void)
{
    static const struct step step = { "process_map", take_mapping, unmap };
    if (no_audit())
        return;
    child_create(&victim, CHILD_QUOTA);
    expect_passed();
    expect_equal(memory_create(2, 0, &first_of_two), OK);
    place = SPACE_FIRST;
    run_step(&step);
    place = SPACE_FIRST;
    run_step(&step); /* where the page tables are there already */
    handle_close(first_of_two);
    child_end(&victim);
}

static handle_t authority;

static status_t take_trace(void)
{
    return trace_create(authority, first_of_two, &got);
}

static void trace(void)
{
    static const struct step step = { "trace_create", take_trace, close };
    if (no_audit())
        return;
    expect_equal(trace_authority(&authority), OK);
    expect_equal(memory_create(1, MEMORY_CONTIGUOUS, &first_of_two), OK);
    run_step(&step);
    handle_close(first_of_two);
    handle_close(authority);
}

static void port_bitmap(void)
{
    static const struct step step = { "ioport_grant", take_grant, keep };
    if (no_audit())
        return;
    child_create(&victim, CHILD_QUOTA);
    expect_passed();
    expect_equal(ioport_create(startup_handle("ports"), 0x70, 1, &first_of_two), OK);
    run_step(&step);
    handle_close(first_of_two);
    child_end(&victim);
}

/* Objects without end, none given back, while the second allocation of each fails: that is the new page of a slab. */
static void slab_pages(void)
{
    static handle_t all[OBJECTS];
    uint32_t count = 0, before = failures();
    if (no_audit())
        return;
    while (count < OBJECTS && failures() == before && !test_failed()) {
        fail_after(1);
        status_t status = notification_create(&all[count]);
        fail_after(AUDIT_FAIL_NONE);
        if (status == OK)
            count++;
        else
            expect_equal(status, E_NO_MEMORY);
    }
    expect_passed();
    expect(failures() == before + 1);
    expect_audit();
    while (count > 0)
        handle_close(all[--count]);
}

/* ---- tables of handles ---- */

static uint32_t fill_table(handle_t handle, handle_t *copies, uint32_t wanted)
{
    uint32_t count = 0;
    fail_after(0);
    while (count < wanted && handle_duplicate(handle, RIGHTS_ALL, 0, &copies[count]) == OK)
        count++;
    fail_after(AUDIT_FAIL_NONE);
    return count;
}

/* The table of the child cannot grow: a call's handle stays with the caller, who is told, and the worker waits on. */
static uint32_t serve_with_a_full_table(void)
{
    static handle_t copies[DUPLICATES];
    struct message message = { .word = 0 };
    SHARED->words[0] = fill_table(SHARED->handles[1], copies, DUPLICATES);
    status_t badge = ipc_wait(SHARED->handles[0], &message);
    while (badge >= 0) {
        message.status = OK;
        message.handle = HANDLE_NONE;
        badge = ipc_reply_wait(&message);
    }
    return 0;
}

static void attached_handle(void)
{
    struct child child = { .on_fault = NULL };
    struct message message = { .word = 1 };
    handle_t endpoint, notification;
    if (no_audit())
        return;
    expect_equal(endpoint_create(ENDPOINT_TAKES_HANDLES, 0, &endpoint), OK);
    expect_equal(notification_create(&notification), OK);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, endpoint, RIGHT_SERVE);
    SHARED->handles[1] = child_give(&child, notification, RIGHTS_ALL);
    child_start(&child, serve_with_a_full_table, PRIORITY_TESTS);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1));
    expect(SHARED->words[0] > 50 && SHARED->words[0] < DUPLICATES);
    fail_after(0);
    message.handle = notification;
    status_t status = ipc_call(endpoint, TIMEOUT_NEVER, &message);
    fail_after(AUDIT_FAIL_NONE);
    expect_equal(status, E_NO_MEMORY);
    expect_audit();
    message = (struct message){ .word = 5, .handle = notification }; /* still ours; now there is room */
    expect_equal(ipc_call(endpoint, TIMEOUT_NEVER, &message), OK);
    expect_equal(message.word, 5);
    child_end(&child);
    handle_close(endpoint);
}

static const struct test_case cases[] = {
    { "every allocation of every call", each_call, NULL },
    { "page tables for a mapping", mapping, NULL },
    { "a trace", trace, NULL },
    { "a bitmap of ports", port_bitmap, NULL },
    { "a page for a slab", slab_pages, NULL },
    { "a table of handles, for an attached handle", attached_handle, NULL },
};
TEST_GROUP(exhaustion_tests, "exhaustion");
