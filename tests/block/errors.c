/* Devices that fail: sectors that cannot be read (bad-read=) or written (bad-write=), a device that does not answer (slow=1), or
 * not in time for the first of several requests (late=1). */
#include "test.h"

static void bad_read(uint32_t bad)
{
    report(run(0, BLOCK_READ, bad, 1, 1) == E_IO, "a sector that cannot be read");
    report(run(0, BLOCK_READ, bad > 4 ? bad - 4 : 0, 8, 1) == E_IO, "the same among others");
    report(run(0, BLOCK_READ, bad + 8, 8, 1) == OK, "the next ones can be read");
    report(run(0, BLOCK_READ, 0, bad, 1) == OK, "those before it can be read");
}

static void bad_write(uint32_t bad)
{
    report(run(0, BLOCK_WRITE, bad, 1, 1) == E_IO, "a sector that cannot be written");
    report(run(0, BLOCK_WRITE, bad + 8, 8, 1) == OK, "the next ones can be written");
}

/* ---- one bad sector must not spoil what is under way beside it ---- */

#define THREADS 6u
#define ROUNDS 20u

static struct {
    volatile uint32_t wrong, left;
    handle_t done;
} crowd;

static void read_around(void *argument)
{
    uint32_t thread = (uint32_t)argument, bad = argument_number("bad-read", 0);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        bool spoiled = thread == 0 && i % 4 == 0;
        status_t status = run(thread, BLOCK_READ, spoiled ? bad : bad + 8 + thread * 64 + i * 8, 8, 1 + thread * 8);
        if (status != (spoiled ? E_IO : OK))
            __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_sub_fetch(&crowd.left, 1, __ATOMIC_SEQ_CST);
    notification_signal(crowd.done, 1);
}

static void errors_among_many(void)
{
    handle_t thread;
    uint32_t bits;
    crowd.left = THREADS;
    notification_create(&crowd.done);
    for (uint32_t i = 0; i < THREADS; i++)
        if (thread_spawn(read_around, (void *)i, 0, &thread) == OK)
            handle_close(thread);
    while (crowd.left && notification_wait(crowd.done, 1, 20000000, &bits) == OK)
        continue;
    report(crowd.left == 0 && crowd.wrong == 0, "errors meet only those whose sectors are bad");
}

/* The host lets few bytes pass in a second: of two large requests, the second takes longer than the service waits. */
static void slow_device(void)
{
    status_t status = OK;
    for (uint32_t i = 0; i < 4 && status == OK; i++)
        status = run(0, BLOCK_READ, 0, BLOCK_PAGES * PAGE_SECTORS, 1);
    report(status == E_TIMED_OUT, "a device that does not answer");
    for (uint32_t i = 0; i < 20 && status != OK; i++) {
        sleep_microseconds(300000);
        status = run(0, BLOCK_READ, 0, 1, 1);
    }
    report(status == OK, "it works again");
}

/* ---- a request that comes too late must not take those beside it along ---- */

#define LATE_BEFORE 400000u     /* microseconds by which it is older than they are */

static volatile status_t late_status;

static void read_late(void *unused)
{
    (void)unused;
    late_status = run(0, BLOCK_READ, 0, 1, 1);
    __atomic_sub_fetch(&crowd.left, 1, __ATOMIC_SEQ_CST);
    notification_signal(crowd.done, 1);
}

static void write_in_time(void *argument)
{
    uint32_t thread = (uint32_t)argument;
    if (run(thread, BLOCK_WRITE, thread * 8, 1, 1 + thread) != OK)
        __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&crowd.left, 1, __ATOMIC_SEQ_CST);
    notification_signal(crowd.done, 1);
}

/* The host lets 8000 bytes be read in a second: what is to be read after a large request waits longer than the service does.
 * What is to be written waits for the device that is busy with that. */
static void late_request(void)
{
    handle_t thread;
    uint32_t bits;
    crowd.left = THREADS;
    notification_create(&crowd.done);
    report(run(0, BLOCK_READ, 0, BLOCK_PAGES * PAGE_SECTORS, 1) == OK, "a large request");
    for (uint32_t i = 0; i < THREADS; i++) {
        if (thread_spawn(i ? write_in_time : read_late, (void *)i, 0, &thread) == OK)
            handle_close(thread);
        if (i == 0)
            sleep_microseconds(LATE_BEFORE);
    }
    while (crowd.left && notification_wait(crowd.done, 1, 20000000, &bits) == OK)
        continue;
    report(late_status == E_TIMED_OUT, "the next one is not answered in time");
    report(crowd.left == 0 && crowd.wrong == 0, "younger ones that were with the device at its reset are done all the same");
}

void error_cases(void)
{
    uint32_t read = argument_number("bad-read", 0), write = argument_number("bad-write", 0);
    if (read) {
        bad_read(read);
        errors_among_many();
    }
    if (write)
        bad_write(write);
    if (argument("slow"))
        slow_device();
    if (argument("late"))
        late_request();
}
