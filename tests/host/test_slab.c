/* Unit tests of the object caches, over pages that the test hands out. */
// links: slab.c
#include "slab.h"

#include "arch.h"
#include "mock_panic.h"

#define PAGES_MAX 64u
#define TRAILER 32u /* bytes of a page that hold its account, on a 64-bit host */

static void *pages[PAGES_MAX];
static uint32_t page_count, page_limit;

/* Not cleared: a slot is zero only if the cache sees to it. */
void *kernel_frame_take(void)
{
    if (page_count == page_limit)
        return NULL;
    void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(page, 0xEE, PAGE_SIZE);
    pages[page_count++] = page;
    return page;
}

void kernel_frame_free(void *address)
{
    for (uint32_t i = 0; i < page_count; i++)
        if (pages[i] == address) {
            free(address);
            pages[i] = pages[--page_count];
            return;
        }
    fail_msg("a page that was not given out");
}

static int start(void **state)
{
    (void)state;
    page_count = 0;
    page_limit = PAGES_MAX;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    while (page_count)
        free(pages[--page_count]);
    return 0;
}

static bool is_zero(const void *slot, uint32_t size)
{
    const char *bytes = slot;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static void sizes_are_rounded_to_lines(void **state)
{
    (void)state;
    const struct slab one = SLAB_INITIAL(1), line = SLAB_INITIAL(64);
    const struct slab more = SLAB_INITIAL(65);
    assert_int_equal(one.size, 64);
    assert_int_equal(line.size, 64);
    assert_int_equal(more.size, 128);
}

static void takes_no_page_before_the_first_slot(void **state)
{
    (void)state;
    struct slab slab = SLAB_INITIAL(64);
    assert_int_equal(page_count, 0);
    assert_non_null(slab_allocate(&slab));
    assert_int_equal(page_count, 1);
}

/* A page of slots of each size: aligned, zeroed, within the page, apart from each other. */
static void fills_pages_exactly(void **state)
{
    (void)state;
    for (uint32_t size = 64; size <= PAGE_SIZE - TRAILER; size += 64) {
        struct slab slab = SLAB_INITIAL(size);
        uint32_t per_page = (PAGE_SIZE - TRAILER) / size;
        char *slots[PAGE_SIZE / 64];
        for (uint32_t i = 0; i < per_page; i++) {
            slots[i] = slab_allocate(&slab);
            assert_int_equal((uintptr_t)slots[i] % 64, 0);
            assert_true(is_zero(slots[i], size));
            memset(slots[i], 0x11, size); /* the address sanitizer watches the page's end */
        }
        assert_int_equal(page_count, 1);
        for (uint32_t i = 0; i < per_page; i++)
            for (uint32_t j = 0; j < i; j++)
                assert_true(slots[i] + size <= slots[j] || slots[j] + size <= slots[i]);
        assert_non_null(slab_allocate(&slab));
        assert_int_equal(page_count, 2);
        finish(state);
    }
}

static void freed_slot_comes_back_first_and_zeroed(void **state)
{
    (void)state;
    struct slab slab = SLAB_INITIAL(192);
    void *first = slab_allocate(&slab), *second = slab_allocate(&slab);
    memset(first, 0xFF, slab.size);
    memset(second, 0xFF, slab.size);
    slab_free(&slab, first);
    assert_ptr_equal(slab_allocate(&slab), first);
    assert_true(is_zero(first, slab.size));
    assert_false(is_zero(second, slab.size));
}

static void out_of_pages_changes_nothing(void **state)
{
    (void)state;
    struct slab slab = SLAB_INITIAL(1984);
    page_limit = 0;
    assert_null(slab_allocate(&slab));
    page_limit = 1;
    void *first = slab_allocate(&slab), *second = slab_allocate(&slab);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(slab_allocate(&slab));
    slab_free(&slab, second);
    assert_ptr_equal(slab_allocate(&slab), second);
}

static void freeing_what_was_never_handed_out_is_a_bug(void **state)
{
    (void)state;
    struct slab slab = SLAB_INITIAL(64);
    void *slot = slab_allocate(&slab);
    slab_free(&slab, slot);
    expect_assert_failure(slab_free(&slab, slot));
}

/* All but one: what is made and freed again and again should not move a page each time. */
static void empty_pages_go_back(void **state)
{
    (void)state;
    struct slab slab = SLAB_INITIAL(1024);
    void *slots[9];
    for (uint32_t i = 0; i < 9; i++)
        slots[i] = slab_allocate(&slab);
    assert_int_equal(page_count, 3);
    for (uint32_t i = 0; i < 9; i++)
        slab_free(&slab, slots[i]);
    assert_int_equal(page_count, 1);
    for (uint32_t i = 0; i < 100; i++)
        slab_free(&slab, slab_allocate(&slab));
    assert_int_equal(page_count, 1);
}

/* ---- each slot in use keeps a pattern of its own ---- */

#define SLOTS_MAX 500u

static void check_pattern(const uint8_t *slot, uint32_t size, uint8_t pattern)
{
    for (uint32_t i = 0; i < size; i++)
        assert_int_equal(slot[i], pattern);
}

static void random_operations_keep_slots_apart(void **state)
{
    (void)state;
    random_start("slab");
    struct slab slab = SLAB_INITIAL(320);
    uint8_t *slots[SLOTS_MAX];
    uint8_t patterns[SLOTS_MAX];
    uint32_t used = 0;
    page_limit = 8;
    for (int step = 0; step < 20000; step++) {
        if (used && random_below(100) < 48) {
            uint32_t victim = random_below(used);
            check_pattern(slots[victim], slab.size, patterns[victim]);
            slab_free(&slab, slots[victim]);
            slots[victim] = slots[--used];
            patterns[victim] = patterns[used];
        } else if ((slots[used] = slab_allocate(&slab))) {
            assert_true(is_zero(slots[used], slab.size));
            patterns[used] = (uint8_t)random_next();
            memset(slots[used], patterns[used], slab.size);
            used++;
        } else {
            assert_int_equal(used, 8 * ((PAGE_SIZE - TRAILER) / slab.size));
        }
    }
    for (uint32_t i = 0; i < used; i++)
        check_pattern(slots[i], slab.size, patterns[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_rounded_to_lines),
        cmocka_unit_test_setup_teardown(takes_no_page_before_the_first_slot, start, finish),
        cmocka_unit_test_setup_teardown(fills_pages_exactly, start, finish),
        cmocka_unit_test_setup_teardown(freed_slot_comes_back_first_and_zeroed, start, finish),
        cmocka_unit_test_setup_teardown(out_of_pages_changes_nothing, start, finish),
        cmocka_unit_test_setup_teardown(freeing_what_was_never_handed_out_is_a_bug, start, finish),
        cmocka_unit_test_setup_teardown(empty_pages_go_back, start, finish),
        cmocka_unit_test_setup_teardown(random_operations_keep_slots_apart, start, finish),
    };
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
