/* EFLAGS and segment registers that a hostile thread brings to a gate: it alone may feel them. */
#include "child.h"

#include "tests/audit/request.h"

#define TF 0x00000100u
#define DF 0x00000400u
#define NT 0x00004000u
#define AC 0x00040000u
#define IOPL 0x00003000u
#define IF 0x00000200u
#define ALWAYS 0x00000202u
#define DANGEROUS (TF | DF | NT | AC)
#define USER_SEGMENTS 0x23232323u

static const uint32_t combinations[] = {
    TF, NT, NT | TF, AC, DF, DF | AC, DF | NT, DF | NT | AC, DF | NT | AC | TF,
};

/* Single steps: each ends in the supervisor, which lets the thread go on. */
static status_t go_on_stepping(struct child *child, handle_t thread)
{
    (void)thread;
    return child->registers[REGISTER_FAULT_VECTOR] == 1 ? OK : E_BAD_STATE;
}

static uint32_t enter_raw(void)
{
    raw_enter(&gates[SHARED->words[0]], &SHARED->raw);
    return 7;
}

/* Runs the raw entry in a child; SHARED->raw is what came back. Each child is gone afterwards, whatever happened. */
static void run_raw(const struct gate *gate, uint32_t method, uint32_t eflags, uint32_t selector, uint32_t mask,
                    struct child *child)
{
    child->on_fault = go_on_stepping;
    child_create(child, CHILD_QUOTA);
    expect_passed();
    raw_call(&SHARED->raw, gate, child_give(child, gate->services->pool, RIGHT_CALL), method, 0x77, 0xDEADBEEF);
    SHARED->raw.eflags = ALWAYS | eflags;
    SHARED->raw.segments = selector;
    SHARED->raw.mask = mask;
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(child, enter_raw, PRIORITY_TESTS);
    uint32_t outcome = child_wait(child, 2 * SECOND);
    child_end(child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->raw.eax, OK);
    expect_equal(SHARED->raw.esi, OK);
}

/* Another client of the same pool, after the hostile one. */
static void expect_others_unhurt(const struct gate *gate)
{
    uint32_t answer = 0, flags;
    expect_equal(call(gate, gate->services->pool, METHOD_FLAGS, 0, &answer), OK);
    expect_equal(answer & (DANGEROUS | IOPL), 0);
    expect(answer & IF);
    expect_equal(call(gate, gate->services->pool, METHOD_SEGMENTS, 0, &answer), OK);
    expect_equal(answer, USER_SEGMENTS);
    __asm__ volatile("pushfl\n\tpopl %0" : "=r"(flags));
    expect_equal(flags & (DANGEROUS | IOPL), 0);
    expect(flags & IF);
}

static void expect_flags(const struct gate *gate, uint32_t eflags)
{
    struct child child;
    run_raw(gate, METHOD_FLAGS, eflags, 0, 0, &child);
    expect_passed();
    expect_equal(SHARED->raw.ebx & (DANGEROUS | IOPL), 0); /* what the handler ran with */
    expect(SHARED->raw.ebx & IF);
    expect(SHARED->raw.eflags & IF);
    if (gate->sysenter)
        expect_equal(SHARED->raw.eflags & DANGEROUS, eflags & TF);
    else
        expect_equal(SHARED->raw.eflags & DANGEROUS, eflags);
    expect((eflags & TF ? child.faults > 0 : child.faults == 0));
    expect_others_unhurt(gate);
}

static void with_trap_flag(const struct gate *gate) { expect_flags(gate, TF); }
static void with_trap_flag_traced(const struct gate *gate)
{
    trace_begin(4);
    expect_passed();
    expect_flags(gate, TF);
    trace_forget();
}

static void with_nested_task(const struct gate *gate) { expect_flags(gate, NT); }
static void with_both(const struct gate *gate) { expect_flags(gate, NT | TF); }
static void with_alignment_check(const struct gate *gate) { expect_flags(gate, AC); }
static void with_direction(const struct gate *gate) { expect_flags(gate, DF); }

static void with_combinations(const struct gate *gate)
{
    for (uint32_t i = 0; i < COUNT(combinations) && !test_failed(); i++)
        expect_flags(gate, combinations[i]);
}

/* The kernel clears pages with a string instruction, which must not run backwards from where it begins. */
static void direction_and_new_pages(void)
{
    for (uint32_t round = 0; round < 4; round++) {
        struct raw raw = { .eax = SYS_memory_create, .ebx = 1, .eflags = ALWAYS | DF };
        raw_enter(&gates[GATE_INT], &raw);
        expect_equal(raw.eax, OK);
        uint32_t address = address_reserve(1);
        const volatile uint32_t *words = (const volatile uint32_t *)address;
        expect_equal(process_map(HANDLE_NONE, raw.ebx, address, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
        for (uint32_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
            expect_equal(words[i], 0);
        memset((void *)address, 0xA5, PAGE_SIZE);
        pages_free((void *)address, PAGE_SIZE);
        handle_close(raw.ebx);
    }
}

/* Stepping through the null operation and through errors, which leave by other ways. */
static uint32_t step_through_everything(void)
{
    const struct gate *gate = &gates[SHARED->words[0]];
    static const uint32_t operations[] = { (uint32_t)OP_NULL, 0x80000000, (uint32_t)OP_REPLY_WAIT, 0x7FFFFFE0 };
    for (uint32_t i = 0; i < COUNT(operations); i++) {
        struct raw raw = { .eax = operations[i], .eflags = ALWAYS | TF };
        if (!gate->sysenter)
            raw.eax = i == 0 ? SYS_null : i == 1 ? 0x80000000 : i == 2 ? SYS_reply_wait : SYS_yield;
        (i == 2 ? raw_reply : raw_enter)(gate, &raw);
        SHARED->words[1 + i] = raw.eax;
        SHARED->words[8 + i] = raw.eflags;
    }
    struct raw walking = { .eax = 0x80000000, .eflags = ALWAYS };
    raw_enter(gate, &walking);
    SHARED->words[12] = walking.eflags;
    return 7;
}

static void stepping_everywhere(const struct gate *gate)
{
    static const uint32_t by_sysenter[] = { (uint32_t)OP_NULL, (uint32_t)E_BAD_CALL, (uint32_t)E_NO_CALLER,
                                            (uint32_t)E_BAD_HANDLE };
    static const uint32_t by_int[] = { OK, (uint32_t)E_BAD_CALL, (uint32_t)E_NO_CALLER, OK };
    struct child child = { .on_fault = go_on_stepping };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, step_through_everything, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    for (uint32_t i = 0; i < 4; i++) {
        expect_equal(SHARED->words[1 + i], (gate->sysenter ? by_sysenter : by_int)[i]);
        expect(SHARED->words[8 + i] & TF);
    }
    expect_equal(SHARED->words[12] & TF, 0); /* what came without it leaves without it */
    expect_others_unhurt(gate);
}

/* A load of SS puts off what TF asks for until after the next instruction: the gate itself. */
static uint32_t load_ss_and_enter(void)
{
    int32_t status = SHARED->words[0] == GATE_SYSENTER ? OP_NULL : SYS_null;
    if (SHARED->words[0] == GATE_SYSENTER)
        __asm__ volatile("movl %%ss, %%esi\n\tpushl $0x302\n\tmovl $1f, %%edx\n\tleal 4(%%esp), %%ecx\n\t"
                         "popfl\n\tmovl %%esi, %%ss\n\tsysenter\n1:\n\tpushl $0x202\n\tpopfl"
                         : "+a"(status) : : "ebx", "ecx", "edx", "esi", "edi", "ebp", "memory", "cc");
    else
        __asm__ volatile("movl %%ss, %%esi\n\tpushl $0x302\n\tpopfl\n\tmovl %%esi, %%ss\n\tint $250\n\t"
                         "pushl $0x202\n\tpopfl" : "+a"(status) : : "esi", "memory", "cc");
    SHARED->words[1] = (uint32_t)status;
    __asm__ volatile("movl %%ss, %%esi\n\tpushl $0x302\n\tpopfl\n\tmovl %%esi, %%ss\n\tint3\n\tpushl $0x202\n\tpopfl"
                     : : : "esi", "memory", "cc");
    return 7;
}

static status_t go_on_after_traps(struct child *child, handle_t thread)
{
    (void)thread;
    return child->registers[REGISTER_FAULT_VECTOR] == 1 || child->registers[REGISTER_FAULT_VECTOR] == 3 ? OK : E_BAD_STATE;
}

static void stepping_over_a_load_of_ss(const struct gate *gate)
{
    struct child child = { .on_fault = go_on_after_traps };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, load_ss_and_enter, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->words[1], gate->sysenter ? OP_NULL : OK);
    expect(child.faults > 0);
    expect_others_unhurt(gate);
}

/* A data breakpoint on what SS is loaded from is put off as well: it comes behind the gate, at CPL 0 (on hardware and Bochs;
 * QEMU has it come at once). Only a debugger of the machine could set it, which the audit kernel plays. */
static uint32_t load_ss_from_breakpoint(void)
{
    volatile uint32_t *selector = &SHARED->words[2];
    int32_t status = SHARED->words[0] == GATE_SYSENTER ? OP_NULL : SYS_null;
    uint32_t ignored;
    __asm__ volatile("movl %%ss, %0" : "=r"(*selector));
    process_info(AUDIT_BREAKPOINT, (uint32_t)selector, &ignored);
    if (SHARED->words[0] == GATE_SYSENTER)
        __asm__ volatile("movl $1f, %%edx\n\tmovl %%esp, %%ecx\n\tmovw (%%esi), %%ss\n\tsysenter\n1:"
                         : "+a"(status), "+S"(selector) : : "ebx", "ecx", "edx", "edi", "ebp", "memory", "cc");
    else
        __asm__ volatile("movw (%1), %%ss\n\tint $250" : "+a"(status) : "S"(selector) : "memory", "cc");
    SHARED->words[1] = (uint32_t)status;
    __asm__ volatile("movw (%0), %%ss\n\tint3" : : "S"(&SHARED->words[2]) : "memory", "cc");
    __asm__ volatile("movw (%0), %%ss\n\tint $251" : : "S"(&SHARED->words[2]) : "memory", "cc");
    return 7;
}

/* The last of them may not be used: beyond it, where it faults. */
static status_t go_on_after_breakpoints(struct child *child, handle_t thread)
{
    uint32_t vector = child->registers[REGISTER_FAULT_VECTOR];
    if (vector != 13)
        return vector == 1 || vector == 3 ? OK : E_BAD_STATE;
    SHARED->words[3]++;
    return thread_write_register(thread, REGISTER_EIP, child->registers[REGISTER_EIP] + 2);
}

static void breakpoint_under_a_load_of_ss(const struct gate *gate)
{
    struct child child = { .on_fault = go_on_after_breakpoints };
    uint32_t ignored;
    if (!audit_ask(AUDIT_CHECKS, &ignored)) {
        test_skip("no audit kernel");
        return;
    }
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    child_start(&child, load_ss_from_breakpoint, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    process_info(AUDIT_BREAKPOINT, 0, &ignored);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->words[1], gate->sysenter ? OP_NULL : OK);
    expect_equal(SHARED->words[3], 1);
    expect(child.faults >= 2 && child.faults <= 5); /* more: the thread is single-stepped, which it has not asked for */
    expect_others_unhurt(gate);
}

/* An owner of the FPU comes in by another entry: the single step must restart that one as well. POPF stands right before
 * SYSENTER, since a step in between would take the FPU away. */
static uint32_t step_as_owner_of_the_fpu(void)
{
    uint32_t status;
    __asm__ volatile("fninit\n\t"
                     "fildl %c1\n\t"
                     "pushl %%ebp\n\t"
                     "movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "pushl %3\n\t"
                     "popfl\n\t"
                     "sysenter\n"
                     "1:\n\t"
                     "pushl %4\n\t"
                     "popfl\n\t"
                     "popl %%ebp\n\t"
                     "fistpl %c2"
                     : "=a"(status)
                     : "i"(&SHARED->words[0]), "i"(&SHARED->words[1]), "i"(ALWAYS | TF), "i"(ALWAYS), "a"(OP_NULL)
                     : "ebx", "ecx", "edx", "esi", "edi", "memory", "cc");
    return status == (uint32_t)OP_NULL ? 7 : 1;
}

static void stepping_with_fpu(void)
{
    struct child child = { .on_fault = go_on_stepping };
    if (!gate_sysenter_usable()) {
        test_skip("no SYSENTER");
        return;
    }
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = 4711;
    child_start(&child, step_as_owner_of_the_fpu, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
    expect_equal(SHARED->words[1], 4711);
    expect(child.faults > 0);
}

/* ---- segments ---- */

static uint32_t use_null_segment(void)
{
    uint32_t word;
    __asm__ volatile("movl %1, %%es\n\tmovl %%es:(%2), %0" : "=r"(word) : "r"(0), "r"(&SHARED->words[0]));
    return 7;
}

/* The fast path has the CPU find null selectors, with #GP when it uses one. QEMU's TCG does not: there they reach the
 * handler, and mean as little to it. */
static bool cpu_refuses_null_segments(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, use_null_segment, NULL);
    child_end(&child);
    return outcome == CHILD_FAULTED;
}

/* The handler's segments after a client came with this selector in the registers of the mask. */
static void expect_segments(const struct gate *gate, uint32_t eflags, uint32_t selector, uint32_t mask)
{
    struct child child;
    bool refused = cpu_refuses_null_segments();
    run_raw(gate, METHOD_SEGMENTS, eflags, selector, mask, &child);
    expect_passed();
    if (refused || !gate->sysenter || eflags)
        expect_equal(SHARED->raw.ebx, USER_SEGMENTS);
    expect(eflags & TF || child.faults == 0);
    expect_others_unhurt(gate);
}

static void null_segments(const struct gate *gate)
{
    for (uint32_t mask = 1; mask < 16 && !test_failed(); mask++)
        expect_segments(gate, 0, 0, mask);
}

/* With RPL bits the null selector is still null. */
static void odd_null_segments(const struct gate *gate)
{
    for (uint32_t selector = 1; selector < 4 && !test_failed(); selector++)
        expect_segments(gate, 0, selector, 15);
}

static void null_segments_and_flags(const struct gate *gate)
{
    expect_segments(gate, DF | NT | AC, 0, 15);
    expect_passed();
    expect_segments(gate, DF | NT | AC | TF, 0, 15);
}

/* Descriptors that a user must not load: kernel code and data, task states, an LDT that is not there, beyond the table. */
static uint32_t load_selector(void)
{
    __asm__ volatile("movl %0, %%ds" : : "r"(SHARED->words[0]));
    return 7;
}

static void forbidden_selectors(void)
{
    static const uint32_t selectors[] = { 0x08, 0x10, 0x1B, 0x28, 0x2B, 0x30, 0x48, 0x07, 0x0F, 0x50, 0xFFFF };
    for (uint32_t i = 0; i < COUNT(selectors) && !test_failed(); i++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        SHARED->words[0] = selectors[i];
        child_start(&child, load_selector, PRIORITY_TESTS);
        uint32_t outcome = child_wait(&child, 2 * SECOND);
        child_end(&child);
        expect_equal(outcome, CHILD_FAULTED);
        expect_equal(child.registers[REGISTER_FAULT_VECTOR], 13);
        expect_equal(child.registers[REGISTER_FAULT_ERROR], selectors[i] & 0xFFFC);
    }
}

/* ---- POPF and what it must not do ---- */

static uint32_t pop_flags(void)
{
    uint32_t flags = 0;
    __asm__ volatile("pushl %1\n\tpopfl\n\tpushfl\n\tpopl %0\n\tpushl $0x202\n\tpopfl"
                     : "=r"(flags) : "r"(IOPL | 2) : "cc");
    SHARED->words[0] = flags;
    return 7;
}

static void popf_keeps_privileges(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, pop_flags, NULL);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(SHARED->words[0] & (IOPL | IF), IF);
}

static const struct test_case cases[] = {
    { "TF set", .run_gate = with_trap_flag },
    { "TF set, while there is a trace", .run_gate = with_trap_flag_traced },
    { "NT set", .run_gate = with_nested_task },
    { "NT and TF set", .run_gate = with_both },
    { "AC set", .run_gate = with_alignment_check },
    { "DF set", .run_gate = with_direction },
    { "DF set and pages to clear", direction_and_new_pages, NULL },
    { "combinations of flags", .run_gate = with_combinations },
    { "a load of SS before the gate, stepping", .run_gate = stepping_over_a_load_of_ss },
    { "a load of SS from a data breakpoint", .run_gate = breakpoint_under_a_load_of_ss },
    { "stepping through every operation", .run_gate = stepping_everywhere },
    { "stepping into SYSENTER with the FPU in use", stepping_with_fpu, NULL },
    { "null DS, ES, FS and GS", .run_gate = null_segments },
    { "null selectors with RPL", .run_gate = odd_null_segments },
    { "null segments and flags together", .run_gate = null_segments_and_flags },
    { "selectors that users may not load", forbidden_selectors, NULL },
    { "POPF changes neither IOPL nor IF", popf_keeps_privileges, NULL },
};
TEST_GROUP(flags_tests, "flags");
