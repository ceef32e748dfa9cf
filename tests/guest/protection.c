/* What a user may not do: interrupt vectors, privileged instructions, ports, memory of the kernel, W^X. */
#include "child.h"
#include "tap.h"

#define GENERAL_PROTECTION 13
#define PAGE_FAULT 14
#define PAGE_PRESENT 1u
#define PAGE_WRITE 2u
#define PAGE_USER 4u
#define PAGE_FETCH 16u

/* The child executes an instruction from a page of its own: INT n needs n as an immediate. */
static uint8_t code[64] __attribute__((aligned(64)));
#define CODE_ADDRESS 0x50000000u

static uint32_t run_code(uint32_t unused)
{
    (void)unused;
    ((void (*)(void))CODE_ADDRESS)();
    return 0;
}

static struct fault run_bytes(const uint8_t *bytes, uint32_t count)
{
    struct child child;
    struct fault fault = { .vector = 0xFFFF };
    handle_t memory = HANDLE_NONE, thread = HANDLE_NONE;
    uint32_t here = address_reserve(1);
    if (!CHECK(child_create(&child) == OK))
        return fault;
    CHECK_EQUAL(memory_create(1, 0, &memory), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, here, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
    memcpy((void *)here, bytes, count);
    memset((void *)(here + count), 0xC3, 1); /* RET */
    CHECK_EQUAL(process_unmap(HANDLE_NONE, here, 1), OK);
    CHECK_EQUAL(process_map(child.process, memory, CODE_ADDRESS, PROTECT_READ | PROTECT_EXECUTE, 0, 1), OK);
    handle_close(memory);
    CHECK_EQUAL(child_start(&child, run_code, 0, &thread), OK);
    fault = child_wait(&child);
    handle_close(thread);
    handle_close(fault.thread);
    child_destroy(&child);
    return fault;
}

static void every_vector(void)
{
    for (uint32_t vector = 0; vector < 256; vector++) {
        if (vector == 3 || vector == 4 || vector == 250)
            continue;
        const uint8_t bytes[] = { 0xCD, (uint8_t)vector };
        struct fault fault = run_bytes(bytes, sizeof(bytes));
        if (!CHECK_EQUAL(fault.vector, GENERAL_PROTECTION) || !CHECK_EQUAL(fault.error, vector * 8 + 2))
            return;
    }
}

static void public_vectors(void)
{
    static const uint8_t int3[] = { 0xCC }, int_3[] = { 0xCD, 3 }, int_4[] = { 0xCD, 4 };
    CHECK_EQUAL(run_bytes(int3, sizeof(int3)).vector, 3);
    CHECK_EQUAL(run_bytes(int_3, sizeof(int_3)).vector, 3);
    CHECK_EQUAL(run_bytes(int_4, sizeof(int_4)).vector, 4);
}

struct instruction {
    const char *name;
    uint8_t length, bytes[7];
};

static void privileged_instructions(void)
{
    static const struct instruction instructions[] = {
        { "cli", 1, { 0xFA } },
        { "sti", 1, { 0xFB } },
        { "hlt", 1, { 0xF4 } },
        { "in al, 0x60", 2, { 0xE4, 0x60 } },
        { "out 0x60, al", 2, { 0xE6, 0x60 } },
        { "insb", 1, { 0x6C } },
        { "in eax, dx at 0xFFFF", 5, { 0x66, 0xBA, 0xFF, 0xFF, 0xED } },
        { "rdmsr", 2, { 0x0F, 0x32 } },
        { "wrmsr", 2, { 0x0F, 0x30 } },
        { "mov eax, cr0", 3, { 0x0F, 0x20, 0xC0 } },
        { "mov cr0, eax", 3, { 0x0F, 0x22, 0xC0 } },
        { "mov cr3, eax", 3, { 0x0F, 0x22, 0xD8 } },
        { "mov cr4, eax", 3, { 0x0F, 0x22, 0xE0 } },
        { "mov eax, dr7", 3, { 0x0F, 0x21, 0xF8 } },
        { "mov dr7, eax", 3, { 0x0F, 0x23, 0xF8 } },
        { "clts", 2, { 0x0F, 0x06 } },
        { "ltr ax", 3, { 0x0F, 0x00, 0xD8 } },
        { "lldt ax", 3, { 0x0F, 0x00, 0xD0 } },
        { "lgdt [esp]", 4, { 0x0F, 0x01, 0x14, 0x24 } },
        { "lidt [esp]", 4, { 0x0F, 0x01, 0x1C, 0x24 } },
        { "lmsw ax", 3, { 0x0F, 0x01, 0xF0 } },
        { "invlpg [esp]", 4, { 0x0F, 0x01, 0x3C, 0x24 } },
        { "invd", 2, { 0x0F, 0x08 } },
        { "wbinvd", 2, { 0x0F, 0x09 } },
        { "sysexit", 2, { 0x0F, 0x35 } },
        { "jmp far to kernel code", 7, { 0xEA, 0x00, 0x00, 0x10, 0xC0, 0x08, 0x00 } },
    };
    for (uint32_t i = 0; i < COUNT(instructions); i++)
        if (!CHECK_EQUAL(run_bytes(instructions[i].bytes, instructions[i].length).vector, GENERAL_PROTECTION))
            print("# %s\n", instructions[i].name);
}

static void umip(void)
{
    static const uint8_t sgdt[] = { 0x0F, 0x01, 0x44, 0x24, 0xF8 }; /* sgdt [esp - 8] */
    if (!(info(INFO_CPU_FEATURES) & CPU_FEATURE_UMIP))
        skip("no UMIP");
    else
        CHECK_EQUAL(run_bytes(sgdt, sizeof(sgdt)).vector, GENERAL_PROTECTION);
}

/* ---- memory ---- */

static uint32_t read_word(uint32_t address) { return *(volatile uint32_t *)address; }

static uint32_t write_word(uint32_t address)
{
    *(volatile uint32_t *)address = 1;
    return 0;
}

static uint32_t execute(uint32_t address)
{
    ((void (*)(void))address)();
    return 0;
}

static uint32_t execute_stack(uint32_t unused)
{
    volatile uint8_t ret = 0xC3;
    (void)unused;
    return execute((uint32_t)&ret);
}

static void check_page_fault(struct fault fault, uint32_t address, uint32_t error)
{
    CHECK_EQUAL(fault.vector, PAGE_FAULT);
    CHECK_EQUAL(fault.address, address);
    CHECK_EQUAL(fault.error & ~PAGE_PRESENT, error);
}

static void kernel_memory(void)
{
    static const uint32_t addresses[] = { 0xC0000000, 0xC0100000, 0xC0200000, 0xFFFFFFFC, 0xFFC01000, 0xBFE00F98, 0xBFE01000 };
    for (uint32_t i = 0; i < COUNT(addresses); i++) {
        check_page_fault(child_run(read_word, addresses[i]), addresses[i], PAGE_USER);
        check_page_fault(child_run(write_word, addresses[i]), addresses[i], PAGE_USER | PAGE_WRITE);
        CHECK_EQUAL(child_run(execute, addresses[i]).vector, PAGE_FAULT);
    }
}

static void null_pointer(void)
{
    check_page_fault(child_run(read_word, 0), 0, PAGE_USER);
    check_page_fault(child_run(write_word, 0xFFC), 0xFFC, PAGE_USER | PAGE_WRITE);
}

static void text_is_read_only(void)
{
    extern const char program_start[], etext[];
    check_page_fault(child_run(write_word, (uint32_t)program_start), (uint32_t)program_start, PAGE_USER | PAGE_WRITE);
    check_page_fault(child_run(write_word, (uint32_t)etext), (uint32_t)etext, PAGE_USER | PAGE_WRITE);
}

static void data_is_not_code(void)
{
    if (!(info(INFO_CPU_FEATURES) & CPU_FEATURE_NX)) {
        skip("no NX");
        return;
    }
    check_page_fault(child_run(execute, (uint32_t)code), (uint32_t)code, PAGE_USER | PAGE_FETCH);
    CHECK_EQUAL(child_run(execute_stack, 0).vector, PAGE_FAULT);
}

static void never_writable_and_executable(void)
{
    handle_t memory = HANDLE_NONE;
    uint32_t here = address_reserve(1);
    CHECK_EQUAL(memory_create(1, 0, &memory), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, here, PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE, 0, 1), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, here, PROTECT_READ, 0, 1), OK);
    CHECK_EQUAL(process_protect(HANDLE_NONE, here, PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE, 1), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, here, 1), OK);
    handle_close(memory);
}

static uint32_t recurse(uint32_t depth)
{
    volatile uint32_t frame[64];
    frame[0] = depth;
    return recurse(depth + 1) + frame[0];
}

static void stack_guard(void)
{
    struct fault fault = child_run(recurse, 0);
    CHECK_EQUAL(fault.vector, PAGE_FAULT);
    CHECK(fault.address >= 0x60000000 - PAGE_SIZE && fault.address < 0x60000000);
}

static uint32_t divide_by_zero(uint32_t zero)
{
    __asm__ volatile("xorl %%edx, %%edx\n\tdivl %0" : "+r"(zero) : : "eax", "edx", "cc");
    return 0;
}

static uint32_t undefined(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("ud2");
    return 0;
}

static void exceptions_are_reported(void)
{
    struct fault fault = child_run(divide_by_zero, 0);
    CHECK_EQUAL(fault.vector, 0);
    CHECK(fault.eip >= (uint32_t)divide_by_zero && fault.eip < (uint32_t)divide_by_zero + 32);
    CHECK_EQUAL(child_run(undefined, 0).vector, 6);
}

const struct test protection_tests[] = {
    { "protection: INT n is #GP but for 3, 4 and 250", every_vector },
    { "protection: INT 3 and INT 4", public_vectors },
    { "protection: privileged instructions", privileged_instructions },
    { "protection: UMIP", umip },
    { "protection: kernel memory", kernel_memory },
    { "protection: null pointers", null_pointer },
    { "protection: text and constants are read-only", text_is_read_only },
    { "protection: data and stack are not code", data_is_not_code },
    { "protection: no page is writable and executable", never_writable_and_executable },
    { "protection: stack guard", stack_guard },
    { "protection: exceptions are reported", exceptions_are_reported },
    { NULL, NULL },
};
