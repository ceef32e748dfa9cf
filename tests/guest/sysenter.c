/* The register contracts of the two gates, and hostile ESP and EIP at the small one. */
#include "child.h"

#define JUNK 0xDEADBEEFu
#define KERNEL_TEXT 0xC0100000u
#define USER_ERROR 4u   /* bit of a page fault's error code: it happened at CPL 3 */

/* ---- what the client gets ---- */

static void expect_back_at(const struct raw *raw, const char *place)
{
    expect_equal(raw->edi, 0);
    expect_equal(raw->ebp, 0);
    expect_equal(raw->ecx, raw->esp);
    expect_equal(raw->edx, (uint32_t)place);
}

static void expect_sysenter_contract(const struct raw *raw)
{
    expect_back_at(raw, raw_sysenter_return);
}

static void expect_int_contract(const struct raw *raw, const struct raw *before)
{
    expect_equal(raw->ecx, before->ecx);
    expect_equal(raw->edx, before->edx);
    expect_equal(raw->ebp, before->ebp);
    expect_equal(raw->edi, HANDLE_NONE);
}

static void client_registers(const struct gate *gate)
{
    const handle_t endpoints[] = { services[GATE_INT].pool, services[GATE_SYSENTER].pool };
    for (uint32_t i = 0; i < COUNT(endpoints) && !test_failed(); i++) {
        struct raw raw, before;
        raw_call(&raw, gate, endpoints[i], METHOD_ECHO, 0x1234, JUNK);
        before = raw;
        raw_enter(gate, &raw);
        expect_equal(raw.eax, OK);
        expect_equal(raw.ebx, 0x1234);
        expect_equal(raw.esi, OK);
        if (gate->sysenter)
            expect_sysenter_contract(&raw);
        else
            expect_int_contract(&raw, &before);
    }
}

/* An error leaves through C: the contract is the same, whatever an earlier call by INT 250 has left in the frame. */
static void client_registers_after_error(const struct gate *gate)
{
    struct raw raw, before, earlier = { .eax = SYS_null, .edi = JUNK, .ebp = JUNK, .eflags = 0x202 };
    raw_int(&earlier);
    raw_call(&raw, gate, 0x7FFFFFE0, METHOD_ECHO, 0x1234, JUNK);
    before = raw;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, E_BAD_HANDLE);
    if (gate->sysenter)
        expect_sysenter_contract(&raw);
    else
        expect_int_contract(&raw, &before);
}

/* Calls other than the three of IPC: all but EAX and EBX are kept. */
static void int_keeps_registers(void)
{
    struct raw raw = { .eax = SYS_system_info, .ebx = INFO_COUNT, .ecx = 1, .edx = 2, .esi = 3, .edi = 4, .ebp = 5,
                       .eflags = 0x202 };
    raw_int(&raw);
    expect_equal(raw.eax, E_BAD_ARGUMENT);
    expect_equal(raw.ecx, 1);
    expect_equal(raw.edx, 2);
    expect_equal(raw.esi, 3);
    expect_equal(raw.edi, 4);
    expect_equal(raw.ebp, 5);
    raw = (struct raw){ .eax = 0x80000000, .ebx = 6, .ecx = 1, .edx = 2, .esi = 3, .edi = 4, .ebp = 5, .eflags = 0x202 };
    raw_int(&raw);
    expect_equal(raw.eax, E_BAD_CALL);
    expect_equal(raw.esi, 3);
    expect_equal(raw.edi, 4);
    expect_equal(raw.ebp, 5);
}

static void null_registers(const struct gate *gate)
{
    struct raw raw = { .eax = gate->sysenter ? (uint32_t)OP_NULL : SYS_null, .ebx = 0x1111, .ecx = JUNK, .edx = JUNK,
                       .esi = 0x2222, .edi = JUNK, .ebp = JUNK, .eflags = 0x202 };
    raw_enter(gate, &raw);
    expect_equal(raw.eax, gate->sysenter ? OP_NULL : OK);
    expect_equal(raw.ebx, 0x1111);
    expect_equal(raw.esi, 0x2222);
    if (gate->sysenter)
        expect_sysenter_contract(&raw);
    else
        expect_equal(raw.edi, JUNK);
}

static void unknown_operations(const struct gate *gate)
{
    static const uint32_t operations[] = { 0xFFFFFFFD, 0xFFFFFFFC, 0xFFFFFF00, 0x80000001, 0x80000000 };
    for (uint32_t i = 0; i < COUNT(operations); i++) {
        struct raw raw = { .eax = operations[i], .ebx = 3, .esi = 4, .edi = JUNK, .ebp = JUNK, .eflags = 0x202 };
        raw_enter(gate, &raw);
        expect_equal(raw.eax, E_BAD_CALL);
        if (gate->sysenter)
            expect_sysenter_contract(&raw);
    }
}

/* ---- what the worker gets ---- */

static struct {
    struct task task;
    const struct gate *gate;
    handle_t endpoint;
    struct raw received[2]; /* the first by wait, the second by reply and wait */
} observer;

static void prepare_wait(struct raw *raw)
{
    *raw = (struct raw){ .eax = SYS_wait, .ebx = JUNK, .ecx = observer.endpoint, .edx = JUNK, .esi = JUNK, .edi = JUNK,
                         .ebp = JUNK, .eflags = 0x202 };
}

static void prepare_reply(struct raw *raw, uint32_t word)
{
    *raw = (struct raw){ .eax = observer.gate->sysenter ? (uint32_t)OP_REPLY_WAIT : SYS_reply_wait, .ebx = word,
                         .ecx = JUNK, .edx = JUNK, .edi = observer.gate->sysenter ? JUNK : HANDLE_NONE, .ebp = JUNK,
                         .eflags = 0x202 };
}

static void observe(struct task *task)
{
    struct raw last;
    (void)task;
    prepare_wait(&observer.received[0]);
    raw_int(&observer.received[0]);
    prepare_reply(&observer.received[1], 100);
    raw_reply(observer.gate, &observer.received[1]);
    prepare_reply(&last, 200);
    raw_reply(observer.gate, &last);
}

static void start_observer(const struct gate *gate)
{
    observer.gate = gate;
    expect_equal(endpoint_create(0, 0, &observer.endpoint), OK);
    task_create(&observer.task, observe, PRIORITY_TESTS);
    task_go(&observer.task);
    expect_passed();
    expect(endpoint_reaches(observer.endpoint, ENDPOINT_IDLE, 1));
}

static void send_junk(const struct gate *client, uint32_t word, uint32_t wanted)
{
    struct raw raw;
    raw_call(&raw, client, observer.endpoint, 0x33, word, JUNK);
    raw_enter(client, &raw);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx, wanted);
}

static void expect_request(const struct raw *received, uint32_t word)
{
    expect_equal(received->eax, 0);
    expect_equal(received->ebx, word);
    expect_equal(received->esi, 0x33);
}

/* The client's junk must not reach the worker, nor the worker's the client. */
static void observe_from(const struct gate *worker, const struct gate *client)
{
    start_observer(worker);
    send_junk(client, 0x44, 100);
    send_junk(client, 0x55, 200);
    expect_passed();
    task_end(&observer.task);
    handle_close(observer.endpoint);
    expect_request(&observer.received[0], 0x44);
    expect_request(&observer.received[1], 0x55);
    expect_passed();
    expect_equal(observer.received[0].edi, HANDLE_NONE);
    expect_equal(observer.received[0].ecx, observer.endpoint);
    expect_equal(observer.received[0].ebp, JUNK);
    if (worker->sysenter)
        expect_back_at(&observer.received[1], raw_received);
    else
        expect_equal(observer.received[1].ecx, JUNK);
}

static void worker_registers(const struct gate *gate)
{
    observe_from(gate, &gates[GATE_INT]);
    if (gate_sysenter_usable() && !test_failed())
        observe_from(gate, &gates[GATE_SYSENTER]);
}

/* ---- ESP and EIP that the user makes up ---- */

/* ESP is `words[0]` from SYSENTER until an interrupt or two later. */
static uint32_t enter_with_bad_stack(void)
{
    uint32_t found;
    __asm__ volatile("movl %%esp, %%edi\n\t"
                     "movl %%edi, %c2\n\t"
                     "movl %1, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "movl %3, %%eax\n\t"
                     "sysenter\n"
                     "1:\n\t"
                     "movl $3000000, %%eax\n"
                     "2:\n\t"
                     "decl %%eax\n\t"
                     "jnz 2b\n\t"
                     "movl %%esp, %%eax\n\t"
                     "movl %c2, %%esp\n\t"
                     : "=&a"(found)
                     : "m"(SHARED->words[0]), "i"(&SHARED->words[8]), "i"(OP_NULL)
                     : "ebx", "ecx", "edx", "esi", "edi", "memory", "cc");
    SHARED->words[1] = found;
    return 7;
}

static const uint32_t bad_addresses[] = {
    0, 1, 0xFFF, 0x7FFFFFFF, 0xBFDFFFFF, 0xBFE00000, 0xBFFFFFFF, 0xC0000000, KERNEL_TEXT, 0xFFFFFFFC, 0xFFFFFFFF,
};

static void bad_stack(void)
{
    if (!gate_sysenter_usable()) {
        test_skip("no SYSENTER");
        return;
    }
    for (uint32_t i = 0; i < COUNT(bad_addresses) && !test_failed(); i++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        SHARED->words[0] = bad_addresses[i];
        child_start(&child, enter_with_bad_stack, PRIORITY_TESTS);
        uint32_t outcome = child_wait(&child, 2 * SECOND);
        child_end(&child);
        expect_equal(outcome, CHILD_ENDED);
        expect_equal(SHARED->words[1], bad_addresses[i]);
    }
}

static uint32_t enter_with_bad_return(void)
{
    __asm__ volatile("movl %%esp, %%ecx\n\t"
                     "sysenter\n\t"
                     :
                     : "a"(OP_NULL), "d"(SHARED->words[0])
                     : "ecx", "memory", "cc");
    return 7;
}

static void bad_return(void)
{
    if (!gate_sysenter_usable()) {
        test_skip("no SYSENTER");
        return;
    }
    for (uint32_t i = 0; i < COUNT(bad_addresses) && !test_failed(); i++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        SHARED->words[0] = bad_addresses[i];
        child_start(&child, enter_with_bad_return, PRIORITY_TESTS);
        uint32_t outcome = child_wait(&child, 2 * SECOND);
        child_end(&child);
        expect_equal(outcome, CHILD_FAULTED);
        expect_equal(child.registers[REGISTER_EIP], bad_addresses[i]);
        expect_equal(child.registers[REGISTER_FAULT_VECTOR], 14);
        expect(child.registers[REGISTER_FAULT_ERROR] & USER_ERROR);
    }
}

/* The same through a call whose reply comes back by SYSEXIT: the worker must not be hurt by its client. */
static uint32_t call_with_bad_return(void)
{
    __asm__ volatile("movl $0xC0100000, %%ecx\n\t"
                     "sysenter\n\t"
                     :
                     : "a"(SHARED->handles[0]), "b"(1), "S"(METHOD_ECHO), "d"(SHARED->words[0])
                     : "ecx", "memory", "cc");
    return 7;
}

static void bad_return_from_call(void)
{
    const struct gate *gate = &gates[GATE_SYSENTER];
    uint32_t answer = 0;
    struct child child = { .on_fault = NULL };
    if (!gate_sysenter_usable()) {
        test_skip("no SYSENTER");
        return;
    }
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->handles[0] = child_give(&child, gate->services->single, RIGHT_CALL);
    SHARED->words[0] = KERNEL_TEXT;
    child_start(&child, call_with_bad_return, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    child_end(&child);
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_EIP], KERNEL_TEXT);
    expect_equal(call(gate, gate->services->single, METHOD_ECHO, 5, &answer), OK);
    expect_equal(answer, 5);
}

static const struct test_case cases[] = {
    { "the client's registers after a reply", .run_gate = client_registers },
    { "the client's registers after an error", .run_gate = client_registers_after_error },
    { "INT 250 keeps all other registers", int_keeps_registers, NULL },
    { "registers of the null operation", .run_gate = null_registers },
    { "operations that do not exist", .run_gate = unknown_operations },
    { "the worker's registers", .run_gate = worker_registers },
    { "ECX is no stack", bad_stack, NULL },
    { "EDX is no place to return to", bad_return, NULL },
    { "EDX of a call is no place to return to", bad_return_from_call, NULL },
};
TEST_GROUP(sysenter_tests, "registers");
