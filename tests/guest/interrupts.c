/* An interrupt at every instruction: the local APIC's timer, set by ourselves, fires k clocks later, for every k that
 * covers a stub, the way into the kernel and the way out. Exact where clocks are instructions (icount); elsewhere a
 * shower of interrupts. */
#include "child.h"

#define APIC_FRAME 0xFEE00u
#define APIC_LVT_TIMER (0x320 / 4)
#define APIC_INITIAL (0x380 / 4)
#define DELIVER_NMI 0x400u
#define NULL_CLOCKS 250u
#define CALL_CLOCKS 900u
#define JUNK 0xDEADBEEFu

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

static void close_apic(void)
{
    process_unmap(HANDLE_NONE, apic.address, 1);
    address_release(apic.address, 1);
    handle_close(apic.memory);
}

struct target {
    handle_t endpoint;
    uint32_t method;
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

static void call_after(const struct gate *gate, const struct target *target, uint32_t clocks)
{
    struct raw raw;
    raw_call(&raw, gate, target->endpoint, target->method, clocks, JUNK);
    apic.registers[APIC_INITIAL] = clocks;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx, clocks);
    expect_equal(raw.esi, OK);
    expect_equal(raw.ebp, gate->sysenter ? 0 : JUNK);
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
    struct target same_space = { gate->services->pool, METHOD_ECHO }, other_space = { .method = 0 };
    expect_equal(service_find(gate->sysenter ? "echo" : "echo-int", &other_space.endpoint), OK);
    sweep(null_after, gate, NULL, NULL_CLOCKS, counted);
    sweep(call_after, gate, &same_space, CALL_CLOCKS, counted);
    sweep(call_after, gate, &other_space, CALL_CLOCKS, counted);
    handle_close(other_space.endpoint);
}

static bool no_apic(void)
{
    if (info(INFO_CPU_FEATURES) & CPU_FEATURE_APIC)
        return false;
    test_skip("no APIC");
    return true;
}

static void timer_everywhere(const struct gate *gate)
{
    if (no_apic())
        return;
    open_apic();
    expect_passed();
    sweep_all(gate, true);
    close_apic();
}

/* Bochs 2.7 delivers no NMI from the timer: there it shows only that nothing breaks. */
static void nmi_everywhere(const struct gate *gate)
{
    if (no_apic())
        return;
    open_apic();
    expect_passed();
    uint32_t timer = apic.registers[APIC_LVT_TIMER];
    apic.registers[APIC_LVT_TIMER] = DELIVER_NMI;
    sweep_all(gate, false);
    apic.registers[APIC_INITIAL] = 0;
    apic.registers[APIC_LVT_TIMER] = timer;
    sleep_microseconds(1000); /* the kernel sets its clock again */
    close_apic();
}

static const struct test_case cases[] = {
    { "the timer at every instruction", .run_gate = timer_everywhere },
    { "an NMI at every instruction", .run_gate = nmi_everywhere },
};
TEST_GROUP(interrupt_tests, "interrupts");
