/* What is much to do for the kernel: it does it in steps, with interrupts let in, and whoever wakes need not wait for the end of
 * it. perf/entries.py counts what each entry takes while these cases run. */
#include "child.h"

#define PAGES 600u              /* of the large object */
#define TABLES 40u              /* of a child: so many stretches of 2 MiB have a page */
#define STRETCH 0x200000u
#define MANY 100u               /* threads, handles, mappings */
#define LOW (PRIORITY_TESTS - 2)
#define HEAVY_QUOTA (CHILD_QUOTA + (PAGES + 250u) * PAGE_SIZE)
#define NAP 20u                 /* microseconds */
#define NAPS 20u
#define LATE_TIMER 1000000u     /* microseconds: an emulator has an interrupt for each timer, and takes its time */
#define LATE_MAX 5000u          /* instructions: the longest that interrupts are off, and what waking takes */
#define WAITERS 128u            /* of a notification: the limit */
#define WATCHES 256u            /* of a process: the limit */
#define THREADS 400u            /* of a process: the limit */
#define AT_ONCE 32u             /* mappings that one call may unmap: the limit */
#define WORKERS 128u            /* of an endpoint: the limit */
#define CAPPED_QUEUE 100u       /* callers of an endpoint with a cap: the limit */

enum { READY }; /* of SHARED->words */

/* ---- memory ---- */

static void large_object(void)
{
    handle_t memory;
    uint32_t used = quota_used();
    expect_equal(memory_create(PAGES, 0, &memory), OK);
    for (uint32_t i = 0; i < 2; i++) {
        expect_equal(process_map(HANDLE_NONE, memory, CHILD_SCRATCH, PROTECT_READ | PROTECT_WRITE, 0, PAGES), OK);
        volatile uint32_t *last = (volatile uint32_t *)(CHILD_SCRATCH + (PAGES - 1) * PAGE_SIZE);
        *last = 5 + i; /* all is there when the call is over */
        expect_equal(process_protect(HANDLE_NONE, CHILD_SCRATCH, PROTECT_READ, PAGES), OK);
        expect_equal(*last, 5 + i);
        uint32_t word;
        if (i == 0)
            expect_equal(process_unmap(HANDLE_NONE, CHILD_SCRATCH, PAGES), OK);
        else
            expect_equal(memory_revoke(memory), OK);
        expect_equal(process_read_word(HANDLE_NONE, CHILD_SCRATCH + (PAGES - 1) * PAGE_SIZE, &word), E_BAD_ADDRESS);
    }
    handle_close(memory);
    expect(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED) <= used + 4 * PAGE_SIZE); /* at once; page tables stay */
}

static void many_mappings_at_once(void)
{
    handle_t memory;
    expect_equal(memory_create(1, 0, &memory), OK);
    for (uint32_t i = 0; i <= AT_ONCE; i++)
        expect_equal(process_map(HANDLE_NONE, memory, CHILD_SCRATCH + i * PAGE_SIZE, PROTECT_READ, 0, 1), OK);
    expect_equal(process_protect(HANDLE_NONE, CHILD_SCRATCH, PROTECT_READ, AT_ONCE + 1), E_BAD_ARGUMENT);
    expect_equal(process_unmap(HANDLE_NONE, CHILD_SCRATCH, AT_ONCE + 1), E_BAD_ARGUMENT);
    expect_equal(process_protect(HANDLE_NONE, CHILD_SCRATCH, PROTECT_READ | PROTECT_WRITE, AT_ONCE), OK);
    expect_equal(process_unmap(HANDLE_NONE, CHILD_SCRATCH, AT_ONCE), OK);
    expect_equal(memory_revoke(memory), OK);
    handle_close(memory);
}

/* Every second page of memory is free: there is no run of two in what is left, and much to look through. */
static void fragmented_memory(void)
{
    static handle_t pages[900];
    handle_t memory;
    uint32_t count = 0;
    while (count < COUNT(pages) && memory_create(1, MEMORY_CONTIGUOUS, &pages[count]) == OK)
        count++;
    for (uint32_t i = 0; i < count; i += 2)
        handle_close(pages[i]);
    status_t status = memory_create(64, MEMORY_CONTIGUOUS, &memory);
    if (status == OK)
        handle_close(memory);
    for (uint32_t i = 1; i < count; i += 2)
        handle_close(pages[i]);
    expect(count > MANY);
    expect_equal(status, OK);
}

/* ---- threads that need no stack: the argument is a handle, and what would be the stack a mask ---- */

__asm__("long_wait_notified:\n\t"
        "movl %esp, %ecx\n\t"
        "movl $-1, %edx\n\t"
        "movl $41, %eax\n\t"
        "int $250\n\t"
        "jmp long_exit\n"
        "long_call:\n\t"
        "movl %ebx, %ecx\n\t"
        "jmp 1f\n"
        "long_call_with_word:\n\t"
        "movl %esp, %ecx\n"
        "1:\n\t"
        "movl $-1, %edx\n\t"
        "xorl %esi, %esi\n\t"
        "xorl %edi, %edi\n\t"
        "movl $1, %eax\n\t"
        "int $250\n\t"
        "jmp long_exit\n"
        "long_serve_for_ever:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $3, %eax\n\t"
        "int $250\n\t"
        "movl $1, %ecx\n\t"
        "movl $-1, %edx\n\t"
        "movl $41, %eax\n\t"
        "int $250\n\t"
        "jmp long_exit\n"
        "long_serve:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $3, %eax\n\t"
        "int $250\n"
        "long_exit:\n\t"
        "movl $25, %eax\n\t"
        "int $250\n");
void long_wait_notified(void);
void long_call(void);
void long_serve(void);
void long_call_with_word(void);     /* the argument; what would be the stack is the endpoint */
void long_serve_for_ever(void);     /* the word of the request is a notification that nobody signals */
_Static_assert(SYS_notification_wait == 41 && SYS_call == 1 && SYS_wait == 3 && SYS_thread_exit == 25, "as in the lines above");

static handle_t threads[THREADS];

static status_t add_thread(uint32_t number, void (*entry)(void), uint32_t mask, handle_t argument)
{
    status_t status = thread_create(HANDLE_NONE, (uint32_t)entry, mask, argument, LOW, &threads[number]);
    return status == OK ? thread_start(threads[number]) : status;
}

static void end_threads(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        thread_destroy(threads[i]);
        handle_close(threads[i]);
    }
}

/* ---- the end of a process ---- */

static uint32_t have_much(void)
{
    handle_t memory, page, events, ignored;
    uint32_t bits;
    if (memory_create(PAGES, 0, &memory) != OK || memory_create(1, 0, &page) != OK || notification_create(&events) != OK ||
        process_map(HANDLE_NONE, memory, CHILD_SCRATCH, PROTECT_READ, 0, PAGES) != OK)
        return 1;
    for (uint32_t i = 0; i < TABLES; i++)
        if (process_map(HANDLE_NONE, page, CHILD_SCRATCH + (2 + i) * STRETCH, PROTECT_READ, 0, 1) != OK)
            return 2;
    for (uint32_t i = 0; i < MANY; i++)
        if (handle_duplicate(events, RIGHTS_ALL, 0, &ignored) != OK || add_thread(i, long_wait_notified, 2, events) != OK ||
            process_map(HANDLE_NONE, page, CHILD_SCRATCH + 2 * STRETCH + (1 + i) * PAGE_SIZE, PROTECT_READ, 0, 1) != OK)
            return 3;
    SHARED->words[READY] = 1;
    notification_wait(events, 1, TIMEOUT_NEVER, &bits);
    return 4;
}

static void make_heavy(struct child *child)
{
    child_create(child, HEAVY_QUOTA);
    expect_passed();
    SHARED->words[READY] = 0;
    child_start(child, have_much, LOW);
    for (uint32_t i = 0; i < 1000 && !SHARED->words[READY]; i++)
        sleep_microseconds(1000);
    expect_equal(SHARED->words[READY], 1);
    sleep_microseconds(10000); /* its threads wait */
}

/* When the call is over, so is all that was to do. */
static void heavy_process(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t alive = info(INFO_THREADS_ALIVE), bits;
    make_heavy(&child);
    expect_passed();
    uint32_t limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    expect_equal(process_destroy(child.process, 5), OK);
    expect_equal(info(INFO_THREADS_ALIVE), alive);
    expect(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT) >= limit + HEAVY_QUOTA - PAGE_SIZE);
    expect_equal(child_exit_code(&child), 5);
    expect_equal(notification_wait(child.events, CHILD_ENDED, 0, &bits), OK);
    child_end(&child);
}

static handle_t to_be_ended;

static void end_it(struct task *task)
{
    (void)task;
    process_destroy(to_be_ended, 6);
}

/* Whoever has a higher priority than who ends it wakes meanwhile, and sees what is half done. */
static void waking_meanwhile(void)
{
    struct child child = { .on_fault = NULL };
    struct task task;
    uint32_t late = 0, halves = 0, bits;
    make_heavy(&child);
    expect_passed();
    to_be_ended = child.process;
    task_create(&task, end_it, LOW);
    expect_passed();
    task_go(&task);
    for (uint32_t i = 0; i < NAPS; i++) {
        uint64_t due = ticks() + (uint64_t)info(INFO_TSC_KHZ) * NAP / 1000;
        sleep_microseconds(NAP);
        uint32_t took = (uint32_t)(ticks() - due);
        late = took > late ? took : late;
        halves += !process_fact(child.process, PROCESS_ALIVE) && notification_wait(child.events, CHILD_ENDED, 0, &bits) != OK;
    }
    expect(task_wait(&task));
    task_end(&task);
    child_end(&child);
    if (!ticks_are_instructions())
        return;
    print("# waking while a process ends: %u instructions at most, %u times half-way\n", late, halves);
    expect(halves > 2);
    expect(late < LATE_MAX || !info(INFO_BUILD_RELEASE)); /* the limit is for what is shipped */
}

/* ---- those who wait ---- */

static void many_waiters(void)
{
    handle_t events;
    uint32_t alive = info(INFO_THREADS_ALIVE), bits;
    expect_equal(notification_create(&events), OK);
    for (uint32_t i = 0; i < WAITERS; i++)
        expect_equal(add_thread(i, long_wait_notified, 1u << i % 32, events), OK);
    sleep_microseconds(20000);
    expect_equal(notification_wait(events, 1, SECOND, &bits), E_BUSY);
    for (uint32_t i = 0; i < WAITERS / 32; i++)
        expect_equal(notification_signal(events, UINT32_MAX), OK);
    for (uint32_t i = 0; i < 100 && info(INFO_THREADS_ALIVE) > alive; i++)
        sleep_microseconds(1000);
    expect_equal(info(INFO_THREADS_ALIVE), alive); /* each signal has woken 32 */
    expect_equal(notification_wait(events, 1, 0, &bits), E_TIMED_OUT);
    end_threads(WAITERS);
    handle_close(events);
}

/* Each signal finds many of the 32 bits, and as many waiters as there may be to look at. */
static void many_waiters_at_one_moment(void)
{
    handle_t events[2];
    uint32_t alive = info(INFO_THREADS_ALIVE), due = uptime() + 50;
    for (uint32_t i = 0; i < COUNT(events); i++)
        expect_equal(notification_create(&events[i]), OK);
    for (uint32_t i = 0; i < COUNT(events) * WAITERS; i++)
        expect_equal(add_thread(i, long_wait_notified, 1u << i / 2 % 32, events[i % 2]), OK);
    sleep_microseconds(20000);
    for (uint32_t i = 0; i < COUNT(events); i++)
        expect_equal(notification_timer(events[i], UINT32_MAX, (due - uptime()) * 1000), OK);
    for (handle_t page; uptime() < due + 10; handle_close(page)) /* keeps interrupts off, so that both are due at one of them */
        expect_equal(memory_create(1, 0, &page), OK);
    for (uint32_t i = 0; i < 100 && info(INFO_THREADS_ALIVE) > alive + COUNT(events) * (WAITERS - 32); i++)
        sleep_microseconds(1000);
    expect_equal(info(INFO_THREADS_ALIVE), alive + COUNT(events) * (WAITERS - 32));
    end_threads(COUNT(events) * WAITERS);
    for (uint32_t i = 0; i < COUNT(events); i++)
        handle_close(events[i]);
}

static void many_callers(void)
{
    handle_t endpoint, weak;
    uint32_t alive = info(INFO_THREADS_ALIVE);
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(handle_duplicate(endpoint, RIGHT_CALL, 0, &weak), OK);
    for (uint32_t i = 0; i < MANY; i++)
        expect_equal(add_thread(i, long_call, 0, weak), OK);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, MANY));
    handle_close(endpoint); /* nobody will ever serve them */
    expect_equal(endpoint_fact(weak, ENDPOINT_QUEUE), 0);
    for (uint32_t i = 0; i < 100 && info(INFO_THREADS_ALIVE) > alive; i++)
        sleep_microseconds(1000);
    expect_equal(info(INFO_THREADS_ALIVE), alive);
    end_threads(MANY);
    handle_close(weak);
}

static void many_workers(void)
{
    handle_t endpoint;
    struct message message = { .handle = HANDLE_NONE };
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    for (uint32_t i = 0; i < WORKERS; i++)
        expect_equal(add_thread(i, long_serve, 0, endpoint), OK);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, WORKERS));
    expect_equal(ipc_wait(endpoint, &message), E_BUSY);
    end_threads(WORKERS);
    expect_equal(endpoint_fact(endpoint, ENDPOINT_WORKERS), 0);
    handle_close(endpoint);
}

/* Each call counts the requests of its badge among the workers and in the queue, and then looks for a deadlock. */
static void many_requests_under_a_cap(void)
{
    handle_t endpoint, client, events;
    struct message message = { .handle = HANDLE_NONE };
    expect_equal(endpoint_create(0, 10 * WORKERS, &endpoint), OK);
    expect_equal(handle_duplicate(endpoint, RIGHT_CALL, 5, &client), OK);
    expect_equal(notification_create(&events), OK);
    for (uint32_t i = 0; i < WORKERS; i++)
        expect_equal(add_thread(i, long_serve_for_ever, 0, endpoint), OK);
    expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, WORKERS));
    for (uint32_t i = WORKERS; i < 2 * WORKERS + CAPPED_QUEUE; i++)
        expect_equal(add_thread(i, long_call_with_word, client, events), OK);
    expect(endpoint_reaches(endpoint, ENDPOINT_QUEUE, CAPPED_QUEUE));
    expect_equal(ipc_call(client, TIMEOUT_NEVER, &message), E_BUSY);
    end_threads(2 * WORKERS + CAPPED_QUEUE);
    handle_close(endpoint);
    handle_close(client);
    handle_close(events);
}

static void many_threads(void)
{
    uint32_t count = 0, already = process_fact(HANDLE_NONE, PROCESS_THREADS);
    while (count < THREADS && thread_create(HANDLE_NONE, (uint32_t)long_serve, 0, 0, LOW, &threads[count]) == OK)
        count++;
    uint32_t most = process_fact(HANDLE_NONE, PROCESS_THREADS);
    process_fact(HANDLE_NONE, PROCESS_CPU);
    end_threads(count);
    expect_equal(most, THREADS);
    expect_equal(count, THREADS - already);
}

static void many_timers(void)
{
    handle_t timers[MANY];
    uint32_t bits, passed = 0, due = uptime() + 50;
    for (uint32_t i = 0; i < MANY; i++)
        expect_equal(notification_create(&timers[i]), OK);
    for (uint32_t i = 0; i < MANY; i++)
        expect_equal(notification_timer(timers[i], 1, (due - uptime()) * 1000), OK);
    spin(60000); /* all are due before anybody waits */
    for (uint32_t i = 0; i < MANY; i++)
        passed += notification_wait(timers[i], 1, LATE_TIMER, &bits) == OK;
    for (uint32_t i = 0; i < MANY; i++)
        handle_close(timers[i]);
    expect_equal(passed, MANY);
}

static void many_watches(void)
{
    static handle_t watches[WATCHES];
    struct child child = { .on_fault = NULL };
    uint32_t told = 0, bits;
    handle_t events;
    child_create(&child, CHILD_QUOTA); /* and watched once already */
    expect_passed();
    for (uint32_t i = 0; i < WATCHES - 1; i++) {
        expect_equal(notification_create(&watches[i]), OK);
        expect_equal(process_watch(child.process, watches[i], 1), OK);
    }
    expect_equal(notification_create(&events), OK);
    expect_equal(process_watch(child.process, events, 1), E_NO_MEMORY);
    expect_equal(process_watch(child.process, watches[0], 2), OK);
    expect_equal(process_destroy(child.process, 0), OK);
    for (uint32_t i = 0; i < WATCHES - 1; i++)
        told += notification_wait(watches[i], 1, 0, &bits) == OK;
    for (uint32_t i = 0; i < WATCHES - 1; i++)
        handle_close(watches[i]);
    handle_close(events);
    child_end(&child);
    expect_equal(told, WATCHES - 1);
}

static const struct test_case cases[] = {
    { "a large object mapped, protected, unmapped and revoked", large_object, NULL },
    { "many mappings at once", many_mappings_at_once, NULL },
    { "fragmented memory", fragmented_memory, NULL },
    { "the end of a process that has much", heavy_process, NULL },
    { "waking while a process ends", waking_meanwhile, NULL },
    { "many waiters", many_waiters, NULL },
    { "many waiters of two timers at one moment", many_waiters_at_one_moment, NULL },
    { "many callers whose endpoint dies", many_callers, NULL },
    { "many workers", many_workers, NULL },
    { "many requests under a cap", many_requests_under_a_cap, NULL },
    { "many threads", many_threads, NULL },
    { "many timers at one moment", many_timers, NULL },
    { "many watches", many_watches, NULL },
};
TEST_GROUP(long_tests, "long");
