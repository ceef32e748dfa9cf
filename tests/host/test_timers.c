/* Unit tests of the heap of timers: order, removal from anywhere, and that no way grows long. */
// links: timers.c
#include "timer.h"

#include "unit.h"

#define MANY 1000u

static struct timer many[MANY];

static uint32_t rank_of(const struct timer *timer)
{
    return timer ? timer->rank : 0;
}

/* How many there are at and below it. */
static uint32_t check(const struct timer *timer, const struct timer *above)
{
    if (!timer)
        return 0;
    assert_ptr_equal(timer->above, above);
    assert_true(!above || above->when <= timer->when);
    assert_true(rank_of(timer->left) >= rank_of(timer->right));
    assert_int_equal(timer->rank, rank_of(timer->right) + 1);
    uint32_t count = 1 + check(timer->left, timer) + check(timer->right, timer);
    assert_true(count >= (1u << timer->rank) - 1);
    return count;
}

static void insert(struct timer **timers, struct timer *timer, uint64_t when)
{
    timer->when = when;
    timers_insert(timers, timer);
}

static void soonest_comes_first(void **state)
{
    (void)state;
    struct timer *timers = NULL;
    for (uint32_t i = 0; i < MANY; i++)
        insert(&timers, &many[i], (uint64_t)i * 7919 % MANY << 40);
    assert_int_equal(check(timers, NULL), MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        struct timer *first = timers;
        assert_int_equal(first->when >> 40, i);
        timers_remove(&timers, first);
        assert_false(timer_armed(first));
        assert_int_equal(check(timers, NULL), MANY - 1 - i);
    }
    assert_null(timers);
}

static void removed_from_anywhere(void **state)
{
    (void)state;
    struct timer *timers = NULL;
    uint32_t armed = 0, random = 1;
    for (uint32_t i = 0; i < 100 * MANY; i++) {
        random = random * 1664525 + 1013904223;
        struct timer *timer = &many[(random >> 8) % MANY];
        if (timer_armed(timer))
            timers_remove(&timers, timer), armed--;
        else
            insert(&timers, timer, random >> 28), armed++;
        if (i % 64 == 0)
            assert_int_equal(check(timers, NULL), armed);
    }
    while (timers)
        timers_remove(&timers, timers);
}

/* In order and in reverse order, which make a heap lean to one side. */
static void equal_and_ordered(void **state)
{
    (void)state;
    struct timer *timers = NULL;
    for (uint32_t i = 0; i < MANY; i++)
        insert(&timers, &many[i], i < MANY / 3 ? i : i < 2 * MANY / 3 ? MANY - i : 5);
    assert_int_equal(check(timers, NULL), MANY);
    for (uint32_t i = 0; i < MANY; i++)
        timers_remove(&timers, &many[i]);
    assert_null(timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soonest_comes_first),
        cmocka_unit_test(removed_from_anywhere),
        cmocka_unit_test(equal_and_ordered),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
