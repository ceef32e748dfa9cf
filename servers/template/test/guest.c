/* Tests of template in the guest, through its client functions. */
#include <libserver/testing/tap.h>
#include <servers/template/template.h>

static handle_t service;

static void adds(void)
{
    uint32_t before, sum;
    expect_equal(template_sum(service, &before), OK);
    expect_equal(template_add(service, 5, &sum), OK);
    expect_equal(sum, before + 5);
    expect_equal(template_sum(service, &sum), OK);
    expect_equal(sum, before + 5);
}

static void refuses_what_does_not_fit(void)
{
    uint32_t before, sum;
    expect_equal(template_add(service, 1, &before), OK);
    expect_equal(template_add(service, UINT32_MAX, NULL), E_BAD_ARGUMENT);
    expect_equal(template_sum(service, &sum), OK);
    expect_equal(sum, before);
}

static void has_no_other_method(void)
{
    expect_equal(service_call(service, METHODS_COUNT(TEMPLATE_METHODS), 0, NULL), E_NO_METHOD);
}

static const struct tap_case cases[] = {
    { "adds", adds },
    { "refuses what does not fit", refuses_what_does_not_fit },
    { "has no other method", has_no_other_method },
};

int main(void)
{
    status_t status = service_find("template", &service);
    if (status != OK)
        return status;
    tap_run(cases, COUNT(cases));
}
