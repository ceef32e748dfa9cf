/* What a user program must not do: interrupt vectors, privileged instructions, the kernel's memory, W^X. */
#include "child.h"

#define GENERAL_PROTECTION 13u
#define PAGE_FAULT 14u
#define ERROR_PRESENT 1u
#define ERROR_WRITE 2u
#define ERROR_USER 4u
#define ERROR_FETCH 16u
#define VECTORS 256u
#define GATE_VECTOR 250u
#define STUB_BYTES 4u

/* ---- INT 0 to 255 ---- */

/* `int n; ret`, each in four bytes. */
__asm__(".balign 4\n"
        ".globl interrupt_stubs\n"
        "interrupt_stubs:\n"
        ".set number, 0\n"
        ".rept 256\n\t"
        ".byte 0xCD, number\n\t"
        "ret\n\t"
        "nop\n\t"
        ".set number, number + 1\n"
        ".endr\n");
extern const uint8_t interrupt_stubs[];

static uint32_t vectors_seen[VECTORS], errors_seen[VECTORS];

/* INT3 and INTO report the address behind them, all others their own. */
static status_t note_vector(struct child *child, handle_t thread)
{
    uint32_t number = (child->registers[REGISTER_EIP] - (uint32_t)interrupt_stubs) / STUB_BYTES;
    if (number >= VECTORS)
        return E_BAD_ADDRESS;
    vectors_seen[number] = child->registers[REGISTER_FAULT_VECTOR];
    errors_seen[number] = child->registers[REGISTER_FAULT_ERROR];
    return return_from_fault(child, thread);
}

static uint32_t try_interrupts(void)
{
    for (uint32_t number = 0; number < VECTORS; number++)
        if (number != GATE_VECTOR)
            ((void (*)(void))(interrupt_stubs + number * STUB_BYTES))();
    return 7;
}

static void expect_vector(uint32_t number)
{
    bool public = number == 3 || number == 4;
    if (number == GATE_VECTOR)
        return;
    expect_equal(vectors_seen[number] | number << 16, (public ? number : GENERAL_PROTECTION) | number << 16);
    expect_equal(errors_seen[number], public ? 0 : number * 8 + 2);
}

static void interrupts(void)
{
    struct child child = { .on_fault = note_vector };
    memset(vectors_seen, 0, sizeof(vectors_seen));
    uint32_t outcome = child_run(&child, try_interrupts, NULL);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    for (uint32_t number = 0; number < VECTORS && !test_failed(); number++)
        expect_vector(number);
}

/* ---- privileged instructions ---- */

#define STUB(name, text) __asm__(".globl try_" #name "\ntry_" #name ":\n\t" text "\n\tret\n"); void try_##name(void)

STUB(cli, "cli");
STUB(sti, "sti");
STUB(hlt, "hlt");
STUB(in8, "inb $0x60, %al");
STUB(out8, "outb %al, $0x80");
STUB(in_dx, "movw $0x3F8, %dx\n\tinl %dx, %eax");
STUB(out_last, "movw $0xFFFF, %dx\n\toutb %al, %dx");
STUB(out_beyond, "movw $0xFFFD, %dx\n\toutl %eax, %dx");
STUB(ins, "movw $0x60, %dx\n\tinsb");
STUB(outs, "movw $0x80, %dx\n\toutsb");
STUB(rdmsr, "movl $0x174, %ecx\n\trdmsr");
STUB(wrmsr, "movl $0x176, %ecx\n\twrmsr");
STUB(read_cr0, "movl %cr0, %eax");
STUB(write_cr0, "movl %eax, %cr0");
STUB(read_cr2, "movl %cr2, %eax");
STUB(read_cr3, "movl %cr3, %eax");
STUB(write_cr3, "movl %eax, %cr3");
STUB(read_cr4, "movl %cr4, %eax");
STUB(write_cr4, "movl %eax, %cr4");
STUB(read_dr0, "movl %dr0, %eax");
STUB(write_dr7, "movl %eax, %dr7");
STUB(clts, "clts");
STUB(lmsw, "lmsw %ax");
STUB(lgdt, "lgdt interrupt_stubs");
STUB(lidt, "lidt interrupt_stubs");
STUB(lldt, "lldt %ax");
STUB(ltr, "movl $0x28, %eax\n\tltr %ax");
STUB(invlpg, "invlpg interrupt_stubs");
STUB(invd, "invd");
STUB(wbinvd, "wbinvd");
STUB(rdpmc, "xorl %ecx, %ecx\n\trdpmc");
STUB(sysexit, "movl %esp, %ecx\n\tmovl $interrupt_stubs, %edx\n\tsysexit");
STUB(far_call, "lcall $0x08, $0xC0100000");
STUB(far_jump, "ljmp $0x08, $0xC0100000");
STUB(far_task, "ljmp $0x28, $0");
STUB(load_ss, "movl $0x10, %eax\n\tmovl %eax, %ss");
STUB(sgdt, "sgdt -64(%esp)");
STUB(sidt, "sidt -64(%esp)");
STUB(sldt, "sldt %eax");
STUB(str, "str %eax");
STUB(smsw, "smsw %eax");

#define TRY(name) { #name, try_##name, 0 }
#define TRY_IF(name, feature) { #name, try_##name, feature }

static const struct {
    const char *name;
    void (*run)(void);
    uint32_t feature; /* it is only denied where the CPU has this */
} privileged[] = {
    TRY(cli), TRY(sti), TRY(hlt), TRY(in8), TRY(out8), TRY(in_dx), TRY(out_last), TRY(out_beyond), TRY(ins), TRY(outs),
    TRY(rdmsr), TRY(wrmsr), TRY(read_cr0), TRY(write_cr0), TRY(read_cr2), TRY(read_cr3), TRY(write_cr3), TRY(read_cr4),
    TRY(write_cr4), TRY(read_dr0), TRY(write_dr7), TRY(clts), TRY(lmsw), TRY(lgdt), TRY(lidt), TRY(lldt), TRY(ltr),
    TRY(invlpg), TRY(invd), TRY(wbinvd), TRY(rdpmc), TRY(far_call), TRY(far_jump), TRY(far_task),
    TRY(load_ss), TRY_IF(sysexit, CPU_FEATURE_SEP), TRY_IF(sgdt, CPU_FEATURE_UMIP), TRY_IF(sidt, CPU_FEATURE_UMIP),
    TRY_IF(sldt, CPU_FEATURE_UMIP), TRY_IF(str, CPU_FEATURE_UMIP), TRY_IF(smsw, CPU_FEATURE_UMIP),
};

static status_t note_denial(struct child *child, handle_t thread)
{
    SHARED->words[1 + SHARED->words[0]] = child->registers[REGISTER_FAULT_VECTOR];
    return return_from_fault(child, thread);
}

static uint32_t try_privileged(void)
{
    for (uint32_t i = 0; i < COUNT(privileged); i++) {
        SHARED->words[0] = i;
        privileged[i].run();
    }
    return 7;
}

static void privileged_instructions(void)
{
    struct child child = { .on_fault = note_denial };
    uint32_t outcome = child_run(&child, try_privileged, NULL), features = info(INFO_CPU_FEATURES);
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    for (uint32_t i = 0; i < COUNT(privileged); i++)
        if ((privileged[i].feature & ~features) == 0 && SHARED->words[1 + i] != GENERAL_PROTECTION)
            test_fail_equal(__FILE__, __LINE__, privileged[i].name, SHARED->words[1 + i], GENERAL_PROTECTION);
}

/* IRET to CPL 0, built by hand. */
static uint32_t return_to_kernel(void)
{
    __asm__ volatile("pushfl\n\tpushl $0x08\n\tpushl $0xC0100000\n\tiretl");
    return 7;
}

/* QEMU's TCG pops the frame with the kernel's eyes: where there is SMAP, it sees a forbidden user page first. */
static void iret_to_kernel(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, return_to_kernel, NULL);
    bool smap = info(INFO_CPU_FEATURES) & CPU_FEATURE_SMAP;
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_FAULTED);
    if (!smap || child.registers[REGISTER_FAULT_VECTOR] != PAGE_FAULT)
        expect_equal(child.registers[REGISTER_FAULT_VECTOR], GENERAL_PROTECTION);
    expect(child.registers[REGISTER_EIP] < USER_TOP);
}

/* ---- memory ---- */

static uint32_t touch_read(void)
{
    return *(volatile uint8_t *)SHARED->words[0];
}

static uint32_t touch_write(void)
{
    *(volatile uint8_t *)SHARED->words[0] = 0xC3;
    return 7;
}

static uint32_t touch_execute(void)
{
    ((void (*)(void))SHARED->words[0])();
    return 7;
}

/* Runs `touch` on the address; expects a page fault there with these bits in its error code. */
static void expect_page_fault(uint32_t (*touch)(void), uint32_t address, uint32_t error, uint32_t mask)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = address;
    child_start(&child, touch, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, 2 * SECOND);
    child_end(&child);
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_FAULT_VECTOR], PAGE_FAULT);
    expect_equal(child.registers[REGISTER_FAULT_ADDRESS], address);
    expect_equal(child.registers[REGISTER_FAULT_ERROR] & mask, error);
}

static const uint32_t kernel_addresses[] = {
    0xBFE00000, 0xBFE00FFF, 0xBFFFF000, 0xC0000000, 0xC00B8000, 0xC0100000, 0xC0110000, 0xC0900000 /* large pages */,
    0xF8000000, 0xFEE00000, 0xFFFFFFFF,
};

static void kernel_memory(void)
{
    for (uint32_t i = 0; i < COUNT(kernel_addresses) && !test_failed(); i++) {
        expect_page_fault(touch_read, kernel_addresses[i], ERROR_USER, ERROR_USER | ERROR_WRITE);
        expect_page_fault(touch_write, kernel_addresses[i], ERROR_USER | ERROR_WRITE, ERROR_USER | ERROR_WRITE);
        expect_page_fault(touch_execute, kernel_addresses[i], ERROR_USER, ERROR_USER | ERROR_WRITE);
    }
}

static void null_page(void)
{
    expect_page_fault(touch_read, 0, ERROR_USER, ERROR_USER | ERROR_PRESENT);
    expect_page_fault(touch_write, 4, ERROR_USER | ERROR_WRITE, ERROR_USER | ERROR_WRITE | ERROR_PRESENT);
    expect_page_fault(touch_execute, 0, ERROR_USER, ERROR_USER | ERROR_PRESENT);
}

static void text_is_read_only(void)
{
    uint32_t bits = ERROR_USER | ERROR_WRITE | ERROR_PRESENT;
    expect_page_fault(touch_write, (uint32_t)touch_read, bits, bits);
    expect_page_fault(touch_write, (uint32_t)kernel_addresses, bits, bits);
}

/* A `ret` in data: where there is NX it must not run, where there is none it does. */
static uint32_t execute_data(void)
{
    static uint8_t code[] = { 0xC3 };
    SHARED->words[1] = (uint32_t)code;
    ((void (*)(void))code)();
    return 7;
}

static void data_is_not_executable(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t outcome = child_run(&child, execute_data, NULL), bits = ERROR_USER | ERROR_FETCH | ERROR_PRESENT;
    child_end(&child);
    expect_passed();
    if (!(info(INFO_CPU_FEATURES) & CPU_FEATURE_NX)) {
        expect_equal(outcome, CHILD_ENDED);
        return;
    }
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_FAULT_VECTOR], PAGE_FAULT);
    expect_equal(child.registers[REGISTER_FAULT_ERROR] & bits, bits);
    expect_equal(child.registers[REGISTER_FAULT_ADDRESS], SHARED->words[1]);
}

/* Below the stack nothing is mapped. */
static uint32_t overflow_stack(void)
{
    __asm__ volatile("1: pushl %eax\n\tjmp 1b");
    return 7;
}

static void stack_guard(void)
{
    struct child child;
    expect_fault(overflow_stack, PAGE_FAULT, &child);
    expect_passed();
    expect_equal(child.registers[REGISTER_FAULT_ADDRESS], CHILD_STACK_TOP - CHILD_STACK_BYTES - 4);
}

/* pages_allocate() promises an unmapped page on both sides; asked of the kernel, not of the CPU. */
static void allocation_guards(void)
{
    uint32_t word, address = (uint32_t)pages_allocate(3 * PAGE_SIZE), second = (uint32_t)pages_allocate(PAGE_SIZE);
    expect(address && second);
    expect_equal(process_read_word(HANDLE_NONE, address, &word), OK);
    expect_equal(process_read_word(HANDLE_NONE, address + 3 * PAGE_SIZE - 4, &word), OK);
    expect_equal(process_read_word(HANDLE_NONE, address - 4, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, address + 3 * PAGE_SIZE, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, second - 4, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, second + PAGE_SIZE, &word), E_BAD_ADDRESS);
    pages_free((void *)second, PAGE_SIZE);
    pages_free((void *)address, 3 * PAGE_SIZE);
}

/* ---- other exceptions ---- */

static uint32_t divide_by_zero(void)
{
    __asm__ volatile("xorl %%edx, %%edx\n\txorl %%ecx, %%ecx\n\tdivl %%ecx" : : "a"(1) : "ecx", "edx", "cc");
    return 7;
}

static uint32_t undefined_instruction(void)
{
    __asm__ volatile("ud2");
    return 7;
}

static uint32_t breakpoint(void)
{
    __asm__ volatile("int3");
    return 7;
}

static uint32_t bound_range(void)
{
    static const int32_t bounds[2] = { 0, 1 };
    __asm__ volatile("bound %0, %1" : : "r"(5), "m"(bounds));
    return 7;
}

static uint32_t overlong_instruction(void)
{
    __asm__ volatile(".fill 15, 1, 0x66\n\tnop");
    return 7;
}

static uint32_t sysenter_as_data(void)
{
    __asm__ volatile("sysexit" : : "c"(0), "d"(0));
    return 7;
}

static void exceptions(void)
{
    struct child child;
    expect_fault(divide_by_zero, 0, &child);
    expect_fault(undefined_instruction, 6, &child);
    expect_fault(breakpoint, 3, &child);
    expect_fault(bound_range, 5, &child);
    expect_fault(overlong_instruction, GENERAL_PROTECTION, &child);
    if (info(INFO_SYSENTER))
        expect_fault(sysenter_as_data, GENERAL_PROTECTION, &child);
}

/* A fault where nobody supervises: the thread just ends. */
static void fault_without_supervisor(void)
{
    handle_t process, thread, memory;
    uint32_t value;
    expect_equal(process_create(CHILD_QUOTA, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(memory_create(1, 0, &memory), OK);
    expect_equal(thread_create(process, 0x1000, 0x2000, 0, PRIORITY_TESTS, &thread), OK);
    expect_equal(thread_start(thread), OK);
    for (uint32_t i = 0; i < 100 && process_fact(process, PROCESS_THREADS) != 0; i++)
        sleep_microseconds(1000);
    expect_equal(process_fact(process, PROCESS_THREADS), 0);
    expect_equal(thread_read_register(thread, REGISTER_EIP, &value), E_BAD_STATE);
    expect_equal(process_destroy(process, 0), OK);
    handle_close(process);
    handle_close(thread);
    handle_close(memory);
}

/* ---- whose faults they are ---- */

static struct {
    handle_t endpoint;
    status_t badge; /* of the report */
} observed;

static void observe_fault(struct task *task)
{
    struct message message = { .word = 0 };
    (void)task;
    observed.badge = ipc_wait(observed.endpoint, &message);
    message.status = E_CANCELLED;
    message.handle = HANDLE_NONE;
    ipc_reply_wait(&message);
}

/* Who supervises through a handle that is badged cannot have faults put down to another. */
static void badge_of_a_report(void)
{
    handle_t marked, process, thread;
    struct task supervisor;
    expect_equal(endpoint_create(ENDPOINT_TAKES_HANDLES, 0, &observed.endpoint), OK);
    expect_equal(handle_duplicate(observed.endpoint, RIGHT_CALL, 5, &marked), OK);
    task_create(&supervisor, observe_fault, PRIORITY_TESTS);
    task_go(&supervisor);
    expect_equal(process_create(CHILD_QUOTA, marked, 9, 0, &process), OK);
    expect_equal(thread_create(process, 0x1000, 0x2000, 0, PRIORITY_TESTS, &thread), OK);
    expect_equal(thread_start(thread), OK);
    for (uint32_t i = 0; i < 100 && process_fact(process, PROCESS_THREADS) != 0; i++)
        sleep_microseconds(1000);
    expect_equal(observed.badge, 5);
    task_end(&supervisor);
    process_destroy(process, 0);
    handle_close(process);
    handle_close(thread);
    handle_close(marked);
    handle_close(observed.endpoint);
}

static const struct test_case cases[] = {
    { "INT 0 to 255", interrupts, NULL },
    { "privileged instructions", privileged_instructions, NULL },
    { "IRET to CPL 0", iret_to_kernel, NULL },
    { "kernel memory can be neither read, written nor executed", kernel_memory, NULL },
    { "the null page", null_page, NULL },
    { "text and constants cannot be written", text_is_read_only, NULL },
    { "data cannot be executed", data_is_not_executable, NULL },
    { "the page below a stack", stack_guard, NULL },
    { "the pages around an allocation", allocation_guards, NULL },
    { "exceptions reach the supervisor", exceptions, NULL },
    { "a fault without a supervisor", fault_without_supervisor, NULL },
    { "the badge of a fault report", badge_of_a_report, NULL },
};
TEST_GROUP(protection_tests, "protection");
