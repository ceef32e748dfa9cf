/* Unit tests of the frame bitmap: bounds, runs, the border of lowmem, double frees. */
// links: frames.c
#include "frames.h"

#include "mock_panic.h"

static struct frame_pool pool;

/* A bitmap of exactly the promised size, so that the address sanitizer sees one step too far; dirty before init. */
static void start(uint32_t end, uint32_t lowmem_end)
{
    uint32_t size = frame_pool_bitmap_size(end);
    uint32_t *bitmap = malloc(size);
    memset(bitmap, 0xFF, size);
    frame_pool_init(&pool, bitmap, end, lowmem_end);
}

static int finish(void **state)
{
    (void)state;
    free(pool.levels[0]);
    pool.levels[0] = NULL;
    return 0;
}

/* All steps of it: FRAME_NONE if there is no such run. A step looks at some frames and no more. */
static uint32_t allocate_run(uint32_t count)
{
    uint32_t first = FRAME_NONE, taken = 0, before;
    do {
        before = taken;
        if (!frame_extend_run(&pool, &first, &taken, count)) {
            assert_int_equal(taken, 0);
            return FRAME_NONE;
        }
        assert_true(taken <= before + FRAMES_IN_A_STEP && before <= taken + FRAMES_IN_A_STEP);
    } while (taken < count);
    return count ? first : FRAME_NONE;
}

static void free_run(uint32_t first, uint32_t count)
{
    while (count--)
        frame_free(&pool, first++);
}

static void bitmap_size_is_whole_words(void **state)
{
    (void)state;
    assert_int_equal(frame_pool_bitmap_size(0), 0);
    assert_int_equal(frame_pool_bitmap_size(1), 4 + 4 + 4);
    assert_int_equal(frame_pool_bitmap_size(32), 4 + 4 + 4);
    assert_int_equal(frame_pool_bitmap_size(33), 8 + 4 + 4);
    assert_int_equal(frame_pool_bitmap_size(1u << 22), (1u << 19) + (1u << 14) + (1u << 9));
}

static void starts_with_every_frame_taken(void **state)
{
    (void)state;
    start(100, 50);
    assert_int_equal(pool.free, 0);
    assert_int_equal(pool.total, 0);
    assert_int_equal(frame_allocate_low(&pool), FRAME_NONE);
    assert_int_equal(frame_allocate_any(&pool), FRAME_NONE);
}

static void counts_each_frame_once(void **state)
{
    (void)state;
    start(100, 100);
    frame_pool_add(&pool, 10, 20);
    frame_pool_add(&pool, 15, 25);
    assert_int_equal(pool.free, 15);
    assert_int_equal(pool.total, 15);
    frame_pool_reserve(&pool, 20, 40);
    frame_pool_reserve(&pool, 20, 22);
    assert_int_equal(pool.free, 10);
    assert_int_equal(pool.total, 10);
    frame_pool_add(&pool, 20, 20);
    frame_pool_add(&pool, 30, 20);
    assert_int_equal(pool.total, 10);
}

static void ranges_are_cut_at_the_end(void **state)
{
    (void)state;
    start(33, 1000);
    assert_int_equal(pool.lowmem_end, 33);
    frame_pool_add(&pool, 30, 1000);
    assert_int_equal(pool.free, 3);
    frame_pool_add(&pool, 1000, 2000);
    frame_pool_reserve(&pool, 32, UINT32_MAX);
    assert_int_equal(pool.free, 2);
    assert_int_equal(allocate_run(3), FRAME_NONE);
    assert_int_equal(allocate_run(2), 30);
}

static void frame_zero_is_never_handed_out(void **state)
{
    (void)state;
    start(3, 3);
    frame_pool_add(&pool, 0, 3);
    assert_int_equal(pool.total, 2);
    assert_int_equal(allocate_run(3), FRAME_NONE);
    assert_int_equal(frame_allocate_any(&pool), 1);
    assert_int_equal(frame_allocate_low(&pool), 2);
    assert_int_equal(frame_allocate_any(&pool), FRAME_NONE);
    assert_int_equal(pool.free, 0);
}

static void runs_cross_words(void **state)
{
    (void)state;
    start(200, 200);
    frame_pool_add(&pool, 30, 130);
    frame_pool_reserve(&pool, 40, 41);
    assert_int_equal(allocate_run(89), 41);
    assert_int_equal(allocate_run(11), FRAME_NONE);
    assert_int_equal(allocate_run(10), 30);
    assert_int_equal(pool.free, 0);
    assert_int_equal(pool.total, 99);
}

static void runs_of_no_or_too_many_frames_do_not_exist(void **state)
{
    (void)state;
    start(64, 64);
    frame_pool_add(&pool, 1, 64);
    assert_int_equal(allocate_run(0), FRAME_NONE);
    assert_int_equal(allocate_run(64), FRAME_NONE);
    assert_int_equal(allocate_run(UINT32_MAX), FRAME_NONE);
    assert_int_equal(pool.free, 63);
    assert_int_equal(allocate_run(63), 1);
}

static void runs_stay_below_the_border(void **state)
{
    (void)state;
    start(128, 64);
    frame_pool_add(&pool, 60, 128);
    assert_int_equal(allocate_run(5), FRAME_NONE);
    assert_int_equal(allocate_run(4), 60);
    assert_int_equal(frame_allocate_low(&pool), FRAME_NONE);
    assert_int_equal(pool.free, 64);
}

static void single_frames_spare_lowmem(void **state)
{
    (void)state;
    start(128, 64);
    frame_pool_add(&pool, 60, 66);
    assert_int_equal(frame_allocate_any(&pool), 64);
    assert_int_equal(frame_allocate_any(&pool), 65);
    assert_int_equal(frame_allocate_any(&pool), 60);
    frame_free(&pool, 64);
    assert_int_equal(frame_allocate_any(&pool), 64);
    for (uint32_t frame = 61; frame < 64; frame++)
        assert_int_equal(frame_allocate_any(&pool), frame);
    assert_int_equal(frame_allocate_any(&pool), FRAME_NONE);
}

static void all_memory_may_be_high_or_low(void **state)
{
    start(40, 0);
    frame_pool_add(&pool, 1, 40);
    assert_int_equal(frame_allocate_low(&pool), FRAME_NONE);
    assert_int_equal(frame_allocate_any(&pool), 1);
    finish(state);
    start(40, 40);
    frame_pool_add(&pool, 39, 40);
    assert_int_equal(frame_allocate_any(&pool), 39);
}

static void runs_are_the_first_that_fit(void **state)
{
    (void)state;
    start(100, 100);
    frame_pool_add(&pool, 1, 100);
    assert_int_equal(allocate_run(90), 1);
    free_run(50, 20);
    assert_int_equal(allocate_run(9), 50);
    assert_int_equal(allocate_run(15), FRAME_NONE);
    free_run(1, 20);
    assert_int_equal(allocate_run(20), 1);
    assert_int_equal(allocate_run(11), 59);
}

static void bad_frees_are_bugs(void **state)
{
    (void)state;
    start(64, 32);
    frame_pool_add(&pool, 1, 64);
    uint32_t frame = frame_allocate_any(&pool);
    frame_free(&pool, frame);
    expect_assert_failure(frame_free(&pool, frame));
    expect_assert_failure(frame_free(&pool, FRAME_NONE));
    expect_assert_failure(frame_free(&pool, 64));
    expect_assert_failure(frame_free(&pool, UINT32_MAX));
}

/* Free runs that are all one frame too short for what is asked: with another look at each run from each of its frames, this
 * would take minutes. */
static void fragmented_pool_is_searched_once(void **state)
{
    (void)state;
    const uint32_t end = 1u << 20, gap = 1u << 14;
    start(end, end);
    frame_pool_add(&pool, 1, end);
    for (uint32_t frame = gap; frame < end; frame += gap)
        frame_pool_reserve(&pool, frame, frame + 1);
    clock_t before = clock();
    assert_int_equal(allocate_run(gap), FRAME_NONE);
    assert_true(clock() - before < 2 * CLOCKS_PER_SEC);
    assert_int_equal(allocate_run(gap - 1), 1);
}

/* ---- against an array of bytes ---- */

#define FIRST 5u /* the frames in front of it are not the pool's */
#define END 300u
#define BORDER 170u

struct model {
    bool free[END];
};

static bool model_run_at(const struct model *model, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        if (!model->free[i])
            return false;
    return true;
}

static bool model_has_run(const struct model *model, uint32_t count)
{
    for (uint32_t first = 1; first + count <= BORDER; first++)
        if (model_run_at(model, first, count))
            return true;
    return false;
}

static uint32_t model_count(const struct model *model, uint32_t from, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < end; i++)
        count += model->free[i];
    return count;
}

static void model_set(struct model *model, uint32_t first, uint32_t count, bool free)
{
    for (uint32_t i = first; i < first + count; i++)
        model->free[i] = free;
}

static void step_low(struct model *model)
{
    uint32_t count = 1 + random_below(random_below(8) ? 4 : 40);
    bool possible = model_has_run(model, count);
    uint32_t first = allocate_run(count);
    assert_int_equal(first != FRAME_NONE, possible);
    if (!possible)
        return;
    assert_true(first + count <= BORDER && model_run_at(model, first, count));
    model_set(model, first, count, false);
}

static void step_any(struct model *model)
{
    bool high = model_count(model, BORDER, END) > 0;
    bool possible = model_count(model, 0, END) > 0;
    uint32_t frame = frame_allocate_any(&pool);
    assert_int_equal(frame != FRAME_NONE, possible);
    if (!possible)
        return;
    assert_true(frame < END && model->free[frame]);
    assert_int_equal(frame >= BORDER, high);
    model->free[frame] = false;
}

/* Frees the taken frames from a random one on, a few at most. */
static void step_free(struct model *model)
{
    uint32_t first = FIRST + random_below(END - FIRST), count = 0, wanted = 1 + random_below(6);
    uint32_t border = first < BORDER ? BORDER : END;
    while (count < wanted && first + count < border && !model->free[first + count])
        count++;
    if (count == 0)
        return;
    free_run(first, count);
    model_set(model, first, count, true);
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("frames");
    struct model model = { 0 };
    start(END, BORDER);
    frame_pool_add(&pool, FIRST, END);
    model_set(&model, FIRST, END - FIRST, true);
    for (int step = 0; step < 100000; step++) {
        switch (random_below(5)) {
        case 0: step_low(&model); break;
        case 1: step_any(&model); break;
        default: step_free(&model); break;
        }
        if (random_below(2000) == 0)
            while (frame_allocate_any(&pool) != FRAME_NONE)
                model_set(&model, 0, END, false);
        assert_int_equal(pool.free, model_count(&model, 0, END));
        assert_int_equal(pool.total, END - FIRST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bitmap_size_is_whole_words),
        cmocka_unit_test_teardown(starts_with_every_frame_taken, finish),
        cmocka_unit_test_teardown(counts_each_frame_once, finish),
        cmocka_unit_test_teardown(ranges_are_cut_at_the_end, finish),
        cmocka_unit_test_teardown(frame_zero_is_never_handed_out, finish),
        cmocka_unit_test_teardown(runs_cross_words, finish),
        cmocka_unit_test_teardown(runs_of_no_or_too_many_frames_do_not_exist, finish),
        cmocka_unit_test_teardown(runs_stay_below_the_border, finish),
        cmocka_unit_test_teardown(single_frames_spare_lowmem, finish),
        cmocka_unit_test_teardown(all_memory_may_be_high_or_low, finish),
        cmocka_unit_test_teardown(runs_are_the_first_that_fit, finish),
        cmocka_unit_test_teardown(bad_frees_are_bugs, finish),
        cmocka_unit_test_teardown(fragmented_pool_is_searched_once, finish),
        cmocka_unit_test_teardown(random_operations_agree_with_the_model, finish),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
