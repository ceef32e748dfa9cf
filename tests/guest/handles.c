/* Handles: rights only shrink, stale ones are errors, tables grow, everything is given back. */
#include "tap.h"

static uint32_t quota_used(void)
{
    uint32_t used = 0;
    CHECK_EQUAL(process_info(HANDLE_NONE, PROCESS_QUOTA_USED, &used), OK);
    return used;
}

static void rights_shrink(void)
{
    handle_t first = HANDLE_NONE, second = HANDLE_NONE, third = HANDLE_NONE;
    uint32_t type, rights = 0, bits;
    CHECK_EQUAL(notification_create(&first), OK);
    CHECK_EQUAL(handle_duplicate(first, RIGHT_READ, 0, &second), OK);
    CHECK_EQUAL(handle_duplicate(second, RIGHTS_ALL, 0, &third), OK);
    CHECK_EQUAL(handle_info(third, &type, &rights), OK);
    CHECK_EQUAL(rights, RIGHT_READ);
    CHECK_EQUAL(notification_signal(third, 1), E_NO_RIGHT);
    CHECK_EQUAL(notification_wait(third, 1, 0, &bits), E_TIMED_OUT);
    handle_close(first);
    handle_close(second);
    handle_close(third);
}

static void closed_is_closed(void)
{
    handle_t handle = HANDLE_NONE, other = HANDLE_NONE;
    CHECK_EQUAL(notification_create(&handle), OK);
    CHECK_EQUAL(handle_close(handle), OK);
    CHECK_EQUAL(handle_close(handle), E_BAD_HANDLE);
    CHECK_EQUAL(notification_create(&other), OK);
    CHECK(other != handle);
    CHECK_EQUAL(notification_signal(handle, 1), E_BAD_HANDLE);
    handle_close(other);
}

static void badge_only_once(void)
{
    handle_t endpoint = HANDLE_NONE, badged = HANDLE_NONE, again = HANDLE_NONE, notification = HANDLE_NONE;
    CHECK_EQUAL(endpoint_create(0, 0, &endpoint), OK);
    CHECK_EQUAL(handle_duplicate(endpoint, RIGHTS_ALL, 5, &badged), OK);
    CHECK_EQUAL(handle_duplicate(badged, RIGHTS_ALL, 6, &again), E_NO_RIGHT);
    CHECK_EQUAL(handle_duplicate(endpoint, RIGHTS_ALL, 0x80000000, &again), E_BAD_ARGUMENT);
    CHECK_EQUAL(notification_create(&notification), OK);
    CHECK_EQUAL(handle_duplicate(notification, RIGHTS_ALL, 5, &again), E_BAD_ARGUMENT);
    handle_close(endpoint);
    handle_close(badged);
    handle_close(notification);
}

/* Grows the table until it or the quota is full; then everything must be back. */
static void table_full(void)
{
    static handle_t handles[2048];
    uint32_t count = 0, before = quota_used();
    handle_t notification = HANDLE_NONE;
    CHECK_EQUAL(notification_create(&notification), OK);
    status_t status = OK;
    while (count < COUNT(handles) && (status = handle_duplicate(notification, RIGHTS_ALL, 0, &handles[count])) == OK)
        count++;
    CHECK_EQUAL(status, E_NO_MEMORY);
    CHECK(count > 900);
    CHECK_EQUAL(notification_signal(handles[count - 1], 1), OK);
    while (count)
        CHECK_EQUAL(handle_close(handles[--count]), OK);
    CHECK_EQUAL(handle_close(notification), OK);
    CHECK(quota_used() - before <= 8 * PAGE_SIZE * 2); /* the larger table stays */
}

/* Runs a process out of quota with objects of one kind; each failure must change nothing. */
static void exhaust(status_t (*create)(handle_t *handle))
{
    static handle_t handles[1024];
    uint32_t count = 0, before = quota_used();
    status_t status = OK;
    while (count < COUNT(handles) && (status = create(&handles[count])) == OK)
        count++;
    CHECK(status == OK || status == E_NO_MEMORY);
    uint32_t full = quota_used();
    handle_t one_more;
    if (status == E_NO_MEMORY)
        CHECK_EQUAL(create(&one_more), E_NO_MEMORY);
    CHECK_EQUAL(quota_used(), full);
    while (count)
        CHECK_EQUAL(handle_close(handles[--count]), OK);
    CHECK_EQUAL(quota_used(), before);
}

static status_t create_endpoint(handle_t *handle) { return endpoint_create(0, 0, handle); }
static status_t create_memory(handle_t *handle) { return memory_create(256, 0, handle); }
static status_t create_contiguous(handle_t *handle) { return memory_create(256, MEMORY_CONTIGUOUS, handle); }
static status_t create_budget(handle_t *handle) { return budget_create(8, 10000, handle); }

static void quota_is_exact(void)
{
    exhaust(notification_create);
    exhaust(create_endpoint);
    exhaust(create_memory);
    exhaust(create_contiguous);
    exhaust(create_budget);
}

static void types_are_checked(void)
{
    handle_t notification = HANDLE_NONE, handle;
    uint32_t value;
    CHECK_EQUAL(notification_create(&notification), OK);
    CHECK_EQUAL(memory_info(notification, &value), E_BAD_TYPE);
    CHECK_EQUAL(endpoint_info(notification, 0, &value), E_BAD_TYPE);
    CHECK_EQUAL(thread_start(notification), E_BAD_TYPE);
    CHECK_EQUAL(process_destroy(notification, 0), E_BAD_TYPE);
    CHECK_EQUAL(budget_set(notification, 8, 10000), E_BAD_TYPE);
    CHECK_EQUAL(irq_ack(notification), E_BAD_TYPE);
    CHECK_EQUAL(ioport_create(notification, 0, 1, &handle), E_BAD_TYPE);
    CHECK_EQUAL(memory_create_device(notification, 0xFEE00, 1, &handle), E_BAD_TYPE);
    handle_close(notification);
}

static void arguments_are_checked(void)
{
    handle_t handle;
    uint32_t value;
    CHECK_EQUAL(system_info(INFO_COUNT, &value), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_info(HANDLE_NONE, PROCESS_INFO_COUNT, &value), E_BAD_ARGUMENT);
    CHECK_EQUAL(endpoint_create(2, 0, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(memory_create(0, 0, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(memory_create(0xFFFFFFFF, 0, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(memory_create(1, 2, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(memory_create(1 << 20, 0, &handle), E_NO_MEMORY);
    CHECK_EQUAL(budget_create(32, 10000, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(budget_create(1, 0, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(budget_create(1, 0xFFFFFFFF, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(thread_create(HANDLE_NONE, 0, 0, 0, 32, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_create(0xFFFFFFFF, HANDLE_NONE, 0, &handle), E_NO_MEMORY);
    CHECK_EQUAL(process_create(65536, HANDLE_NONE, 0x80000000, &handle), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_create(65536, self_process(), 0, &handle), E_BAD_TYPE);
    CHECK_EQUAL(log_bytes(0, 0, 0, 0, 17), E_BAD_ARGUMENT);
}

const struct test handle_tests[] = {
    { "handles: rights only shrink", rights_shrink },
    { "handles: a closed handle stays an error", closed_is_closed },
    { "handles: a badge is given once", badge_only_once },
    { "handles: the table grows, fills, and empties", table_full },
    { "handles: quota comes back exactly", quota_is_exact },
    { "handles: types are checked", types_are_checked },
    { "handles: arguments are checked", arguments_are_checked },
    { NULL, NULL },
};
