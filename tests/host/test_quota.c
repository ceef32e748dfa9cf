/* Unit tests of quotas: limits are exact, nothing wraps, limit that is handed on is conserved. */
// links: quota.c
#include "quota.h"

#include "mock_panic.h"

static void charge_up_to_the_limit(void **state)
{
    (void)state;
    struct quota quota = { .limit = 100 };
    assert_true(quota_charge(&quota, 60));
    assert_false(quota_charge(&quota, 41));
    assert_int_equal(quota.used, 60);
    assert_true(quota_charge(&quota, 40));
    assert_int_equal(quota.used, 100);
    assert_true(quota_charge(&quota, 0));
    assert_false(quota_charge(&quota, 1));
}

static void empty_quota_takes_nothing(void **state)
{
    (void)state;
    struct quota quota = { 0 };
    assert_true(quota_charge(&quota, 0));
    assert_false(quota_charge(&quota, 1));
    assert_false(quota_charge(&quota, UINT32_MAX));
    assert_int_equal(quota.used, 0);
}

static void charge_does_not_wrap(void **state)
{
    (void)state;
    struct quota quota = { .limit = UINT32_MAX, .used = UINT32_MAX - 1 };
    assert_false(quota_charge(&quota, 2));
    assert_false(quota_charge(&quota, UINT32_MAX));
    assert_true(quota_charge(&quota, 1));
    assert_int_equal(quota.used, UINT32_MAX);

    struct quota small = { .limit = 10, .used = 5 };
    assert_false(quota_charge(&small, UINT32_MAX - 2));
    assert_int_equal(small.used, 5);
}

static void refund_makes_room_again(void **state)
{
    (void)state;
    struct quota quota = { .limit = 10, .used = 10 };
    quota_refund(&quota, 4);
    assert_int_equal(quota.used, 6);
    assert_false(quota_charge(&quota, 5));
    assert_true(quota_charge(&quota, 4));
    quota_refund(&quota, 10);
    assert_int_equal(quota.used, 0);
}

static void refund_of_more_than_was_charged_is_a_bug(void **state)
{
    (void)state;
    struct quota quota = { .limit = 10, .used = 3 };
    expect_assert_failure(quota_refund(&quota, 4));
    assert_int_equal(quota.used, 3);
}

static void transfer_moves_only_unused_limit(void **state)
{
    (void)state;
    struct quota from = { .limit = 10, .used = 4 }, to = { .limit = 1, .used = 1 };
    assert_false(quota_transfer(&from, &to, 7));
    assert_int_equal(from.limit, 10);
    assert_int_equal(to.limit, 1);
    assert_true(quota_transfer(&from, &to, 6));
    assert_int_equal(from.limit, 4);
    assert_int_equal(to.limit, 7);
    assert_false(quota_charge(&from, 1));
    assert_true(quota_charge(&to, 6));
}

static void transfer_does_not_wrap_the_receiver(void **state)
{
    (void)state;
    struct quota from = { .limit = 10 }, to = { .limit = UINT32_MAX - 5 };
    assert_false(quota_transfer(&from, &to, 6));
    assert_int_equal(from.limit, 10);
    assert_int_equal(to.limit, UINT32_MAX - 5);
    assert_true(quota_transfer(&from, &to, 5));
    assert_int_equal(to.limit, UINT32_MAX);
    assert_true(quota_transfer(&from, &to, 0));
}

static void transfer_to_itself_changes_nothing(void **state)
{
    (void)state;
    struct quota quota = { .limit = 10, .used = 2 };
    assert_true(quota_transfer(&quota, &quota, 8));
    assert_int_equal(quota.limit, 10);
    assert_false(quota_transfer(&quota, &quota, 9));
}

/* ---- against a model in 64-bit arithmetic ---- */

struct model {
    int64_t limit, used;
};

/* Small amounts, the whole range, and both of its ends. */
static uint32_t random_amount(void)
{
    switch (random_below(4)) {
    case 0: return random_below(64);
    case 1: return UINT32_MAX - random_below(64);
    case 2: return random_next() >> 8;
    default: return random_next();
    }
}

static void model_charge(struct quota *quota, struct model *model, uint32_t bytes)
{
    bool fits = model->used + bytes <= model->limit;
    assert_int_equal(quota_charge(quota, bytes), fits);
    if (fits)
        model->used += bytes;
}

static void model_refund(struct quota *quota, struct model *model)
{
    uint32_t bytes = model->used == UINT32_MAX ? random_next() : random_below((uint32_t)model->used + 1);
    quota_refund(quota, bytes);
    model->used -= bytes;
}

static void model_transfer(struct quota *from, struct quota *to, struct model *source, struct model *target,
                           uint32_t bytes)
{
    bool possible = source->limit - source->used >= bytes && target->limit + bytes <= UINT32_MAX;
    assert_int_equal(quota_transfer(from, to, bytes), possible);
    if (possible) {
        source->limit -= bytes;
        target->limit += bytes;
    }
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("quota");
    struct quota quotas[3] = { { .limit = UINT32_MAX }, { .limit = 1000 }, { 0 } };
    struct model models[3] = { { .limit = UINT32_MAX }, { .limit = 1000 }, { 0 } };
    for (int step = 0; step < 200000; step++) {
        uint32_t a = random_below(3), b = (a + 1 + random_below(2)) % 3;
        switch (random_below(3)) {
        case 0: model_charge(&quotas[a], &models[a], random_amount()); break;
        case 1: model_refund(&quotas[a], &models[a]); break;
        default: model_transfer(&quotas[a], &quotas[b], &models[a], &models[b], random_amount()); break;
        }
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(quotas[i].limit, models[i].limit);
            assert_int_equal(quotas[i].used, models[i].used);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charge_up_to_the_limit),
        cmocka_unit_test(empty_quota_takes_nothing),
        cmocka_unit_test(charge_does_not_wrap),
        cmocka_unit_test(refund_makes_room_again),
        cmocka_unit_test(refund_of_more_than_was_charged_is_a_bug),
        cmocka_unit_test(transfer_moves_only_unused_limit),
        cmocka_unit_test(transfer_does_not_wrap_the_receiver),
        cmocka_unit_test(transfer_to_itself_changes_nothing),
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
