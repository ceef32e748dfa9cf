/* Memory, quota and tables used up: E_NO_MEMORY, and everything as it was before. */
#include "child.h"

#define TIGHT_QUOTA (96u * 1024u)
#define HOARD 400u
#define VGA_FRAME 0xB8u
#define SINGLES 32u
#define WATCHED 160u /* as many watches take more than a page */
#define TABLE_MAX 1024u
#define SCRATCH_PAGES 256u
#define LARGEST_PIECE 1024u             /* pages */
#define MANY_PAGES 1200u                /* more than are listed on one page */
#define FAR_FROM_EVERYTHING 0x40000000u /* no page table reaches it yet */

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

/* Pages of its tables and of its port bitmap are nobody's quota or charged to it: only the free frames tell. */
static void process_gives_back(void)
{
    uint32_t before = quota_used(), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), frames = info(INFO_FRAMES_FREE);
    for (uint32_t round = 0; round < 10; round++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        expect_passed();
        expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit - CHILD_QUOTA);
        expect_equal(process_fact(child.process, PROCESS_QUOTA_LIMIT), CHILD_QUOTA);
        expect_equal(ioport_grant(startup_handle("ports"), child.process), OK);
        child_end(&child);
        expect_equal(quota_used(), before);
        expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
    }
    expect(info(INFO_FRAMES_FREE) + 8 >= frames); /* slabs keep a page or two */
}

static uint32_t watch_the_parent(void)
{
    handle_t events;
    return notification_create(&events) == OK && process_watch(SHARED->handles[0], events, 1) == OK ? 7 : 1;
}

/* What it watched lives on, and the watch does not: its quota comes back whole. */
static void watcher_gives_back(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, self_process(), RIGHT_READ);
    child_start(&child, watch_the_parent, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
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
        { SYS_memory_create, MANY_PAGES, 0, 0, 0, 0 },
        { SYS_process_create, 4096, HANDLE_NONE, 0, 0, 0 },
        { SYS_process_create, 20480, HANDLE_NONE, 0, 0, 0 },
        { SYS_process_create, 65536, HANDLE_NONE, 0, 0, 0 },
        { SYS_process_map, HANDLE_NONE, memory, CHILD_SCRATCH | PROTECT_READ, 0, 1 },
        { SYS_handle_duplicate, memory, RIGHTS_ALL, 0, 0, 0 },
        { SYS_irq_create, SHARED->handles[0], 9, 0, 0, 0 },
        { SYS_ioport_create, SHARED->handles[1], 0x70, 1, 0, 0 },
        { SYS_memory_create_device, SHARED->handles[2], VGA_FRAME, 1, 0, 0 },
    };
    for (uint32_t i = 0; i < COUNT(attempts); i++)
        if (!is_exact(&attempts[i]))
            return false;
    return true;
}

static uint32_t give_back_and_try(uint32_t count, handle_t memory)
{
    SHARED->words[0] = count;
    SHARED->words[1] = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT) - used();
    while (count > 0) {
        if (!try_everything(memory))
            return 2;
        handle_close(hoard[--count]);
    }
    return 7;
}

static uint32_t live_in_want(void)
{
    handle_t memory;
    if (memory_create(1, 0, &memory) != OK)
        return 1;
    return give_back_and_try(hoard_all(), memory);
}

/* Authorities to make objects from. And a mapping makes a page table stay, so the first one is made before anything is
 * measured. */
static void prepare_attempts(struct child *child)
{
    SHARED->handles[0] = child_give(child, startup_handle("irq"), RIGHTS_ALL);
    SHARED->handles[1] = child_give(child, startup_handle("ports"), RIGHTS_ALL);
    SHARED->handles[2] = child_give(child, startup_handle("device-memory"), RIGHTS_ALL);
    expect_passed();
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
    prepare_attempts(&child);
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

/* ---- memory that the kernel itself can use: on a machine with little of it, it is used up before a large quota is ---- */

static uint32_t hoard_low(void)
{
    uint32_t count = 0;
    while (count < WATCHED && notification_create(&hoard[count]) == OK)
        count++;
    for (uint32_t pages = LARGEST_PIECE; pages > 0; pages /= 2)
        while (count < HOARD && memory_create(pages, MEMORY_CONTIGUOUS, &hoard[count]) == OK)
            count++;
    while (count < HOARD && notification_create(&hoard[count]) == OK)
        count++;
    return count;
}

/* The table of handles itself can grow no more. */
static bool use_up_handles(handle_t memory)
{
    static handle_t copies[TABLE_MAX];
    uint32_t count = 0, copied;
    while (count < TABLE_MAX && handle_duplicate(memory, RIGHTS_ALL, 0, &copies[count]) == OK)
        count++;
    for (copied = count; count > 0;)
        handle_close(copies[--count]);
    return copied < TABLE_MAX / 2;
}

/* What has no handle of its own: watches, one for each notification, which stay until the process ends, and mappings. And
 * threads, which take from several places. */
static bool use_up_what_is_left(handle_t memory, uint32_t count)
{
    static handle_t threads[SINGLES];
    uint32_t mapped = 0, made = 0;
    status_t watched = OK, status = OK;
    while (count > 0 && (watched == OK || watched == E_BAD_TYPE))
        watched = process_watch(HANDLE_NONE, hoard[--count], 1);
    while (mapped < SCRATCH_PAGES && status == OK)
        status = process_map(HANDLE_NONE, memory, CHILD_SCRATCH + mapped++ * PAGE_SIZE, PROTECT_READ, 0, 1);
    while (made < SINGLES && thread_create(HANDLE_NONE, 0x1000, 0x2000, 0, 1, &threads[made]) == OK)
        made++;
    for (uint32_t i = 0; i < made; i++) {
        thread_destroy(threads[i]);
        handle_close(threads[i]);
    }
    for (uint32_t i = 0; i + 1 < mapped; i++)
        process_unmap(HANDLE_NONE, CHILD_SCRATCH + i * PAGE_SIZE, 1);
    return watched == E_NO_MEMORY && status == E_NO_MEMORY && made < SINGLES;
}

/* Then one page after the other comes back, so that what takes several fails at each of them. */
static uint32_t live_without_low_memory(void)
{
    static handle_t singles[SINGLES];
    handle_t memory, more;
    if (memory_create(1, 0, &memory) != OK)
        return 1;
    for (uint32_t i = 0; i < SINGLES; i++)
        if (memory_create(1, MEMORY_CONTIGUOUS, &singles[i]) != OK)
            return 1;
    uint32_t count = hoard_low();
    if (!use_up_what_is_left(memory, count) || !use_up_handles(memory))
        return 6;
    uint32_t before = used();
    if (process_map(HANDLE_NONE, memory, FAR_FROM_EVERYTHING, PROTECT_READ, 0, 1) != E_NO_MEMORY || used() != before)
        return 3;
    if (memory_create(MANY_PAGES, 0, &more) != E_NO_MEMORY || used() != before)
        return 4;
    status_t granted = ioport_grant(SHARED->handles[1], HANDLE_NONE);
    if ((granted != OK && granted != E_NO_MEMORY) || used() != before)
        return 8;
    for (uint32_t i = 0; i < SINGLES; i++) {
        if (!try_everything(memory))
            return 5;
        handle_close(singles[i]);
    }
    uint32_t code = give_back_and_try(count, memory);
    return code == 7 && ioport_grant(SHARED->handles[1], HANDLE_NONE) != OK ? 9 : code;
}

static void without_low_memory(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t before = quota_used(), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    child_create(&child, limit - before - CHILD_QUOTA);
    expect_passed();
    prepare_attempts(&child);
    child_start(&child, live_without_low_memory, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 10 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
    expect(SHARED->words[0] < HOARD);
    expect(SHARED->words[4] > 100);
    expect(SHARED->words[5] > 10);
    expect_equal(quota_used(), before);
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
    uint32_t count = 0, before = quota_used(), pages = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT) / PAGE_SIZE / 64 + 1;
    while (count < HOARD && memory_create(pages, 0, &pieces[count]) == OK)
        count++;
    handle_t thread;
    uint32_t answer = 0;
    expect(count > 0 && count < HOARD);
    expect_equal(memory_create(pages, 0, &thread), E_NO_MEMORY);
    expect_equal(call(&gates[GATE_INT], services[GATE_INT].pool, METHOD_ECHO, 3, &answer), OK);
    while (count > 0)
        expect_equal(handle_close(pieces[--count]), OK);
    expect_equal(quota_used(), before);
}

static const struct test_case cases[] = {
    { "objects give back what they took", objects_give_back, NULL },
    { "a process gives back what it took", process_gives_back, NULL },
    { "a process gives back what it took to watch", watcher_gives_back, NULL },
    { "more than there is", more_than_there_is, NULL },
    { "every allocation point rolls back exactly", every_allocation_point, NULL },
    { "no memory that the kernel can use", without_low_memory, NULL },
    { "calls need no memory", .run_gate = calls_need_no_memory },
    { "our whole quota, and back", our_whole_quota, NULL },
};
TEST_GROUP(quota_tests, "quota");
