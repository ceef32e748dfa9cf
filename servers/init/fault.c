/* Fault reports: a thread's exception arrives as a request of METHOD_FAULT and ends as a few readable lines. */
#include "service.h"

#define STACK_WORDS 64u
#define EXIT_CODE_FAULT 128u /* plus the vector */

static const char *const exceptions[] = {
    "divide error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
    "invalid opcode", "device not available", "double fault", "coprocessor segment overrun", "invalid TSS",
    "segment not present", "stack fault", "general protection", "page fault", "reserved", "x87 error",
    "alignment check", "machine check", "SIMD error", "virtualization exception", "control protection",
};

static uint32_t read_register(handle_t thread, uint32_t which)
{
    uint32_t value = 0;
    thread_read_register(thread, which, &value);
    return value;
}

static void print_registers(handle_t thread)
{
    static const char *const names[] = { "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip", "eflags" };
    for (uint32_t i = 0; i < COUNT(names); i++)
        print("  %-6s 0x%08x%s", names[i], read_register(thread, i), i % 5 == 4 ? "\n" : "");
}

static uint32_t read_byte(handle_t process, uint32_t address)
{
    uint32_t word = 0;
    process_read_word(process, address & ~3u, &word);
    return word >> (address % 4 * 8) & 0xFF;
}

/* Whether a CALL ends right before the address: E8 with four bytes behind it, or FF /2 of any length. */
static bool follows_call(handle_t process, uint32_t address)
{
    if (read_byte(process, address - 5) == 0xE8)
        return true;
    for (uint32_t length = 2; length <= 7; length++)
        if (read_byte(process, address - length) == 0xFF && (read_byte(process, address - length + 1) >> 3 & 7) == 2)
            return true;
    return false;
}

static uint32_t read_startup(handle_t process, uint32_t offset)
{
    uint32_t word = 0;
    process_read_word(process, STARTUP_ADDRESS + offset, &word);
    return word;
}

/* There are no frame pointers to follow; whatever on the stack looks like a return address is shown. */
static void print_stack(handle_t process, uint32_t stack)
{
    uint32_t start = read_startup(process, offsetof(struct startup, text_start));
    uint32_t end = read_startup(process, offsetof(struct startup, text_end));
    for (uint32_t i = 0; i < STACK_WORDS; i++) {
        uint32_t word;
        if (process_read_word(process, (stack & ~3u) + i * 4, &word) != OK)
            return;
        if (word >= start && word < end && follows_call(process, word))
            print("  0x%08x\n", word);
    }
}

static void report(const struct process *process, uint32_t vector, handle_t thread)
{
    print("fault: %s: %s (vector %u, error 0x%x, address 0x%08x)\n", entry_of(process)->name,
          vector < COUNT(exceptions) ? exceptions[vector] : "exception", vector,
          read_register(thread, REGISTER_FAULT_ERROR), read_register(thread, REGISTER_FAULT_ADDRESS));
    print_registers(thread);
    print("  0x%08x\n", read_register(thread, REGISTER_EIP));
    print_stack(process->handle, read_register(thread, REGISTER_ESP));
}

static bool ends_thread_only(const struct process *process)
{
    return is_service(process) && process->service->faults_end_thread;
}

/* A child that nobody has made known yet has no handle, and loses but its thread. */
static void fault(const request_t *rq)
{
    const struct process *process = process_of_number(rq->badge);
    if (!process || process->handle == HANDLE_NONE)
        return;
    report(process, rq->word, rq->handle);
    if (!ends_thread_only(process))
        process_destroy(process->handle, EXIT_CODE_FAULT + rq->word);
}

/* The kernel's method number lies outside every table. */
reply_t server_unknown_method(const request_t *rq)
{
    bool is_fault = rq->method == METHOD_FAULT;
    if (is_fault) {
        lock_acquire(&state_lock);
        fault(rq);
        lock_release(&state_lock);
    }
    if (rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_error(is_fault ? E_PEER_DIED : E_NO_METHOD);
}
