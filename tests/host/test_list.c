/* Unit tests of the intrusive list. */
// links:
#include "list.h"

#include "unit.h"

struct element {
    uint32_t before; /* so that the link is not at offset 0 */
    struct list link;
    uint32_t number;
};

static struct element *element_of(struct list *link)
{
    return LIST_ENTRY(link, struct element, link);
}

/* The numbers in the list, forwards; the way back must give the same ones. */
static void check(struct list *head, const uint32_t *numbers, uint32_t count)
{
    uint32_t i = 0;
    LIST_FOREACH(link, head) {
        assert_true(i < count);
        assert_int_equal(element_of(link)->number, numbers[i++]);
        assert_ptr_equal(link->next->previous, link);
        assert_ptr_equal(link->previous->next, link);
    }
    assert_int_equal(i, count);
    assert_int_equal(list_empty(head), count == 0);
    for (struct list *link = head->previous; link != head; link = link->previous)
        assert_int_equal(element_of(link)->number, numbers[--i]);
    assert_int_equal(i, 0);
}

static void starts_empty(void **state)
{
    (void)state;
    struct list head, fixed = LIST_INITIAL(fixed);
    list_init(&head);
    check(&head, NULL, 0);
    check(&fixed, NULL, 0);
    LIST_FOREACH_SAFE(link, &head)
        fail_msg("an empty list has no element %p", (void *)link);
}

static void inserts_at_the_end_and_in_front(void **state)
{
    (void)state;
    struct list head = LIST_INITIAL(head);
    struct element a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 }, d = { .number = 4 };
    list_insert(&head, &a.link);
    list_insert(&head, &b.link);
    check(&head, (uint32_t[]){ 1, 2 }, 2);
    list_insert(&a.link, &c.link);
    check(&head, (uint32_t[]){ 3, 1, 2 }, 3);
    list_insert(&b.link, &d.link);
    check(&head, (uint32_t[]){ 3, 1, 4, 2 }, 4);
}

static void removes_anywhere(void **state)
{
    (void)state;
    struct list head = LIST_INITIAL(head);
    struct element elements[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 }, { .number = 4 } };
    for (uint32_t i = 0; i < 4; i++)
        list_insert(&head, &elements[i].link);
    list_remove(&elements[1].link);
    check(&head, (uint32_t[]){ 1, 3, 4 }, 3);
    list_remove(&elements[0].link);
    check(&head, (uint32_t[]){ 3, 4 }, 2);
    list_remove(&elements[3].link);
    check(&head, (uint32_t[]){ 3 }, 1);
    list_remove(&elements[2].link);
    check(&head, NULL, 0);
}

static void second_removal_does_no_harm(void **state)
{
    (void)state;
    struct list head = LIST_INITIAL(head);
    struct element a = { .number = 1 }, b = { .number = 2 };
    list_insert(&head, &a.link);
    list_insert(&head, &b.link);
    list_remove(&a.link);
    assert_true(list_empty(&a.link));
    list_remove(&a.link);
    check(&head, (uint32_t[]){ 2 }, 1);
    list_insert(&head, &a.link);
    check(&head, (uint32_t[]){ 2, 1 }, 2);
}

/* The address sanitizer sees any use of an element after it was freed. */
static void safe_loop_may_free(void **state)
{
    (void)state;
    struct list head = LIST_INITIAL(head);
    for (uint32_t i = 0; i < 5; i++) {
        struct element *element = calloc(1, sizeof(*element));
        element->number = i;
        list_insert(&head, &element->link);
    }
    uint32_t expected = 0;
    LIST_FOREACH_SAFE(link, &head) {
        assert_int_equal(element_of(link)->number, expected++);
        list_remove(link);
        free(element_of(link));
    }
    assert_int_equal(expected, 5);
    check(&head, NULL, 0);
}

/* ---- against an array ---- */

#define ELEMENTS 40u

struct model {
    uint32_t numbers[ELEMENTS];
    uint32_t count;
};

static uint32_t model_position(const struct model *model, uint32_t number)
{
    uint32_t i = 0;
    while (i < model->count && model->numbers[i] != number)
        i++;
    return i;
}

static void model_insert(struct model *model, uint32_t position, uint32_t number)
{
    memmove(&model->numbers[position + 1], &model->numbers[position], (model->count++ - position) * sizeof(uint32_t));
    model->numbers[position] = number;
}

static void model_remove(struct model *model, uint32_t position)
{
    memmove(&model->numbers[position], &model->numbers[position + 1], (--model->count - position) * sizeof(uint32_t));
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("list");
    struct list head = LIST_INITIAL(head);
    struct element elements[ELEMENTS];
    struct model model = { 0 };
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        elements[i].number = i;
        list_init(&elements[i].link);
    }
    for (int step = 0; step < 20000; step++) {
        uint32_t number = random_below(ELEMENTS), position = model_position(&model, number);
        if (position < model.count) {
            list_remove(&elements[number].link);
            model_remove(&model, position);
        } else {
            position = random_below(model.count + 1);
            struct list *next = position < model.count ? &elements[model.numbers[position]].link : &head;
            list_insert(next, &elements[number].link);
            model_insert(&model, position, number);
        }
        check(&head, model.numbers, model.count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(inserts_at_the_end_and_in_front),
        cmocka_unit_test(removes_anywhere),
        cmocka_unit_test(second_removal_does_no_harm),
        cmocka_unit_test(safe_loop_may_free),
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
