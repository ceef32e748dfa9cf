/* Handles: what they name, rights that only shrink, numbers that are never used twice, tables that grow. */
#include "child.h"

#define TABLE_MAX 1024u             /* entries of the largest table; the first is never used */
#define TABLE_GROWN 200u            /* more than the first table has */
#define GENERATIONS 0x10000u
#define SLOT 0x7FE0u                /* bits of a handle */
#define BADGE 0x5107u

static void kinds(void)
{
    static const struct { uint32_t number, a, b, type; } makers[] = {
        { SYS_endpoint_create, 0, 0, TYPE_ENDPOINT },           { SYS_notification_create, 0, 0, TYPE_NOTIFICATION },
        { SYS_memory_create, 1, 0, TYPE_MEMORY },               { SYS_budget_create, 5, 1000, TYPE_BUDGET },
        { SYS_process_create, 65536, HANDLE_NONE, TYPE_PROCESS }, { SYS_thread_create, HANDLE_NONE, 0, TYPE_THREAD },
    };
    for (uint32_t i = 0; i < COUNT(makers); i++) {
        handle_t handle;
        uint32_t type, rights;
        expect_equal(system_query(makers[i].number, makers[i].a, makers[i].b, 0, 0, 0, &handle), OK);
        expect(handle != HANDLE_NONE && (int32_t)handle > 0);
        expect_equal(handle_info(handle, &type, &rights), OK);
        expect_equal(type, makers[i].type);
        expect_equal(rights, RIGHTS_ALL);
        if (type == TYPE_PROCESS)
            process_destroy(handle, 0);
        if (type == TYPE_THREAD)
            thread_destroy(handle);
        expect_equal(handle_close(handle), OK);
    }
}

static void rights_shrink(void)
{
    handle_t all, some, fewer;
    uint32_t type, rights;
    expect_equal(notification_create(&all), OK);
    expect_equal(handle_duplicate(all, RIGHT_READ | RIGHT_WRITE, 0, &some), OK);
    expect_equal(handle_info(some, &type, &rights), OK);
    expect_equal(rights, RIGHT_READ | RIGHT_WRITE);
    expect_equal(handle_duplicate(some, RIGHTS_ALL & ~RIGHT_WRITE, 0, &fewer), OK);
    expect_equal(handle_info(fewer, &type, &rights), OK);
    expect_equal(rights, RIGHT_READ);
    expect_equal(notification_signal(fewer, 1), E_NO_RIGHT);
    expect_equal(notification_signal(some, 1), OK);
    expect_equal(handle_close(fewer), OK);
    expect_equal(handle_duplicate(all, 0xFFFFFFFF, 0, &fewer), OK);
    expect_equal(handle_info(fewer, &type, &rights), OK);
    expect_equal(rights, RIGHTS_ALL);
    handle_close(all);
    handle_close(some);
    handle_close(fewer);
}

static void badge_rules(void)
{
    handle_t endpoint, marked, other, notification;
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(endpoint, RIGHTS_ALL, 0x80000000, &marked), E_BAD_ARGUMENT);
    expect_equal(handle_duplicate(notification, RIGHTS_ALL, 1, &marked), E_BAD_ARGUMENT);
    expect_equal(handle_duplicate(endpoint, RIGHTS_ALL, 0x7FFFFFFF, &marked), OK);
    expect_equal(handle_duplicate(marked, RIGHTS_ALL, 2, &other), E_NO_RIGHT);
    expect_equal(handle_duplicate(marked, RIGHTS_ALL, 0, &other), OK);
    expect_equal(handle_close(other), OK);
    handle_close(marked);
    handle_close(endpoint);
    handle_close(notification);
}

static void closed_twice(void)
{
    handle_t handle;
    uint32_t type, rights;
    expect_equal(notification_create(&handle), OK);
    expect_equal(handle_close(handle), OK);
    expect_equal(handle_close(handle), E_BAD_HANDLE);
    expect_equal(handle_info(handle, &type, &rights), E_BAD_HANDLE);
    expect_equal(handle_duplicate(handle, RIGHTS_ALL, 0, &handle), E_BAD_HANDLE);
    expect_equal(handle_close(HANDLE_NONE), E_BAD_HANDLE);
}

/* Every call that takes a handle first: nothing, something closed, something of another type. */
static const uint32_t calls_with_handle[] = {
    SYS_process_info, SYS_thread_start, SYS_thread_stop, SYS_thread_cancel, SYS_thread_destroy, SYS_thread_read_register,
    SYS_thread_write_register, SYS_budget_bind, SYS_budget_set, SYS_budget_time, SYS_endpoint_info,
    SYS_memory_create_device, SYS_memory_physical, SYS_memory_revoke, SYS_memory_info, SYS_notification_signal,
    SYS_notification_wait, SYS_notification_timer, SYS_irq_create, SYS_irq_bind, SYS_irq_ack, SYS_ioport_create,
    SYS_ioport_grant, SYS_process_destroy, SYS_process_give, SYS_process_watch, SYS_process_map, SYS_process_unmap,
    SYS_process_protect, SYS_process_read_word, SYS_thread_create, SYS_thread_caller, SYS_process_thread,
};

static void expect_each(handle_t handle, status_t wanted, uint32_t except)
{
    for (uint32_t i = 0; i < COUNT(calls_with_handle) && !test_failed(); i++) {
        status_t status = except == calls_with_handle[i] ? wanted
                              : system_command(calls_with_handle[i], handle, 0, 0, 0, 0);
        if (status != wanted)
            test_fail_equal(__FILE__, __LINE__, "call number << 8 | status", calls_with_handle[i] << 8 | (status & 0xFF),
                            calls_with_handle[i] << 8 | (wanted & 0xFF));
    }
}

static void every_call_checks_its_handle(void)
{
    handle_t closed, endpoint;
    expect_equal(notification_create(&closed), OK);
    expect_equal(handle_close(closed), OK);
    expect_each(closed, E_BAD_HANDLE, 0);
    expect_each(0x7FFFFFE0, E_BAD_HANDLE, 0);
    expect_each(0x80000000, E_BAD_HANDLE, 0);
    expect_each(0xFFFFFFFF, E_BAD_HANDLE, 0);
    expect_passed();
    expect_equal(endpoint_create(0, 0, &endpoint), OK);
    expect_each(endpoint, E_BAD_TYPE, SYS_endpoint_info);
    expect_passed();
    expect_equal(handle_close(endpoint), OK);
}

static void every_call_checks_its_right(void)
{
    handle_t process, thread, weak_process, weak_thread;
    uint32_t value;
    expect_equal(process_create(65536, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(thread_create(process, 0x1000, 0x2000, 0, 1, &thread), OK);
    expect_equal(handle_duplicate(process, 0, 0, &weak_process), OK);
    expect_equal(handle_duplicate(thread, 0, 0, &weak_thread), OK);
    expect_equal(process_destroy(weak_process, 0), E_NO_RIGHT);
    expect_equal(process_info(weak_process, PROCESS_ALIVE, &value), E_NO_RIGHT);
    expect_equal(process_read_word(weak_process, 0x1000, &value), E_NO_RIGHT);
    expect_equal(process_unmap(weak_process, 0x1000, 1), E_NO_RIGHT);
    expect_equal(process_watch(weak_process, HANDLE_NONE, 1), E_NO_RIGHT);
    expect_equal(process_give(weak_process, thread, RIGHTS_ALL, &value), E_NO_RIGHT);
    expect_equal(process_give(process, weak_thread, RIGHTS_ALL, &value), E_NO_RIGHT);
    expect_equal(thread_create(weak_process, 0x1000, 0x2000, 0, 1, &value), E_NO_RIGHT);
    expect_equal(thread_start(weak_thread), E_NO_RIGHT);
    expect_equal(thread_stop(weak_thread), E_NO_RIGHT);
    expect_equal(thread_cancel(weak_thread), E_NO_RIGHT);
    expect_equal(thread_destroy(weak_thread), E_NO_RIGHT);
    expect_equal(thread_read_register(weak_thread, REGISTER_EIP, &value), E_NO_RIGHT);
    expect_equal(thread_write_register(weak_thread, REGISTER_EIP, 0), E_NO_RIGHT);
    expect_equal(budget_set(weak_thread, 1, 1000), E_NO_RIGHT);
    expect_equal(budget_time(weak_thread, &value), E_NO_RIGHT);
    expect_equal(process_destroy(process, 0), OK);
    handle_close(process);
    handle_close(thread);
    handle_close(weak_process);
    handle_close(weak_thread);
}

static void given_handles(void)
{
    handle_t process, notification, there, again;
    expect_equal(process_create(65536, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(notification_create(&notification), OK);
    expect_equal(process_give(process, notification, RIGHT_READ, &there), OK);
    expect_equal(process_give(process, notification, RIGHT_READ, &again), OK);
    expect(there != again);
    expect_equal(process_give(process, 0x7FFFFFE0, RIGHT_READ, &again), E_BAD_HANDLE);
    expect_equal(handle_close(notification), OK);
    expect_equal(process_destroy(process, 0), OK);
    expect_equal(process_give(process, process, RIGHTS_ALL, &again), E_BAD_STATE);
    handle_close(process);
}

/* More handles than a slot has generations: the first must not come back. */
static void closed_handle_stays_closed(void)
{
    handle_t notification, first, handle = HANDLE_NONE;
    expect_equal(notification_create(&notification), OK);
    expect_equal(handle_duplicate(notification, RIGHTS_ALL, 0, &first), OK);
    expect_equal(handle_close(first), OK);
    for (uint32_t i = 0; i <= GENERATIONS; i++) {
        expect_equal(handle_duplicate(notification, RIGHTS_ALL, 0, &handle), OK);
        expect(handle != first && (int32_t)handle > 0);
        expect_equal(handle_close(handle), OK);
    }
    handle_close(notification);
}

static handle_t many[TABLE_MAX];

/* The table doubles until it is full; every handle stays good, and none is lost. In a child, whose table is its own. */
static uint32_t fill_table(void)
{
    uint32_t count = 0, type, rights;
    handle_t notification;
    if (notification_create(&notification) != OK)
        return 1;
    while (count < TABLE_MAX && handle_duplicate(notification, RIGHT_READ, 0, &many[count]) == OK)
        count++;
    SHARED->words[0] = count;
    SHARED->words[1] = (uint32_t)handle_duplicate(notification, RIGHT_READ, 0, &many[TABLE_MAX - 1]);
    for (uint32_t i = 0; i < count; i++)
        if (handle_info(many[i], &type, &rights) != OK || type != TYPE_NOTIFICATION || rights != RIGHT_READ)
            return 2;
    for (uint32_t i = 0; i < count; i++)
        if (handle_close(many[i]) != OK)
            return 3;
    return handle_duplicate(notification, RIGHT_READ, 0, &many[0]) == OK ? 7 : 4;
}

static void table_grows_and_fills(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, fill_table, NULL), code = child_exit_code(&child);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
    expect_equal(SHARED->words[0], TABLE_MAX - 2); /* less entry 0 and the notification itself */
    expect_equal(SHARED->words[1], E_NO_MEMORY);
}

static uint32_t fault_when_told(void)
{
    while (!SHARED->words[0])
        thread_yield();
    __asm__ volatile("ud2");
    return 7;
}

/* With no room for one more handle: what would make one fails and leaves nothing, a request keeps its handle, and a fault
 * that cannot be reported ends its thread. */
static void try_with_full_table(const struct gate *gate, handle_t attached, struct child *child)
{
    uint32_t answer, type, rights, used = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    uint32_t threads = process_fact(HANDLE_NONE, PROCESS_THREADS), processes = info(INFO_PROCESSES_ALIVE);
    handle_t handle;
    expect_equal(notification_create(&handle), E_NO_MEMORY);
    expect_equal(process_create(CHILD_QUOTA / 4, HANDLE_NONE, 0, 0, &handle), E_NO_MEMORY);
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, 1, &handle), E_NO_MEMORY);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), used);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_THREADS), threads);
    expect_equal(info(INFO_PROCESSES_ALIVE), processes);
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, attached, &answer, NULL), E_NO_MEMORY);
    expect_equal(handle_info(attached, &type, &rights), OK);
    SHARED->words[0] = 1;
    for (uint32_t limit = uptime() + 2000; process_fact(child->process, PROCESS_THREADS) > 0; thread_yield())
        expect(uptime() < limit);
}

static void table_is_full(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    uint32_t count = 0, answer;
    handle_t attached, received;
    expect_equal(notification_create(&attached), OK);
    child_create(&child, CHILD_QUOTA);
    child_start(&child, fault_when_told, PRIORITY_TESTS);
    while (count < TABLE_MAX && handle_duplicate(attached, RIGHT_READ, 0, &many[count]) == OK)
        count++;
    try_with_full_table(gate, attached, &child);
    while (count > 0)
        handle_close(many[--count]);
    child_end(&child);
    expect_passed();
    expect_equal(child.faults, 0);
    expect_equal(service_call_full(gate->services->pool, METHOD_TAKE, 0, TIMEOUT_NEVER, attached, &answer, &received), OK);
    expect_equal(answer, 1);
    expect_equal(handle_close(taken), OK);
}

/* The fast path looks into the table by itself: when it has moved, only the new one counts. */
static uint32_t outgrow_table(void)
{
    const struct gate *gate = &gates[SHARED->words[0]];
    uint32_t answer = 0;
    handle_t early;
    if (handle_duplicate(SHARED->handles[0], RIGHTS_ALL, 0, &early) != OK || call(gate, early, METHOD_ECHO, 1, &answer) != OK)
        return 1;
    for (uint32_t i = 0; i < TABLE_GROWN; i++)
        if (handle_duplicate(early, RIGHTS_ALL, 0, &many[i]) != OK)
            return 2;
    handle_close(early);
    SHARED->words[1] = (uint32_t)call(gate, early, METHOD_ECHO, 2, &answer);
    SHARED->words[2] = (uint32_t)call(gate, many[TABLE_GROWN - 1], METHOD_ECHO, 3, &answer);
    return answer == 3 ? 7 : 3;
}

static void table_moves(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, gate->services->pool, RIGHT_CALL);
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, outgrow_table, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->words[1], E_BAD_HANDLE);
    expect_equal(SHARED->words[2], OK);
    expect_equal(code, 7);
}

/* The fast path remembers the entry of a thread's last call. What stands there now is what counts. */
static void remembered_entry(const struct gate *gate)
{
    handle_t first, other, again = HANDLE_NONE;
    uint32_t answer = 0;
    expect_equal(handle_duplicate(gate->services->single, RIGHTS_ALL, 0, &first), OK);
    expect_equal(call(gate, first, METHOD_ECHO, 1, &answer), OK);
    expect_equal(handle_close(first), OK);
    expect_equal(call(gate, first, METHOD_ECHO, 2, &answer), E_BAD_HANDLE);
    for (uint32_t i = 0; i < 2 * TABLE_MAX && (again & SLOT) != (first & SLOT); i++) {
        handle_close(again);
        expect_equal(handle_duplicate(gate->services->single, RIGHTS_ALL, BADGE, &again), OK);
    }
    expect_equal(again & SLOT, first & SLOT);
    expect_equal(call(gate, first, METHOD_BADGE, 0, &answer), E_BAD_HANDLE);
    expect_equal(call(gate, again, METHOD_BADGE, 0, &answer), OK);
    expect_equal(answer, BADGE);
    expect_equal(call(gate, first, METHOD_BADGE, 0, &answer), E_BAD_HANDLE);
    expect_equal(handle_duplicate(gate->services->refusing, RIGHTS_ALL & ~RIGHT_CALL, 0, &other), OK);
    expect_equal(call(gate, other, METHOD_BADGE, 0, &answer), E_NO_RIGHT);
    expect_equal(call(gate, again, METHOD_BADGE, 0, &answer), OK);
    handle_close(other);
    handle_close(again);
}

/* A slot whose generations begin again: the number names what is there now, for whoever remembers the entry as for all others. */
static uint32_t use_generations(void)
{
    const struct gate *gate = &gates[SHARED->words[0]];
    handle_t first = HANDLE_NONE, again = HANDLE_NONE;
    uint32_t answer = 0;
    while (handle_duplicate(SHARED->handles[0], RIGHTS_ALL, 1, &again) == OK)
        first = again;
    if (call(gate, first, METHOD_BADGE, 0, &answer) != OK || answer != 1)
        return 1;
    for (uint32_t i = 0; i < GENERATIONS; i++) {
        handle_close(again);
        if (handle_duplicate(SHARED->handles[0], RIGHTS_ALL, 2, &again) != OK)
            return 2;
        if (i == 0 && call(gate, first, METHOD_BADGE, 0, &answer) != E_BAD_HANDLE)
            return 3;
    }
    if (again != first || call(gate, first, METHOD_BADGE, 0, &answer) != OK)
        return 4;
    return answer == 2 ? 7 : 5;
}

static void remembered_generations(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, gate->services->pool, RIGHT_CALL);
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, use_generations, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 20 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

/* Another process makes our table grow. */
static uint32_t call_before_and_after(void)
{
    const struct gate *gate = &gates[SHARED->words[0]];
    uint32_t answer = 0;
    if (call(gate, SHARED->handles[0], METHOD_ECHO, 1, &answer) != OK)
        return 1;
    SHARED->words[1] = 1;
    while (SHARED->words[1] == 1)
        thread_yield();
    handle_close(SHARED->handles[0]);
    return call(gate, SHARED->handles[0], METHOD_ECHO, 2, &answer) == E_BAD_HANDLE ? 7 : 2;
}

static void table_moved_by_another(const struct gate *gate)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, gate->services->pool, RIGHT_CALL);
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, call_before_and_after, PRIORITY_TESTS);
    for (uint32_t limit = uptime() + 1000; SHARED->words[1] == 0 && uptime() < limit;)
        thread_yield();
    for (uint32_t i = 0; i < TABLE_GROWN; i++)
        child_give(&child, gate->services->pool, RIGHT_READ);
    SHARED->words[1] = 2;
    uint32_t outcome = child_wait(&child, 2 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

static const struct test_case cases[] = {
    { "every kind of object", kinds, NULL },
    { "rights only shrink", rights_shrink, NULL },
    { "rules for badges", badge_rules, NULL },
    { "a handle closed twice", closed_twice, NULL },
    { "every call checks its handle", every_call_checks_its_handle, NULL },
    { "every call checks its right", every_call_checks_its_right, NULL },
    { "handles given to a process", given_handles, NULL },
    { "a closed handle stays closed", closed_handle_stays_closed, NULL },
    { "a table grows and fills up", table_grows_and_fills, NULL },
    { "no room for one more handle", .run_gate = table_is_full },
    { "a handle closed after the table has moved", .run_gate = table_moves },
    { "the same, moved by another process", .run_gate = table_moved_by_another },
    { "the handle of the last call, and its slot", .run_gate = remembered_entry },
    { "the handle of the last call, 65,536 later", .run_gate = remembered_generations },
};
TEST_GROUP(handle_tests, "handles");
