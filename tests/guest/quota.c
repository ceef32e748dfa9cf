/* Memory, quota and tables used up: E_NO_MEMORY, and everything as it was before. */
#include "child.h"

#define TIGHT_QUOTA (96u * 1024u)
#define HOARD 400u

/* What was taken comes back, to the byte. */
static void objects_give_back(void)
{
    uint32_t before = quota_used(), frames = info(INFO_FRAMES_FREE);
    for (uint32_t round = 0; round < 3; round++) {
        handle_t handles[6];
        expect_equal(notification_create(&handles[0]), OK);
        expect_equal(endpoint_create(0, 0, &handles[1]), OK);
        expect_equal(budget_create(3, 1000, &handles[2]), OK);
        expect_equal(memory_create(5, 0, &handles[3]), OK);
        expect_equal(memory_create(5, MEMORY_CONTIGUOUS, &handles[4]), OK);
        expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, 1, &handles[5]), OK);
        expect(quota_used() >= before + 10 * PAGE_SIZE);
        expect_equal(thread_destroy(handles[5]), OK);
        for (uint32_t i = 0; i < COUNT(handles); i++)
            expect_equal(handle_close(handles[i]), OK);
        expect_equal(quota_used(), before);
    }
    expect(info(INFO_FRAMES_FREE) + 8 >= frames); /* slabs keep a page or two */
}

static void process_gives_back(void)
{
    uint32_t before = quota_used(), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    for (uint32_t round = 0; round < 3; round++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        expect_passed();
        expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit - CHILD_QUOTA);
        expect_equal(process_fact(child.process, PROCESS_QUOTA_LIMIT), CHILD_QUOTA);
        child_end(&child);
        expect_equal(quota_used(), before);
        expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
    }
}

static void more_than_there_is(void)
{
    handle_t handle;
    uint32_t before = quota_used(), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    expect_equal(process_create(limit + 1, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(process_create(0xFFFFFFFF, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(process_create(limit - before, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(process_create(0, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(process_create(PAGE_SIZE - 1, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(memory_create(limit / PAGE_SIZE + 1, 0, &handle), E_NO_MEMORY);
    expect_equal(memory_create(limit / PAGE_SIZE + 1, MEMORY_CONTIGUOUS, &handle), E_NO_MEMORY);
    expect_equal(process_create(65536, HANDLE_NONE, 0x80000000, 0, &handle), E_BAD_ARGUMENT);
    expect_equal(quota_used(), before);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
}

/* ---- a child with little: takes all of it in small pieces, then gives one back at a time and tries everything ---- */

static uint32_t used(void)
{
    return process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
}

static handle_t hoard[HOARD];

struct attempt {
    uint32_t number, a, b, c, d, e;
};

/* Large pieces first, so that small ones fill the rest before the table of handles is full. */
static uint32_t hoard_all(void)
{
    uint32_t count = 0;
    while (count < HOARD && memory_create(1, 0, &hoard[count]) == OK)
        count++;
    while (count < HOARD && notification_create(&hoard[count]) == OK)
        count++;
    return count;
}

/* Succeeds or fails; either way nothing may be different afterwards. */
static bool is_exact(const struct attempt *attempt)
{
    uint32_t before = used(), threads = process_fact(HANDLE_NONE, PROCESS_THREADS);
    handle_t handle = HANDLE_NONE;
    status_t status = system_call(attempt->number, attempt->a, attempt->b, attempt->c, attempt->d, attempt->e, &handle);
    if (status == OK) {
        SHARED->words[4]++;
        if (attempt->number == SYS_process_create)
            process_destroy(handle, 0);
        if (attempt->number == SYS_thread_create)
            thread_destroy(handle);
        if (attempt->number == SYS_process_map)
            process_unmap(HANDLE_NONE, CHILD_SCRATCH, 1);
        else
            handle_close(handle);
    } else {
        SHARED->words[5]++;
    }
    SHARED->words[6] = attempt->number;
    return (status == OK || status == E_NO_MEMORY) && used() == before &&
           process_fact(HANDLE_NONE, PROCESS_THREADS) == threads;
}

static bool try_everything(handle_t memory)
{
    const struct attempt attempts[] = {
        { SYS_notification_create, 0, 0, 0, 0, 0 },
        { SYS_endpoint_create, 0, 0, 0, 0, 0 },
        { SYS_budget_create, 1, 1000, 0, 0, 0 },
        { SYS_thread_create, HANDLE_NONE, 0x1000, 0x2000, 0, 1 },
        { SYS_memory_create, 1, 0, 0, 0, 0 },
        { SYS_memory_create, 1, MEMORY_CONTIGUOUS, 0, 0, 0 },
        { SYS_memory_create, 7, 0, 0, 0, 0 },
        { SYS_process_create, 4096, HANDLE_NONE, 0, 0, 0 },
        { SYS_process_create, 20480, HANDLE_NONE, 0, 0, 0 },
        { SYS_process_map, HANDLE_NONE, memory, CHILD_SCRATCH | PROTECT_READ, 0, 1 },
        { SYS_handle_duplicate, memory, RIGHTS_ALL, 0, 0, 0 },
    };
    for (uint32_t i = 0; i < COUNT(attempts); i++)
        if (!is_exact(&attempts[i]))
            return false;
    return true;
}

static uint32_t live_in_want(void)
{
    handle_t memory;
    if (memory_create(1, 0, &memory) != OK)
        return 1;
    uint32_t count = hoard_all();
    SHARED->words[0] = count;
    SHARED->words[1] = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT) - used();
    while (count > 0) {
        if (!try_everything(memory))
            return 2;
        handle_close(hoard[--count]);
    }
    return 7;
}

/* A mapping makes a page table stay, so the first one is made before anything is measured. */
static void prepare_table(struct child *child)
{
    handle_t memory;
    expect_equal(memory_create(1, 0, &memory), OK);
    expect_equal(process_map(child->process, memory, CHILD_SCRATCH, PROTECT_READ, 0, 1), OK);
    expect_equal(process_unmap(child->process, CHILD_SCRATCH, 1), OK);
    handle_close(memory);
}

static void every_allocation_point(void)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, TIGHT_QUOTA);
    expect_passed();
    prepare_table(&child);
    child_start(&child, live_in_want, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 5 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    if (code != 7)
        test_fail_equal(__FILE__, __LINE__, "the call whose failure left something", SHARED->words[6], 0);
    expect(SHARED->words[0] > 10 && SHARED->words[0] < HOARD);
    expect(SHARED->words[1] < 512);
    expect(SHARED->words[4] > 100);
    expect(SHARED->words[5] > 100);
}

/* With no quota left, calls go on: they take no memory. */
static uint32_t call_in_want(void)
{
    uint32_t answer = 0;
    hoard_all();
    for (uint32_t i = 0; i < 100; i++)
        if (call(&gates[SHARED->words[0]], SHARED->handles[0], METHOD_ECHO, i, &answer) != OK || answer != i)
            return 1;
    return 7;
}

static void calls_need_no_memory(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, TIGHT_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, gate->services->pool, RIGHT_CALL);
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, call_in_want, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

/* All physical memory that is ours to take: the machine is short of it afterwards, and has it all again in the end. */
static void our_whole_quota(void)
{
    static handle_t pieces[HOARD];
    uint32_t count = 0, before = quota_used();
    while (count < HOARD && memory_create(16, 0, &pieces[count]) == OK)
        count++;
    handle_t thread;
    uint32_t answer = 0;
    expect(count > 0 && count < HOARD);
    expect_equal(memory_create(16, 0, &thread), E_NO_MEMORY);
    expect_equal(call(&gates[GATE_INT], services[GATE_INT].pool, METHOD_ECHO, 3, &answer), OK);
    while (count > 0)
        expect_equal(handle_close(pieces[--count]), OK);
    expect_equal(quota_used(), before);
}

static const struct test_case cases[] = {
    { "objects give back what they took", objects_give_back, NULL },
    { "a process gives back what it took", process_gives_back, NULL },
    { "more than there is", more_than_there_is, NULL },
    { "every allocation point rolls back exactly", every_allocation_point, NULL },
    { "calls need no memory", .run_gate = calls_need_no_memory },
    { "our whole quota, and back", our_whole_quota, NULL },
};
TEST_GROUP(quota_tests, "quota");
