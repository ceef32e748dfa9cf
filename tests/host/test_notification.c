/* Unit tests of notifications and interrupt lines: who wakes with which bits, and when a line is masked. */
// links: notification.c irq.c
#include "notification.h"

#include "arch.h"
#include "mock_work.h"
#include "thread.h"
#include "trace.h"
#include "unit.h"

#define LINE 5u
#define THREADS 6u

static struct notification notification;
static struct thread threads[THREADS];
static struct thread *woken[100];
static uint32_t woken_count;
static struct timer *cancelled;
static uint16_t masked_lines;

void scheduler_ready(struct thread *thread, struct budget *budget)
{
    assert_ptr_equal(budget, &thread->own);
    assert_true(list_empty(&thread->queue_link));
    thread->state = THREAD_READY;
    woken[woken_count++] = thread;
}

void timer_cancel(struct timer *timer) { cancelled = timer; }
void trace_interrupt(enum trace_kind kind, uint32_t line) { (void)line; assert_int_equal(kind, TRACE_INTERRUPT); }
void object_release(struct object *object) { object->references--; }
bool arch_irq_usable(uint32_t line) { return line != 2; }
void arch_irq_mask(uint32_t line) { masked_lines |= (uint16_t)(1u << line); }
void arch_irq_unmask(uint32_t line) { masked_lines &= (uint16_t)~(1u << line); }

static void start_notification(struct notification *new)
{
    *new = (struct notification){ .object = { .type = TYPE_NOTIFICATION, .references = 1 } };
    list_init(&new->waiters);
}

static int start(void **state)
{
    (void)state;
    start_notification(&notification);
    woken_count = 0;
    masked_lines = 0xFFFF;
    return 0;
}

static void wait_for(uint32_t number, uint32_t mask)
{
    struct thread *thread = &threads[number];
    *thread = (struct thread){ .state = THREAD_WAITING, .budget = &thread->own };
    thread->waiting.notification = &notification;
    thread->waiting.mask = mask;
    thread->frame.status = (uint32_t)E_BAD_STATE;
    object_hold(&notification.object);
    list_insert(&notification.waiters, &thread->queue_link);
    notification.waiter_count++;
}

static void expect_woken(uint32_t position, uint32_t number, uint32_t bits)
{
    assert_true(position < woken_count);
    assert_ptr_equal(woken[position], &threads[number]);
    assert_int_equal(threads[number].frame.status, OK);
    assert_int_equal(threads[number].frame.word, bits);
}

static void bits_stay_without_a_waiter(void **state)
{
    (void)state;
    notification_signal(&notification, 0x5);
    notification_signal(&notification, 0x80000001);
    notification_signal(&notification, 0);
    assert_int_equal(notification.bits, 0x80000005);
    assert_int_equal(notification.object.references, 1);
}

static void waiter_takes_the_bits_of_its_mask(void **state)
{
    (void)state;
    wait_for(0, 0x6);
    notification_signal(&notification, 0x8);
    assert_int_equal(woken_count, 0);
    notification_signal(&notification, 0x7);
    assert_int_equal(woken_count, 1);
    expect_woken(0, 0, 0x6);
    assert_int_equal(notification.bits, 0x9);
    assert_ptr_equal(cancelled, &threads[0].timer);
    assert_int_equal(notification.object.references, 1);
}

static void waiters_wake_in_order(void **state)
{
    (void)state;
    wait_for(0, 0x1);
    wait_for(1, 0x10);
    wait_for(2, 0x3);
    wait_for(3, 0x3);
    wait_for(4, 0xC);
    notification_signal(&notification, 0x7);
    assert_int_equal(woken_count, 3);
    expect_woken(0, 0, 0x1);
    expect_woken(1, 2, 0x2); /* the first bit is gone already */
    expect_woken(2, 4, 0x4);
    assert_int_equal(notification.bits, 0);
    assert_ptr_equal(notification.waiters.next, &threads[1].queue_link);
    assert_ptr_equal(notification.waiters.previous, &threads[3].queue_link);
    assert_int_equal(notification.object.references, 3);
}

/* Its handles are closed; the waiters hold it, and the signal under way does so to its end. */
static void last_waiter_holds_the_last_reference(void **state)
{
    (void)state;
    wait_for(0, 0x1);
    wait_for(1, 0x1);
    object_release(&notification.object);
    notification_signal(&notification, 0x1);
    assert_int_equal(notification.object.references, 1);
    notification_signal(&notification, 0x1);
    assert_int_equal(notification.object.references, 0);
    assert_int_equal(woken_count, 2);
}

static void destruction_stops_the_timer(void **state)
{
    (void)state;
    notification_destroy(&notification.object);
    assert_ptr_equal(cancelled, &notification.timer);
}

static void random_signals_agree_with_the_model(void **state)
{
    (void)state;
    random_start("notification");
    uint32_t masks[THREADS] = { 0 }, order[THREADS], waiting = 0, bits = 0; /* mask 0: does not wait */
    for (int step = 0; step < 50000; step++) {
        uint32_t number = random_below(THREADS), some = random_next() & random_next() & random_next() & 0xFF;
        if (masks[number] == 0 && (some & bits) == 0 && some != 0) { /* else the call would not block */
            wait_for(number, some);
            masks[number] = some;
            order[waiting++] = number;
            continue;
        }
        woken_count = 0;
        notification_signal(&notification, some);
        finish_work();
        bits |= some;
        uint32_t left = 0, expected = 0;
        for (uint32_t i = 0; i < waiting; i++) {
            uint32_t taken = bits & masks[order[i]];
            bits &= ~taken;
            if (taken) {
                expect_woken(expected++, order[i], taken);
                masks[order[i]] = 0;
            } else {
                order[left++] = order[i];
            }
        }
        waiting = left;
        assert_int_equal(woken_count, expected);
        assert_int_equal(notification.bits, bits);
        assert_int_equal(notification.object.references, 1 + waiting);
        if (random_below(4) == 0)
            notification.bits = bits = 0; /* somebody polled */
    }
}

/* ---- interrupt lines ---- */

static struct irq make_irq(uint32_t line)
{
    return (struct irq){ .lines = { .object = { .type = TYPE_IRQ, .references = 1 }, .first = line, .count = 1 } };
}

static bool is_masked(uint32_t line)
{
    return masked_lines >> line & 1;
}

static void bound_line_signals(void **state)
{
    (void)state;
    struct irq irq = make_irq(LINE);
    kernel_interrupt(LINE);
    assert_int_equal(irq_bind(&irq, &notification, 0x30), OK);
    assert_false(is_masked(LINE));
    assert_int_equal(notification.object.references, 2);
    kernel_interrupt(LINE);
    kernel_interrupt(LINE + 1);
    kernel_interrupt(1000);
    assert_int_equal(notification.bits, 0x30);
    irq_destroy(&irq.lines.object);
    assert_true(is_masked(LINE));
    assert_int_equal(notification.object.references, 1);
    notification.bits = 0;
    kernel_interrupt(LINE);
    assert_int_equal(notification.bits, 0);
}

static void line_has_one_owner(void **state)
{
    (void)state;
    struct irq first = make_irq(LINE), second = make_irq(LINE);
    assert_int_equal(irq_bind(&first, &notification, 1), OK);
    assert_int_equal(irq_bind(&second, &notification, 2), E_BUSY);
    irq_destroy(&second.lines.object);
    assert_false(is_masked(LINE));
    irq_destroy(&first.lines.object);
    assert_int_equal(irq_bind(&second, &notification, 2), OK);
    kernel_interrupt(LINE);
    assert_int_equal(notification.bits, 2);
    irq_destroy(&second.lines.object);
    assert_int_equal(notification.object.references, 1);
}

static void line_may_be_bound_anew(void **state)
{
    (void)state;
    struct irq irq = make_irq(LINE);
    struct notification other;
    start_notification(&other);
    assert_int_equal(irq_bind(&irq, &notification, 1), OK);
    assert_int_equal(irq_bind(&irq, &notification, 2), OK);
    assert_int_equal(notification.object.references, 2);
    assert_int_equal(irq_bind(&irq, &other, 4), OK);
    assert_int_equal(notification.object.references, 1);
    assert_false(is_masked(LINE));
    kernel_interrupt(LINE);
    assert_int_equal(notification.bits, 0);
    assert_int_equal(other.bits, 4);
    irq_destroy(&irq.lines.object);
    assert_int_equal(other.object.references, 1);
}

static void only_single_usable_lines_are_bound(void **state)
{
    (void)state;
    struct irq cascade = make_irq(2), beyond = make_irq(16), authority = make_irq(3);
    authority.lines.count = 2;
    assert_int_equal(irq_bind(&cascade, &notification, 1), E_BAD_ARGUMENT);
    assert_int_equal(irq_bind(&beyond, &notification, 1), E_BAD_ARGUMENT);
    assert_int_equal(irq_bind(&authority, &notification, 1), E_BAD_ARGUMENT);
    irq_destroy(&authority.lines.object);
    assert_int_equal(masked_lines, 0xFFFF);
    assert_int_equal(notification.object.references, 1);
}

#define TEST(test) cmocka_unit_test_setup(test, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bits_stay_without_a_waiter),
        TEST(waiter_takes_the_bits_of_its_mask),
        TEST(waiters_wake_in_order),
        TEST(last_waiter_holds_the_last_reference),
        TEST(destruction_stops_the_timer),
        TEST(random_signals_agree_with_the_model),
        TEST(bound_line_signals),
        TEST(line_has_one_owner),
        TEST(line_may_be_bound_anew),
        TEST(only_single_usable_lines_are_bound),
    };
    return cmocka_run_group_tests_name("notification", tests, NULL, NULL);
}
