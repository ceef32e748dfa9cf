/* Unit tests of the handle table: stale handles, generations, growth, and what the fast path relies on. */
// links: handle.c
#include "handle.h"

#include "endpoint.h"
#include "mock_panic.h"

#define FIRST_COUNT 128u
#define INDEX(handle) (((handle) & 0x7FFFu) >> HANDLE_INDEX_SHIFT)
#define GENERATION(handle) ((handle) >> HANDLE_GENERATION_SHIFT)

struct endpoint null_endpoint;

static struct handle_table table;
static struct object objects[HANDLE_TABLE_MAX];
static struct endpoint callable;

/* As large as any: what is not there yet reads as zero. The address sanitizer sees one entry too far. */
static void start_with(uint32_t count)
{
    handle_table_init(&table, calloc(HANDLE_TABLE_MAX, sizeof(struct handle_entry)), count);
}

static int start(void **state)
{
    (void)state;
    start_with(FIRST_COUNT);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    free(table.entries);
    return 0;
}

static void grow(void)
{
    table.count += FIRST_COUNT;
}

static handle_t insert(uint32_t number)
{
    return handle_insert(&table, &objects[number], RIGHT_READ, number, &callable);
}

static void close_handle(handle_t handle)
{
    struct handle_entry *entry = handle_find(&table, handle);
    assert_non_null(entry);
    handle_remove(&table, entry);
}

/* What the fast path sees: a free entry equals no handle and leads to the endpoint that never has an idle worker. */
static void check_free_entries(void)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct handle_entry *entry = &table.entries[i];
        if (i >= table.fresh) {
            assert_int_equal(entry->value, 0);
            continue;
        }
        used += entry->value != HANDLE_FREE;
        if (entry->value != HANDLE_FREE)
            continue;
        assert_ptr_equal(entry->endpoint, &null_endpoint);
        assert_null(entry->object);
    }
    assert_int_equal(used, table.used);
}

static void new_table_holds_nothing(void **state)
{
    (void)state;
    assert_int_equal(table.used, 0);
    assert_int_equal(table.count, FIRST_COUNT);
    check_free_entries();
    for (uint32_t index = 0; index < 2 * FIRST_COUNT; index++)
        assert_null(handle_find(&table, index << HANDLE_INDEX_SHIFT));
}

static void handle_names_its_entry(void **state)
{
    (void)state;
    handle_t handle = handle_insert(&table, &objects[7], RIGHT_CALL | RIGHT_TRANSFER, 0x7FFFFFFF, &callable);
    const struct handle_entry *entry = handle_find(&table, handle);
    assert_ptr_equal(entry, &table.entries[INDEX(handle)]);
    assert_int_equal(entry->value, handle);
    assert_ptr_equal(entry->object, &objects[7]);
    assert_int_equal(entry->rights, RIGHT_CALL | RIGHT_TRANSFER);
    assert_int_equal(entry->badge, 0x7FFFFFFF);
    assert_ptr_equal(entry->endpoint, &callable);
    assert_int_equal(table.used, 1);
}

static void only_the_exact_value_is_found(void **state)
{
    (void)state;
    handle_t handle = insert(1);
    assert_null(handle_find(&table, HANDLE_NONE));
    assert_null(handle_find(&table, HANDLE_FREE));
    for (uint32_t bit = 0; bit < 32; bit++)
        assert_null(handle_find(&table, handle ^ 1u << bit));
    assert_non_null(handle_find(&table, handle));
}

static void values_fit_the_fast_path(void **state)
{
    (void)state;
    assert_int_equal(HANDLE_MASK, (HANDLE_TABLE_MAX - 1) * 32);
    for (uint32_t i = 1; i < FIRST_COUNT; i++) {
        handle_t handle = insert(i);
        assert_int_equal(handle % 32, 0);
        assert_int_equal(handle >> 31, 0);
        assert_int_equal((handle & HANDLE_MASK) / 32, INDEX(handle));
    }
    if (sizeof(void *) == 4)
        assert_int_equal(sizeof(struct handle_entry), 32);
}

static void full_table_refuses(void **state)
{
    (void)state;
    bool seen[FIRST_COUNT] = { true }; /* slot 0 stays unused */
    for (uint32_t i = 1; i < FIRST_COUNT; i++) {
        handle_t handle = insert(i);
        assert_int_not_equal(handle, HANDLE_NONE);
        assert_false(seen[INDEX(handle)]);
        seen[INDEX(handle)] = true;
    }
    assert_int_equal(insert(0), HANDLE_NONE);
    assert_int_equal(table.used, FIRST_COUNT - 1);
    handle_t last = table.entries[5].value;
    close_handle(last);
    assert_int_equal(INDEX(insert(0)), 5);
    assert_int_equal(insert(0), HANDLE_NONE);
}

static void removed_handle_is_stale(void **state)
{
    (void)state;
    handle_t first = insert(1);
    assert_ptr_equal(handle_remove(&table, handle_find(&table, first)), &objects[1]);
    assert_null(handle_find(&table, first));
    assert_int_equal(table.used, 0);
    check_free_entries();
    handle_t second = insert(2);
    while (INDEX(second) != INDEX(first)) {
        close_handle(second);
        second = insert(2);
    }
    assert_int_not_equal(second, first);
    assert_null(handle_find(&table, first));
    assert_ptr_equal(handle_find(&table, second)->object, &objects[2]);
}

static void removing_a_free_entry_is_a_bug(void **state)
{
    (void)state;
    expect_assert_failure(handle_remove(&table, &table.entries[0]));
    expect_assert_failure(handle_remove(&table, &table.entries[1]));
    struct handle_entry *entry = handle_find(&table, insert(1));
    handle_remove(&table, entry);
    expect_assert_failure(handle_remove(&table, entry));
    assert_int_equal(table.used, 0);
}

/* In a table of two entries, each insert takes slot 1. No number of handles wears it out. */
static void generations_begin_again(void **state)
{
    finish(state);
    start_with(2);
    handle_t first = insert(0), last = first;
    for (uint32_t generation = 0; generation < HANDLE_GENERATION_MAX; generation++) {
        assert_int_equal(GENERATION(last), generation);
        close_handle(last);
        assert_null(handle_find(&table, first));
        last = insert(0);
    }
    assert_int_equal(GENERATION(last), HANDLE_GENERATION_MAX);
    assert_int_equal(last >> 31, 0);
    close_handle(last);
    assert_null(handle_find(&table, last));
    assert_int_equal(insert(0), first);
    assert_null(handle_find(&table, last));
}

/* So a stale handle is an error for as long as can be. */
static void slots_take_turns(void **state)
{
    (void)state;
    uint32_t indexes[FIRST_COUNT];
    for (uint32_t i = 1; i < FIRST_COUNT; i++) {
        handle_t handle = insert(i);
        indexes[i] = INDEX(handle);
        close_handle(handle);
        for (uint32_t j = 1; j < i; j++)
            assert_int_not_equal(indexes[i], indexes[j]);
    }
    assert_int_equal(INDEX(insert(0)), indexes[1]);
}

static void growth_keeps_every_handle(void **state)
{
    (void)state;
    handle_t handles[HANDLE_TABLE_MAX];
    handle_t stale = insert(0);
    close_handle(stale);
    uint32_t count = 0;
    for (;;) {
        handles[count] = insert(count);
        if (handles[count] != HANDLE_NONE)
            count++;
        else if (table.count < HANDLE_TABLE_MAX)
            grow();
        else
            break;
    }
    assert_int_equal(count, HANDLE_TABLE_MAX - 1);
    assert_int_equal(table.used, count);
    assert_null(handle_find(&table, stale));
    for (uint32_t i = 0; i < count; i++) {
        assert_ptr_equal(handle_find(&table, handles[i])->object, &objects[i]);
        assert_int_equal(handle_find(&table, handles[i])->badge, i);
    }
}

/* A handle of another, larger table: its entry is not there yet. */
static void index_beyond_the_table_is_not_found(void **state)
{
    (void)state;
    handle_t handle = insert(1);
    assert_null(handle_find(&table, handle + (FIRST_COUNT << HANDLE_INDEX_SHIFT)));
    assert_null(handle_find(&table, handle + (HANDLE_TABLE_MAX / 2 << HANDLE_INDEX_SHIFT)));
}

static void table_that_is_not_full_may_grow(void **state)
{
    (void)state;
    handle_t handle = insert(1);
    grow();
    assert_ptr_equal(handle_find(&table, handle)->object, &objects[1]);
    for (uint32_t i = 2; i < 2 * FIRST_COUNT; i++)
        assert_int_not_equal(insert(i), HANDLE_NONE);
    assert_int_equal(insert(0), HANDLE_NONE);
}

/* ---- against an array of what should be there ---- */

#define STALE_MAX 4000u

struct model {
    struct { handle_t handle; uint32_t number; } live[HANDLE_TABLE_MAX];
    uint32_t count;
    handle_t stale[STALE_MAX];
    uint32_t stale_count;
};

static void step_insert(struct model *model)
{
    uint32_t number = random_below(HANDLE_TABLE_MAX);
    handle_t handle = insert(number);
    if (handle == HANDLE_NONE) {
        assert_int_equal(model->count, table.count - 1);
        if (table.count < HANDLE_TABLE_MAX)
            grow();
        return;
    }
    model->live[model->count].handle = handle;
    model->live[model->count++].number = number;
}

static void step_remove(struct model *model)
{
    if (model->count == 0)
        return;
    uint32_t victim = random_below(model->count);
    struct handle_entry *entry = handle_find(&table, model->live[victim].handle);
    assert_ptr_equal(handle_remove(&table, entry), &objects[model->live[victim].number]);
    model->stale[model->stale_count++ % STALE_MAX] = model->live[victim].handle;
    model->live[victim] = model->live[--model->count];
}

static void check_one(const struct model *model)
{
    if (model->count) {
        uint32_t i = random_below(model->count);
        const struct handle_entry *entry = handle_find(&table, model->live[i].handle);
        assert_non_null(entry);
        assert_ptr_equal(entry->object, &objects[model->live[i].number]);
        assert_int_equal(entry->badge, model->live[i].number);
    }
    uint32_t remembered = model->stale_count < STALE_MAX ? model->stale_count : STALE_MAX;
    if (remembered)
        assert_null(handle_find(&table, model->stale[random_below(remembered)]));
    const struct handle_entry *entry = handle_find(&table, random_next());
    assert_true(!entry || entry->object);
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("handle");
    struct model *model = calloc(1, sizeof(*model));
    uint32_t removals = 40;
    for (int step = 0; step < 100000; step++) {
        if (step % 5000 == 0)
            removals = 30 + random_below(40); /* per cent: the table fills, then empties */
        if (random_below(100) < removals)
            step_remove(model);
        else
            step_insert(model);
        assert_int_equal(table.used, model->count);
        check_one(model);
    }
    check_free_entries();
    for (uint32_t i = 0; i < model->count; i++)
        assert_non_null(handle_find(&table, model->live[i].handle));
    free(model);
}

#define IN_TABLE(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TABLE(new_table_holds_nothing),
        IN_TABLE(handle_names_its_entry),
        IN_TABLE(only_the_exact_value_is_found),
        IN_TABLE(values_fit_the_fast_path),
        IN_TABLE(full_table_refuses),
        IN_TABLE(removed_handle_is_stale),
        IN_TABLE(removing_a_free_entry_is_a_bug),
        IN_TABLE(generations_begin_again),
        IN_TABLE(slots_take_turns),
        IN_TABLE(growth_keeps_every_handle),
        IN_TABLE(index_beyond_the_table_is_not_found),
        IN_TABLE(table_that_is_not_full_may_grow),
        IN_TABLE(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
