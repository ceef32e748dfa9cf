/* An interrupt at every instruction: the local APIC's timer, set by ourselves, fires k clocks later, for every k that
 * covers a stub, the way into the kernel and the way out. Exact where clocks are instructions (icount); elsewhere a
 * shower of interrupts. And each vector that the APIC can send, though nothing is behind most of them. */
#include "child.h"

#include "servers/relay/relay.h"

#define APIC_FRAME 0xFEE00u
#define APIC_ID (0x20 / 4)
#define APIC_EOI (0xB0 / 4)
#define APIC_IN_SERVICE (0x100 / 4)
#define APIC_COMMAND (0x300 / 4)
#define APIC_COMMAND_HIGH (0x310 / 4)
#define APIC_LVT_TIMER (0x320 / 4)
#define APIC_INITIAL (0x380 / 4)
#define DELIVER_NMI 0x400u
#define NULL_CLOCKS 250u
#define ERROR_CLOCKS 400u
#define CALL_CLOCKS 900u
#define MISS_CLOCKS 150u
#define FPU_CALL_CLOCKS 1200u
#define CHAIN_CLOCKS 600u   /* unless interrupt-clocks= says how many */
#define JUNK 0xDEADBEEFu
#define FIRST_EXCEPTION 16u /* that the APIC can send */
#define FIRST_INTERRUPT 32u
#define CASCADE 34u         /* masked by its interrupt, it would take eight lines along */
#define TIMER 48u           /* the kernel ends this one itself */
#define SPURIOUS 63u        /* Bochs does not end it, even if it was sent */
#define CALL 250u           /* not an interrupt */

static struct {
    volatile uint32_t *registers;
    uint32_t address;
    handle_t memory;
} apic;

static void open_apic(void)
{
    expect_equal(memory_create_device(startup_handle("device-memory"), APIC_FRAME, 1, &apic.memory), OK);
    apic.address = address_reserve(1);
    expect(apic.address);
    expect_equal(process_map(HANDLE_NONE, apic.memory, apic.address, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
    apic.registers = (volatile uint32_t *)apic.address;
}

static bool no_apic(void)
{
    if (info(INFO_CPU_FEATURES) & CPU_FEATURE_APIC)
        return false;
    test_skip("no APIC");
    return true;
}

volatile uint32_t *apic_open(void)
{
    if (no_apic())
        return NULL;
    open_apic();
    return test_failed() ? NULL : apic.registers;
}

void apic_close(void)
{
    process_unmap(HANDLE_NONE, apic.address, 1);
    address_release(apic.address, 1);
    handle_close(apic.memory);
}

struct target {
    handle_t endpoint;
    uint32_t method;
    uint32_t added; /* to the word, by the answer */
};

/* One round, with the clock set right before it. */
typedef void round_t(const struct gate *gate, const struct target *target, uint32_t clocks);

static void null_after(const struct gate *gate, const struct target *unused, uint32_t clocks)
{
    struct raw raw = { .eax = gate->sysenter ? (uint32_t)OP_NULL : SYS_null, .ebx = 1, .ecx = JUNK, .edx = JUNK, .esi = 2,
                       .edi = JUNK, .ebp = JUNK, .eflags = 0x202 };
    (void)unused;
    apic.registers[APIC_INITIAL] = clocks;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, gate->sysenter ? OP_NULL : OK);
    expect_equal(raw.ebx, 1);
    expect_equal(raw.esi, 2);
    expect_equal(raw.ebp, gate->sysenter ? 0 : JUNK);
}

/* An error leaves through C: by SYSENTER, that is another SYSEXIT. */
static void error_after(const struct gate *gate, const struct target *unused, uint32_t clocks)
{
    struct raw raw;
    raw_call(&raw, gate, 0x7FFFFFE0, METHOD_ECHO, clocks, JUNK);
    (void)unused;
    apic.registers[APIC_INITIAL] = clocks;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, E_BAD_HANDLE);
    expect_equal(raw.ebp, gate->sysenter ? 0 : JUNK);
}

static void call_after(const struct gate *gate, const struct target *target, uint32_t clocks)
{
    struct raw raw;
    raw_call(&raw, gate, target->endpoint, target->method, clocks, JUNK);
    apic.registers[APIC_INITIAL] = clocks;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx, clocks + target->added);
    expect_equal(raw.esi, OK);
    expect_equal(raw.ebp, gate->sysenter ? 0 : JUNK);
}

/* Not through the handle of the call before, so that the fast path has to look it up. */
static void other_call_after(const struct gate *gate, const struct target *target, uint32_t clocks)
{
    uint32_t answer;
    expect_equal(call(gate, gate->services->single, METHOD_ECHO, 0, &answer), OK);
    call_after(gate, target, clocks);
}

/* The kernel saves the FPU's state on the way. */
static void call_with_fpu_after(const struct gate *gate, const struct target *target, uint32_t clocks)
{
    uint32_t found = 0;
    __asm__ volatile("fninit\n\tfildl %0" : : "m"(clocks));
    call_after(gate, target, clocks);
    __asm__ volatile("fistpl %0" : "=m"(found));
    expect_equal(found, clocks);
}

/* Emulated time may run beside the instructions: the interrupt comes when it comes, but it must. */
static void await_interrupt(uint32_t before)
{
    for (uint32_t limit = uptime() + 1000; info(INFO_INTERRUPTS) == before;)
        expect(uptime() < limit);
}

static void sweep(round_t *round, const struct gate *gate, const struct target *target, uint32_t most, bool counted)
{
    for (uint32_t clocks = 1; clocks <= most && !test_failed(); clocks++) {
        uint32_t before = info(INFO_INTERRUPTS);
        round(gate, target, clocks);
        if (counted && !test_failed())
            await_interrupt(before);
    }
}

static void sweep_all(const struct gate *gate, bool counted)
{
    struct target same_space = { gate->services->pool, METHOD_ECHO, 0 }, other_space = { .method = 0 };
    struct target chain = { .method = gate->sysenter ? RELAY_SYSENTER : RELAY_INT, .added = 1 };
    expect_equal(service_find(gate->sysenter ? "echo" : "echo-int", &other_space.endpoint), OK);
    expect_equal(service_find("relay1", &chain.endpoint), OK);
    sweep(null_after, gate, NULL, NULL_CLOCKS, counted);
    sweep(error_after, gate, NULL, ERROR_CLOCKS, counted);
    sweep(call_after, gate, &same_space, CALL_CLOCKS, counted);
    sweep(call_after, gate, &other_space, CALL_CLOCKS, counted);
    sweep(other_call_after, gate, &same_space, MISS_CLOCKS, counted);
    sweep(call_with_fpu_after, gate, &other_space, FPU_CALL_CLOCKS, counted);
    sweep(call_after, gate, &chain, argument_number("interrupt-clocks", CHAIN_CLOCKS), counted);
    handle_close(chain.endpoint);
    handle_close(other_space.endpoint);
}

static void timer_everywhere(const struct gate *gate)
{
    if (!apic_open())
        return;
    sweep_all(gate, true);
    apic_close();
}

/* Bochs 2.7 delivers no NMI from the timer: there it shows only that nothing breaks. */
static void nmi_everywhere(const struct gate *gate)
{
    if (!apic_open())
        return;
    uint32_t timer = apic.registers[APIC_LVT_TIMER];
    apic.registers[APIC_LVT_TIMER] = DELIVER_NMI;
    sweep_all(gate, false);
    apic.registers[APIC_INITIAL] = 0;
    apic.registers[APIC_LVT_TIMER] = timer;
    sleep_microseconds(1000); /* the kernel sets its clock again */
    apic_close();
}

/* ---- each vector ---- */

static void send(volatile uint32_t *registers, uint32_t command)
{
    registers[APIC_COMMAND_HIGH] = registers[APIC_ID];
    registers[APIC_COMMAND] = command;
}

static bool in_service(uint32_t vector)
{
    return apic.registers[APIC_IN_SERVICE + vector / 32 * 4] >> vector % 32 & 1;
}

/* The kernel takes it and does no more, so the APIC holds it in service until we end it. */
static void send_and_end(uint32_t vector)
{
    uint32_t before = info(INFO_INTERRUPTS);
    send(apic.registers, vector);
    for (uint32_t limit = uptime() + 1000; !in_service(vector);)
        expect(uptime() < limit);
    expect(info(INFO_INTERRUPTS) > before);
    apic.registers[APIC_EOI] = 0;
    expect(!in_service(vector));
}

static void every_interrupt(void)
{
    if (!apic_open())
        return;
    for (uint32_t vector = FIRST_INTERRUPT; vector < 256 && !test_failed(); vector++)
        if (vector != CASCADE && vector != TIMER && vector != SPURIOUS && vector != CALL)
            send_and_end(vector);
    apic_close();
}

static uint32_t send_to_oneself(void)
{
    send((volatile uint32_t *)CHILD_SCRATCH, SHARED->words[0]);
    for (volatile uint32_t i = 0; i < 1000000; i++)
        continue;
    return 7;
}

static uint32_t vector_to_send;

static void give_apic(struct child *child)
{
    SHARED->words[0] = vector_to_send;
    expect_equal(process_map(child->process, apic.memory, CHILD_SCRATCH, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
}

/* To whoever runs it is an exception without an error code. */
static void send_exception(uint32_t vector)
{
    struct child child = { .on_fault = NULL };
    vector_to_send = vector;
    uint32_t outcome = child_run(&child, send_to_oneself, give_apic);
    apic.registers[APIC_EOI] = 0;
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_FAULT_VECTOR], vector);
    expect_equal(child.registers[REGISTER_FAULT_ERROR], 0);
}

/* Not those that the CPU would push an error code for (17, 21), nor the machine check, which stops the machine. */
static void exceptions_that_were_sent(void)
{
    if (!apic_open())
        return;
    for (uint32_t vector = FIRST_EXCEPTION; vector < FIRST_INTERRUPT && !test_failed(); vector++)
        if (vector != 17 && vector != 18 && vector != 21)
            send_exception(vector);
    apic_close();
}

/* A task switch denies the FPU; its owner must get it back as it was. */
static void nmi_to_the_owner_of_the_fpu(void)
{
    uint32_t wanted = 4711, found = 0;
    if (!apic_open())
        return;
    __asm__ volatile("fninit\n\tfildl %0" : : "m"(wanted));
    send(apic.registers, DELIVER_NMI);
    __asm__ volatile("fistpl %0" : "=m"(found));
    expect_equal(found, wanted);
    apic_close();
}

static const struct test_case cases[] = {
    { "the timer at every instruction", .run_gate = timer_everywhere },
    { "an NMI at every instruction", .run_gate = nmi_everywhere },
    { "an NMI to the owner of the FPU", nmi_to_the_owner_of_the_fpu, NULL },
    { "every interrupt", every_interrupt, NULL },
    { "exceptions that the APIC sends", exceptions_that_were_sent, NULL },
};
TEST_GROUP(interrupt_tests, "interrupts");
