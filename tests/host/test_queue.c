/* Unit tests of the priority queue: order, bitmap of levels, removal from the middle. */
// links: queue.c
#include "queue.h"

#include "mock_panic.h"

static void check_levels(const struct queue *queue)
{
    for (uint32_t i = 0; i < PRIORITIES; i++)
        assert_int_equal(queue->levels >> i & 1, !list_empty(&queue->lists[i]));
}

static void starts_empty(void **state)
{
    (void)state;
    struct queue queue;
    memset(&queue, 0xA5, sizeof(queue));
    queue_init(&queue);
    assert_true(queue_empty(&queue));
    assert_null(queue_take(&queue));
    check_levels(&queue);
}

static void highest_priority_comes_first(void **state)
{
    (void)state;
    struct queue queue;
    struct list links[PRIORITIES];
    queue_init(&queue);
    for (uint32_t i = 0; i < PRIORITIES; i++)
        queue_append(&queue, &links[i * 7 % PRIORITIES], i * 7 % PRIORITIES);
    for (uint32_t i = PRIORITIES; i-- > 0;) {
        assert_int_equal(queue_highest(&queue), i);
        assert_ptr_equal(queue_take(&queue), &links[i]);
        check_levels(&queue);
    }
    assert_true(queue_empty(&queue));
}

static void first_in_first_out_within_a_level(void **state)
{
    (void)state;
    struct queue queue;
    struct list a, b, c;
    queue_init(&queue);
    queue_append(&queue, &a, 31);
    queue_append(&queue, &b, 31);
    queue_append(&queue, &c, 31);
    assert_ptr_equal(queue_take(&queue), &a);
    queue_append(&queue, &a, 31);
    assert_ptr_equal(queue_take(&queue), &b);
    assert_ptr_equal(queue_take(&queue), &c);
    assert_ptr_equal(queue_take(&queue), &a);
}

static void prepended_goes_before_its_level_only(void **state)
{
    (void)state;
    struct queue queue;
    struct list first, preempted, higher;
    queue_init(&queue);
    queue_append(&queue, &first, 0);
    queue_prepend(&queue, &preempted, 0);
    queue_prepend(&queue, &higher, 1);
    assert_ptr_equal(queue_take(&queue), &higher);
    assert_ptr_equal(queue_take(&queue), &preempted);
    assert_ptr_equal(queue_take(&queue), &first);
}

static void removes_from_the_middle(void **state)
{
    (void)state;
    struct queue queue;
    struct list a, b, c, lower;
    queue_init(&queue);
    queue_append(&queue, &a, 5);
    queue_append(&queue, &b, 5);
    queue_append(&queue, &c, 5);
    queue_append(&queue, &lower, 4);
    queue_remove(&queue, &b, 5);
    assert_ptr_equal(queue_take(&queue), &a);
    queue_remove(&queue, &c, 5);
    check_levels(&queue);
    assert_int_equal(queue_highest(&queue), 4);
    queue_remove(&queue, &lower, 4);
    assert_true(queue_empty(&queue));
}

static void misuse_is_a_bug(void **state)
{
    (void)state;
    struct queue queue;
    struct list link, other;
    queue_init(&queue);
    list_init(&other);
    expect_assert_failure(queue_highest(&queue));
    expect_assert_failure(queue_append(&queue, &link, PRIORITIES));
    expect_assert_failure(queue_prepend(&queue, &link, PRIORITIES));
    queue_append(&queue, &link, 3);
    expect_assert_failure(queue_remove(&queue, &other, 2));
    assert_ptr_equal(queue_take(&queue), &link);
}

/* ---- against one array in the order in which elements must come out ---- */

#define ELEMENTS 64u

struct element {
    struct list link;
    uint32_t priority;
    bool queued;
};

struct model {
    struct element *order[ELEMENTS];
    uint32_t count;
};

static void model_insert(struct model *model, struct element *element, bool in_front)
{
    uint32_t position = 0;
    while (position < model->count && (model->order[position]->priority > element->priority ||
                                       (!in_front && model->order[position]->priority == element->priority)))
        position++;
    memmove(&model->order[position + 1], &model->order[position], (model->count++ - position) * sizeof(element));
    model->order[position] = element;
}

static void model_remove(struct model *model, const struct element *element)
{
    uint32_t position = 0;
    while (model->order[position] != element)
        position++;
    memmove(&model->order[position], &model->order[position + 1], (--model->count - position) * sizeof(element));
}

static void step_take(struct queue *queue, struct model *model)
{
    struct list *link = queue_take(queue);
    if (model->count == 0) {
        assert_null(link);
        return;
    }
    assert_ptr_equal(link, &model->order[0]->link);
    model->order[0]->queued = false;
    model_remove(model, model->order[0]);
}

static void step_toggle(struct queue *queue, struct model *model, struct element *element, uint32_t priorities)
{
    bool in_front = random_below(4) == 0;
    if (element->queued) {
        queue_remove(queue, &element->link, element->priority);
        model_remove(model, element);
    } else {
        element->priority = random_below(priorities);
        (in_front ? queue_prepend : queue_append)(queue, &element->link, element->priority);
        model_insert(model, element, in_front);
    }
    element->queued = !element->queued;
}

/* With few priorities, levels are long; with all, they often become empty. */
static void compare_with_model(uint32_t priorities)
{
    struct queue queue;
    struct element elements[ELEMENTS] = { 0 };
    struct model model = { 0 };
    queue_init(&queue);
    for (int step = 0; step < 50000; step++) {
        if (random_below(3) == 0)
            step_take(&queue, &model);
        else
            step_toggle(&queue, &model, &elements[random_below(ELEMENTS)], priorities);
        assert_int_equal(queue_empty(&queue), model.count == 0);
        if (model.count)
            assert_int_equal(queue_highest(&queue), model.order[0]->priority);
        check_levels(&queue);
    }
    while (model.count)
        step_take(&queue, &model);
    assert_true(queue_empty(&queue));
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("queue");
    compare_with_model(1);
    compare_with_model(3);
    compare_with_model(PRIORITIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(highest_priority_comes_first),
        cmocka_unit_test(first_in_first_out_within_a_level),
        cmocka_unit_test(prepended_goes_before_its_level_only),
        cmocka_unit_test(removes_from_the_middle),
        cmocka_unit_test(misuse_is_a_bug),
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
