/* Notifications: sticky bits, masks, waiters, time-outs, timers, deaths. */
#include "child.h"

#define LATE_MS 500u

static void bits_are_sticky(void)
{
    handle_t notification;
    uint32_t bits = 0;
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), E_TIMED_OUT);
    expect_equal(notification_signal(notification, 0x1), OK);
    expect_equal(notification_signal(notification, 0x80000000), OK);
    expect_equal(notification_signal(notification, 0x1), OK);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), OK);
    expect_equal(bits, 0x80000001);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), E_TIMED_OUT);
    handle_close(notification);
}

static void only_bits_of_the_mask(void)
{
    handle_t notification;
    uint32_t bits = 0;
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_signal(notification, 0xF0), OK);
    expect_equal(notification_wait(notification, 0x0F, 0, &bits), E_TIMED_OUT);
    expect_equal(notification_wait(notification, 0x30, TIMEOUT_NEVER, &bits), OK);
    expect_equal(bits, 0x30);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), OK);
    expect_equal(bits, 0xC0);
    expect_equal(notification_wait(notification, 0, 0, &bits), E_BAD_ARGUMENT);
    expect_equal(notification_signal(notification, 0), OK);
    handle_close(notification);
}

static void rights(void)
{
    handle_t notification, reader, writer;
    uint32_t bits;
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(notification, RIGHT_READ, 0, &reader), OK);
    expect_equal(handle_duplicate(notification, RIGHT_WRITE, 0, &writer), OK);
    expect_equal(notification_signal(reader, 1), E_NO_RIGHT);
    expect_equal(notification_wait(writer, 1, 0, &bits), E_NO_RIGHT);
    expect_equal(notification_timer(reader, 1, 1000), E_NO_RIGHT);
    expect_equal(notification_signal(writer, 1), OK);
    expect_equal(notification_wait(reader, 1, 0, &bits), OK);
    handle_close(reader);
    handle_close(writer);
    handle_close(notification);
}

static void time_out(void)
{
    handle_t notification;
    uint32_t bits, before = uptime();
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_wait(notification, 1, 30000, &bits), E_TIMED_OUT);
    uint32_t passed = uptime() - before;
    expect(passed + 1 >= 30 && passed < 30 + LATE_MS);
    before = uptime();
    expect_equal(notification_wait(notification, 1, 1, &bits), E_TIMED_OUT);
    expect(uptime() - before < LATE_MS);
    handle_close(notification);
}

/* ---- waiters ---- */

struct waiter {
    struct task task;
    handle_t notification;
    uint32_t mask, bits;
    status_t status;
};

static void wait_for_bits(struct task *task)
{
    struct waiter *waiter = (struct waiter *)task;
    waiter->status = notification_wait(waiter->notification, waiter->mask, TIMEOUT_NEVER, &waiter->bits);
}

static void start_waiter(struct waiter *waiter, handle_t notification, uint32_t mask)
{
    task_create(&waiter->task, wait_for_bits, PRIORITY_TESTS);
    expect_passed();
    waiter->notification = notification;
    waiter->mask = mask;
    waiter->bits = 0;
    task_go(&waiter->task);
    expect(task_blocked(&waiter->task));
}

static void expect_woken(struct waiter *waiter, uint32_t bits)
{
    expect(task_wait(&waiter->task));
    expect_equal(waiter->status, OK);
    expect_equal(waiter->bits, bits);
    task_end(&waiter->task);
}

static void wakes_by_mask(void)
{
    handle_t notification;
    struct waiter low, high;
    expect_equal(notification_create(&notification), OK);
    start_waiter(&low, notification, 0x0F);
    start_waiter(&high, notification, 0xF0);
    expect_passed();
    expect_equal(notification_signal(notification, 0x10), OK);
    expect_woken(&high, 0x10);
    expect_passed();
    expect(task_blocked(&low.task));
    expect_equal(notification_signal(notification, 0x23), OK);
    expect_woken(&low, 0x03);
    expect_equal(notification_wait(notification, ~0u, 0, &low.bits), OK);
    expect_equal(low.bits, 0x20);
    handle_close(notification);
}

/* One bit goes to one waiter: the first that came. */
static void one_bit_one_waiter(void)
{
    handle_t notification;
    struct waiter first, second;
    expect_equal(notification_create(&notification), OK);
    start_waiter(&first, notification, 1);
    start_waiter(&second, notification, 1);
    expect_passed();
    expect_equal(notification_signal(notification, 1), OK);
    expect_woken(&first, 1);
    expect_passed();
    expect(task_blocked(&second.task));
    expect_equal(notification_signal(notification, 1), OK);
    expect_woken(&second, 1);
    handle_close(notification);
}

static void waiter_outlives_handle(void)
{
    handle_t notification, other;
    struct waiter waiter;
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(notification, RIGHT_WRITE, 0, &other), OK);
    start_waiter(&waiter, notification, 1);
    expect_passed();
    expect_equal(handle_close(notification), OK);
    expect(task_blocked(&waiter.task));
    expect_equal(notification_signal(other, 1), OK);
    expect_woken(&waiter, 1);
    expect_equal(handle_close(other), OK);
}

static void waiter_is_destroyed(void)
{
    handle_t notification;
    struct waiter waiter;
    uint32_t bits = 0;
    expect_equal(notification_create(&notification), OK);
    start_waiter(&waiter, notification, 1);
    expect_passed();
    task_end(&waiter.task);
    expect_equal(notification_signal(notification, 1), OK);
    expect_equal(notification_wait(notification, 1, 0, &bits), OK);
    handle_close(notification);
}

static void waiter_is_cancelled(void)
{
    handle_t notification;
    struct waiter waiter;
    expect_equal(notification_create(&notification), OK);
    start_waiter(&waiter, notification, 1);
    expect_passed();
    expect_equal(thread_cancel(waiter.task.thread), OK);
    expect(task_wait(&waiter.task));
    expect_equal(waiter.status, E_CANCELLED);
    task_end(&waiter.task);
    handle_close(notification);
}

/* ---- timers ---- */

static void timer_fires_once(void)
{
    handle_t notification;
    uint32_t bits = 0, before = uptime();
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_timer(notification, 0x6, 20000), OK);
    expect_equal(notification_wait(notification, ~0u, SECOND, &bits), OK);
    expect_equal(bits, 0x6);
    uint32_t passed = uptime() - before;
    expect(passed + 1 >= 20 && passed < 20 + LATE_MS);
    expect_equal(notification_wait(notification, ~0u, 40000, &bits), E_TIMED_OUT);
    handle_close(notification);
}

static void new_timer_replaces_old(void)
{
    handle_t notification;
    uint32_t bits = 0;
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_timer(notification, 1, 10000), OK);
    expect_equal(notification_timer(notification, 2, 20000), OK);
    expect_equal(notification_wait(notification, ~0u, SECOND, &bits), OK);
    expect_equal(bits, 2);
    expect_equal(notification_timer(notification, 4, 10000), OK);
    expect_equal(notification_timer(notification, 0, 10000), OK);
    expect_equal(notification_wait(notification, ~0u, 30000, &bits), E_TIMED_OUT);
    handle_close(notification);
}

/* Armed and thrown away: the end of the notification is the end of its timer. */
static void closed_timers(void)
{
    uint32_t used = quota_used();
    for (uint32_t i = 0; i < 50; i++) {
        handle_t notification;
        expect_equal(notification_create(&notification), OK);
        expect_equal(notification_timer(notification, 1, 1000 + i * 200), OK);
        expect_equal(handle_close(notification), OK);
    }
    sleep_microseconds(20000);
    expect_equal(quota_used(), used);
}

/* Far beyond what one count of the hardware holds, and not at once. */
static void long_timers(void)
{
    handle_t notification;
    uint32_t bits;
    expect_equal(notification_create(&notification), OK);
    expect_equal(notification_timer(notification, 1, 0xFFFFFFFE), OK);
    expect_equal(notification_wait(notification, 1, 100000, &bits), E_TIMED_OUT);
    handle_close(notification);
}

/* Each wakes a waiter of its own; the waiters note the order. */
static struct {
    struct waiter waiters[5];
    uint32_t order[5];
    volatile uint32_t count;
} race;

static void note_expiry(struct task *task)
{
    struct waiter *waiter = (struct waiter *)task;
    wait_for_bits(task);
    race.order[race.count++] = (uint32_t)(waiter - race.waiters);
}

static void many_timers_in_order(void)
{
    static const uint32_t delays[] = { 60000, 20000, 100000, 40000, 80000 }, wanted[] = { 1, 3, 0, 4, 2 };
    race.count = 0;
    for (uint32_t i = 0; i < COUNT(delays); i++) {
        struct waiter *waiter = &race.waiters[i];
        task_create(&waiter->task, note_expiry, PRIORITY_TESTS);
        expect_passed();
        waiter->mask = 1;
        expect_equal(notification_create(&waiter->notification), OK);
        expect_equal(notification_timer(waiter->notification, 1, delays[i]), OK);
        task_go(&waiter->task);
    }
    for (uint32_t i = 0; i < COUNT(delays); i++) {
        expect(task_wait(&race.waiters[i].task));
        handle_close(race.waiters[i].notification);
        task_end(&race.waiters[i].task);
    }
    for (uint32_t i = 0; i < COUNT(delays); i++)
        expect_equal(race.order[i], wanted[i]);
}

/* ---- deaths ---- */

static void end_of_a_process(void)
{
    handle_t process, notification;
    uint32_t bits = 0;
    expect_equal(process_create(65536, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(notification_create(&notification), OK);
    expect_equal(process_watch(process, notification, 0x10), OK);
    expect_equal(process_watch(process, notification, 0x20), OK);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), E_TIMED_OUT);
    expect_equal(process_destroy(process, 42), OK);
    expect_equal(notification_wait(notification, ~0u, 0, &bits), OK);
    expect_equal(bits, 0x30);
    expect_equal(process_fact(process, PROCESS_ALIVE), 0);
    expect_equal(process_fact(process, PROCESS_EXIT_CODE), 42);
    expect_equal(process_destroy(process, 43), E_BAD_STATE);
    expect_equal(process_watch(process, notification, 1), E_BAD_STATE);
    handle_close(notification);
    handle_close(process);
}

static const struct test_case cases[] = {
    { "bits are sticky", bits_are_sticky, NULL },
    { "only bits of the mask are taken", only_bits_of_the_mask, NULL },
    { "rights", rights, NULL },
    { "a wait times out", time_out, NULL },
    { "waiters wake by their masks", wakes_by_mask, NULL },
    { "one bit wakes one waiter", one_bit_one_waiter, NULL },
    { "a waiter outlives the handle", waiter_outlives_handle, NULL },
    { "a waiter is destroyed", waiter_is_destroyed, NULL },
    { "a waiter is cancelled", waiter_is_cancelled, NULL },
    { "a timer fires once", timer_fires_once, NULL },
    { "a new timer replaces the old", new_timer_replaces_old, NULL },
    { "timers of closed notifications", closed_timers, NULL },
    { "a timer for more than an hour", long_timers, NULL },
    { "timers expire in order", many_timers_in_order, NULL },
    { "the end of a process", end_of_a_process, NULL },
};
TEST_GROUP(notification_tests, "notification");
