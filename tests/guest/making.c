/* What comes between two pages of a memory object that is being made: it is not there before all of them are, nothing is left of
 * half of it, and whoever wakes need not wait for it. */
#include "child.h"

#define MANY 256u       /* pages: making them takes long enough to come in between */
#define MANY_QUOTA (CHILD_QUOTA + (MANY + 16) * PAGE_SIZE)
#define TRIES 1000u
#define NAP 20u         /* microseconds; several of them are shorter than making so many pages */
#define NAPS 8u

enum { FLAGS, STATUS, HALT }; /* of SHARED->words */

/* 7: an object of that many pages and these flags, all zero. */
static uint32_t look_at(handle_t memory, uint32_t pages, uint32_t flags)
{
    const uint32_t *words = (const uint32_t *)CHILD_SCRATCH;
    uint32_t has_pages = 0, has_flags = 0;
    memory_info(memory, MEMORY_INFO_PAGES, &has_pages);
    memory_info(memory, MEMORY_INFO_FLAGS, &has_flags);
    if (has_pages != pages || has_flags != flags || process_map(HANDLE_NONE, memory, CHILD_SCRATCH, PROTECT_READ, 0, pages) != OK)
        return 1;
    for (uint32_t i = 0; i < pages * PAGE_SIZE / 4; i++)
        if (words[i])
            return 2;
    return 7;
}

static uint32_t make_again_and_again(void)
{
    for (;;) {
        handle_t memory = HANDLE_NONE;
        SHARED->words[STATUS] = (uint32_t)memory_create(MANY, SHARED->words[FLAGS], &memory);
        if (SHARED->words[HALT])
            return look_at(memory, MANY, SHARED->words[FLAGS]);
        handle_close(memory);
    }
}

static uint32_t make(uint32_t pages, uint32_t flags)
{
    handle_t memory = HANDLE_NONE;
    uint32_t before = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    status_t status = memory_create(pages, flags, &memory);
    if (status != OK || process_fact(HANDLE_NONE, PROCESS_QUOTA_USED) > before + 2 * PAGE_SIZE)
        return 3; /* what was made before has not been given up for it */
    return look_at(memory, pages, flags);
}

static uint32_t make_the_same(void) { return make(MANY, SHARED->words[FLAGS]); }
static uint32_t make_less(void) { return make(3, SHARED->words[FLAGS]); }
static uint32_t make_other(void) { return make(MANY, SHARED->words[FLAGS] | MEMORY_IRREVOCABLE); }

static bool is_half_way(const struct child *child, uint32_t used)
{
    uint32_t eax = 0;
    thread_read_register(child->thread, REGISTER_EAX, &eax);
    return eax == SYS_memory_create && process_fact(child->process, PROCESS_QUOTA_USED) >= used + MANY * PAGE_SIZE;
}

/* Lets it run until it is stopped between two pages. */
static void stop_half_way(const struct child *child, uint32_t used)
{
    uint32_t tries = 0;
    do {
        thread_start(child->thread);
        sleep_microseconds(NAP * (1 + tries % NAPS));
        expect_equal(thread_stop(child->thread), OK);
        expect(++tries < TRIES);
    } while (!is_half_way(child, used));
}

static void begin_to_make(struct child *child, uint32_t flags, uint32_t *used)
{
    child_create(child, MANY_QUOTA);
    expect_passed();
    SHARED->words[FLAGS] = flags;
    *used = process_fact(child->process, PROCESS_QUOTA_USED);
    child_start(child, make_again_and_again, PRIORITY_TESTS - 1);
    expect_passed();
    stop_half_way(child, *used);
}

static void expect_good_end(struct child *child)
{
    expect_equal(thread_start(child->thread), OK);
    uint32_t outcome = child_wait(child, 2 * SECOND), code = child_exit_code(child);
    expect_equal(SHARED->words[STATUS], OK);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

static void run_half_way(uint32_t flags, void (*then)(struct child *child, uint32_t used))
{
    struct child child = { .on_fault = NULL };
    uint32_t used = 0, ours = quota_used(), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    begin_to_make(&child, flags, &used);
    if (!test_failed())
        expect_audit();
    if (!test_failed())
        then(&child, used);
    child_end(&child);
    expect_passed();
    expect_equal(quota_used(), ours);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
}

static void destroy_it(struct child *child, uint32_t used)
{
    expect_equal(thread_destroy(child->thread), OK);
    expect_equal(handle_close(child->thread), OK);
    child->thread = HANDLE_NONE;
    expect_equal(process_fact(child->process, PROCESS_QUOTA_USED), used);
}

static void leave_it(struct child *child, uint32_t used) { (void)child, (void)used; }

static void go_on(struct child *child, uint32_t used)
{
    for (uint32_t i = 0; i < 5; i++)
        stop_half_way(child, used);
    expect_passed();
    expect_equal(thread_cancel(child->thread), OK);
    SHARED->words[HALT] = 1;
    expect_good_end(child);
}

static void send_it_to(struct child *child, uint32_t (*function)(void))
{
    expect_equal(thread_write_register(child->thread, REGISTER_EIP, (uint32_t)child_entry), OK);
    expect_equal(thread_write_register(child->thread, REGISTER_ESP, CHILD_STACK_TOP), OK);
    expect_equal(thread_write_register(child->thread, REGISTER_EBX, (uint32_t)function), OK);
    expect_good_end(child);
}

static void make_the_same_there(struct child *child, uint32_t used) { (void)used; send_it_to(child, make_the_same); }
static void make_less_there(struct child *child, uint32_t used) { (void)used; send_it_to(child, make_less); }
static void make_other_there(struct child *child, uint32_t used) { (void)used; send_it_to(child, make_other); }

static void with_both_flags(void (*then)(struct child *child, uint32_t used))
{
    uint32_t frames = info(INFO_FRAMES_FREE);
    for (uint32_t flags = 0; flags <= MEMORY_CONTIGUOUS && !test_failed(); flags += MEMORY_CONTIGUOUS)
        run_half_way(flags, then);
    expect_passed();
    expect(info(INFO_FRAMES_FREE) + 8 >= frames); /* slabs keep a page or two */
}

static void destroyed_half_way(void) { with_both_flags(destroy_it); }
static void ended_half_way(void) { with_both_flags(leave_it); }
static void stopped_half_way(void) { with_both_flags(go_on); }

static void sent_elsewhere_half_way(void)
{
    with_both_flags(make_the_same_there);
    with_both_flags(make_less_there);
    with_both_flags(make_other_there);
}

/* For who steps, all of it is one instruction. */
static uint32_t step_through(void)
{
    SHARED->raw = (struct raw){ .eax = SHARED->words[0], .ebx = 3, .ecx = 0, .edx = 4, .esi = 5, .edi = 6, .ebp = 7,
                                .eflags = 0x302 };
    raw_int(&SHARED->raw);
    return 7;
}

static status_t go_on_stepping(struct child *child, handle_t thread)
{
    (void)thread;
    return child->registers[REGISTER_FAULT_VECTOR] == 1 ? OK : E_BAD_STATE;
}

static void count_steps(uint32_t number, uint32_t *steps)
{
    struct child child = { .on_fault = go_on_stepping };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = number;
    child_start(&child, step_through, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    *steps = child.faults;
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->raw.eax, OK);
}

static void stepping(void)
{
    uint32_t null_steps = 0, steps = 0;
    count_steps(SYS_null, &null_steps);
    expect_passed();
    count_steps(SYS_memory_create, &steps);
    expect_passed();
    const struct raw *raw = &SHARED->raw;
    expect(null_steps > 0);
    expect_equal(steps, null_steps);
    expect(raw->ebx != 3 && raw->ecx == 0 && raw->edx == 4 && raw->esi == 5 && raw->edi == 6 && raw->ebp == 7);
    expect(raw->eflags & 0x100);
}

/* The longest time from when we were to wake until we did. */
static uint32_t latest(void)
{
    uint32_t latest = 0;
    for (uint32_t i = 0; i < NAPS; i++) {
        uint64_t due = ticks() + (uint64_t)info(INFO_TSC_KHZ) * NAP / 1000;
        sleep_microseconds(NAP);
        uint32_t late = (uint32_t)(ticks() - due);
        if (late > latest)
            latest = late;
    }
    return latest;
}

static uint32_t make_once(void)
{
    handle_t memory;
    SHARED->words[STATUS] = (uint32_t)memory_create(MANY, 0, &memory);
    return 7;
}

/* What takes one entry: an object of one page that needs no list of pages. */
static uint32_t one_page(void)
{
    handle_t memory = HANDLE_NONE;
    uint64_t begin = ticks();
    memory_create(1, MEMORY_CONTIGUOUS, &memory);
    uint32_t took = (uint32_t)(ticks() - begin);
    handle_close(memory);
    return took;
}

static void waking_meanwhile(void)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, MANY_QUOTA);
    expect_passed();
    SHARED->words[STATUS] = 1;
    uint32_t alone = latest(), page = one_page();
    child_start(&child, make_once, PRIORITY_TESTS - 1);
    uint32_t late = latest(), status = SHARED->words[STATUS];
    child_end(&child);
    expect_passed();
    if (!ticks_are_instructions())
        return;
    print("# waking while another makes memory: %u instructions at most, %u alone, %u to make a page\n", late, alone, page);
    expect_equal(status, 1); /* it was still at it */
    if (late > alone + page)
        test_fail_equal(__FILE__, __LINE__, "instructions until we woke", late, alone + page);
}

static const struct test_case cases[] = {
    { "a thread destroyed", destroyed_half_way, NULL },
    { "a process ended", ended_half_way, NULL },
    { "a thread stopped and started", stopped_half_way, NULL },
    { "a thread sent elsewhere", sent_elsewhere_half_way, NULL },
    { "stepping through it", stepping, NULL },
    { "waking while another makes memory", waking_meanwhile, NULL },
};
TEST_GROUP(making_tests, "making");
