/* Children: processes made of copies of our own pages, and the supervisor that hears of their faults. */
#include "child.h"

#define CHILDREN 8u

extern uint8_t program_start[], etext[], erodata[], end[];

static struct {
    handle_t supervisor;
    handle_t text, rodata;      /* copies, shared by all children, which cannot write to them */
    handle_t shared;
    struct child *children[CHILDREN];
} state;

static uint32_t pages_between(const uint8_t *first, const uint8_t *last)
{
    return (uint32_t)(last - first) / PAGE_SIZE;
}

/* ---- faults ---- */

static void read_registers(struct child *child, handle_t thread)
{
    for (uint32_t i = 0; i < REGISTER_COUNT; i++)
        thread_read_register(thread, i, &child->registers[i]);
}

static status_t judge_fault(struct child *child, handle_t thread)
{
    child->faults++;
    read_registers(child, thread);
    if (child->on_fault && child->on_fault(child, thread) == OK)
        return OK;
    notification_signal(child->events, CHILD_FAULTED);
    return E_PEER_DIED;
}

/* Requests that no table covers: fault reports, and calls of methods that do not exist. */
reply_t server_unknown_method(const request_t *rq)
{
    status_t verdict = E_NO_METHOD;
    struct child *child = rq->badge >= 1 && rq->badge <= CHILDREN ? state.children[rq->badge - 1] : NULL;
    if (rq->method == METHOD_FAULT && child)
        verdict = judge_fault(child, rq->handle);
    if (rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_error(verdict);
}

status_t return_from_fault(struct child *child, handle_t thread)
{
    uint32_t esp = child->registers[REGISTER_ESP], eip = 0;
    if (process_read_word(child->process, esp, &eip) != OK)
        return E_BAD_ADDRESS;
    thread_write_register(thread, REGISTER_ESP, esp + 4);
    return thread_write_register(thread, REGISTER_EIP, eip);
}

handle_t children_supervisor(void) { return state.supervisor; }

/* ---- image ---- */

/* A memory object with a copy of our pages; HANDLE_NONE when that fails. */
static handle_t copy_pages(const uint8_t *first, const uint8_t *last)
{
    handle_t memory = HANDLE_NONE;
    uint32_t pages = pages_between(first, last), window = address_reserve(pages);
    status_t status = memory_create(pages, 0, &memory);
    if (status == OK)
        status = process_map(HANDLE_NONE, memory, window, PROTECT_READ | PROTECT_WRITE, 0, pages);
    if (status == OK) {
        memcpy((void *)window, first, pages * PAGE_SIZE);
        process_unmap(HANDLE_NONE, window, pages);
    }
    address_release(window, pages);
    return status == OK ? memory : HANDLE_NONE;
}

void children_start(void)
{
    state.text = copy_pages(program_start, etext);
    state.rodata = copy_pages(etext, erodata);
    status_t status = memory_create(1, 0, &state.shared);
    if (status == OK)
        status = process_map(HANDLE_NONE, state.shared, (uint32_t)SHARED, PROTECT_READ | PROTECT_WRITE, 0, 1);
    if (status == OK)
        status = server_start(&state.supervisor, NULL, 0, .workers = 2, .handles = ENDPOINT_TAKES_HANDLES);
    if (status == OK && state.text && state.rodata)
        return;
    print("Bail out! no memory for children: %s\n", status_text(status));
    machine_exit(2);
}

static void map_into(const struct child *child, handle_t memory, uint32_t address, uint32_t protection, uint32_t pages)
{
    expect_equal(process_map(child->process, memory, address, protection, 0, pages), OK);
}

static void map_image(const struct child *child)
{
    handle_t data = copy_pages(erodata, end), stack;
    expect(data);
    expect_equal(memory_create(CHILD_STACK_BYTES / PAGE_SIZE, 0, &stack), OK);
    map_into(child, state.text, (uint32_t)program_start, PROTECT_READ | PROTECT_EXECUTE, pages_between(program_start, etext));
    map_into(child, state.rodata, (uint32_t)etext, PROTECT_READ, pages_between(etext, erodata));
    map_into(child, data, (uint32_t)erodata, PROTECT_READ | PROTECT_WRITE, pages_between(erodata, end));
    map_into(child, stack, CHILD_STACK_TOP - CHILD_STACK_BYTES, PROTECT_READ | PROTECT_WRITE, CHILD_STACK_BYTES / PAGE_SIZE);
    map_into(child, state.shared, (uint32_t)SHARED, PROTECT_READ | PROTECT_WRITE, 1);
    handle_close(data);
    handle_close(stack);
}

/* ---- life ---- */

static uint32_t free_badge(void)
{
    uint32_t i = 0;
    while (i < CHILDREN - 1 && state.children[i])
        i++;
    return i + 1;
}

/* A case that failed may have left its child behind, with a structure that is gone. */
static void claim_badge(struct child *child)
{
    child->badge = free_badge();
    state.children[child->badge - 1] = child;
}

void child_create(struct child *child, uint32_t quota)
{
    status_t (*on_fault)(struct child *, handle_t) = child->on_fault;
    *child = (struct child){ .on_fault = on_fault };
    claim_badge(child);
    memset(SHARED, 0, sizeof(*SHARED));
    expect_equal(notification_create(&child->events), OK);
    expect_equal(process_create(quota, state.supervisor, child->badge, PRIORITY_TESTS, &child->process), OK);
    expect_equal(process_watch(child->process, child->events, CHILD_ENDED), OK);
    map_image(child);
}

handle_t child_give(struct child *child, handle_t handle, uint32_t rights)
{
    handle_t there = HANDLE_NONE;
    status_t status = process_give(child->process, handle, rights, &there);
    if (status != OK)
        test_fail_equal(__FILE__, __LINE__, "process_give", (uint32_t)status, OK);
    return there;
}

__asm__(".globl child_entry\n"
        "child_entry:\n\t"
        "call *%ebx\n\t"
        "movl %eax, %ecx\n\t"
        "xorl %ebx, %ebx\n\t"
        "movl $12, %eax\n\t" /* SYS_process_destroy, of this process */
        "int $250\n");

_Static_assert(SYS_process_destroy == 12, "as in child_entry");

void child_start(struct child *child, uint32_t (*function)(void), uint32_t priority)
{
    expect_passed();
    expect_equal(thread_create(child->process, (uint32_t)child_entry, CHILD_STACK_TOP, (uint32_t)function, priority,
                               &child->thread), OK);
    expect_equal(thread_start(child->thread), OK);
}

uint32_t child_wait(struct child *child, uint32_t timeout)
{
    uint32_t bits = 0;
    if (notification_wait(child->events, CHILD_FAULTED | CHILD_ENDED, timeout, &bits) != OK)
        return 0;
    return bits & CHILD_FAULTED ? CHILD_FAULTED : CHILD_ENDED;
}

uint32_t child_exit_code(const struct child *child)
{
    return process_fact(child->process, PROCESS_EXIT_CODE);
}

void child_end(struct child *child)
{
    if (child->process != HANDLE_NONE) /* which would name ourselves */
        process_destroy(child->process, 0);
    handle_close(child->process);
    handle_close(child->thread);
    handle_close(child->events);
    if (child->badge)
        state.children[child->badge - 1] = NULL;
    child->process = child->thread = child->events = HANDLE_NONE;
    child->badge = 0;
}

uint32_t child_run(struct child *child, uint32_t (*function)(void), void (*prepare)(struct child *child))
{
    child_create(child, CHILD_QUOTA);
    if (prepare && !test_failed())
        prepare(child);
    child_start(child, function, PRIORITY_TESTS);
    return test_failed() ? 0 : child_wait(child, 2 * SECOND);
}

void expect_fault(uint32_t (*function)(void), uint32_t vector, struct child *child)
{
    child->on_fault = NULL;
    uint32_t outcome = child_run(child, function, NULL);
    child_end(child);
    expect_passed();
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child->registers[REGISTER_FAULT_VECTOR], vector);
}
