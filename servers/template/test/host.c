/* Tests of template's handlers on the machine that builds, with the sanitizers. */
#include <libserver/testing/fake.h>
#include <servers/template/template.h>

static handle_t service;

static void adds(void **state)
{
    uint32_t before, sum;
    (void)state;
    assert_int_equal(template_sum(service, &before), OK);
    assert_int_equal(template_add(service, 5, &sum), OK);
    assert_int_equal(sum, before + 5);
}

static void refuses_what_does_not_fit(void **state)
{
    uint32_t before, sum;
    (void)state;
    assert_int_equal(template_sum(service, &before), OK);
    assert_int_equal(template_add(service, UINT32_MAX - before, &sum), OK);
    assert_int_equal(template_add(service, 1, &sum), E_BAD_ARGUMENT);
    assert_int_equal(sum, UINT32_MAX);
}

static void does_not_start_without_memory(void **state)
{
    (void)state;
    fake_allocations_left = 0;
    assert_int_equal(fake_main("template"), E_NO_MEMORY);
    fake_allocations_left = UINT32_MAX;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(does_not_start_without_memory),
    };
    service = fake_start("template");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
