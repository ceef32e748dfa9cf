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

static uint32_t read_byte(const struct service *service, uint32_t address)
{
    uint32_t word = 0;
    process_read_word(service->process, address & ~3u, &word);
    return word >> (address % 4 * 8) & 0xFF;
}

/* Whether a CALL ends right before the address: E8 with four bytes behind it, or FF /2 of any length. */
static bool follows_call(const struct service *service, uint32_t address)
{
    if (read_byte(service, address - 5) == 0xE8)
        return true;
    for (uint32_t length = 2; length <= 7; length++)
        if (read_byte(service, address - length) == 0xFF && (read_byte(service, address - length + 1) >> 3 & 7) == 2)
            return true;
    return false;
}

/* There are no frame pointers to follow; whatever on the stack looks like a return address is shown. */
static void print_stack(const struct service *service, uint32_t stack)
{
    for (uint32_t i = 0; i < STACK_WORDS; i++) {
        uint32_t word;
        if (process_read_word(service->process, (stack & ~3u) + i * 4, &word) != OK)
            return;
        if (word >= service->text_start && word < service->text_end && follows_call(service, word))
            print("  0x%08x\n", word);
    }
}

static void report(const struct service *service, uint32_t vector, handle_t thread)
{
    print("fault: %s: %s (vector %u, error 0x%x, address 0x%08x)\n", service->name,
          vector < COUNT(exceptions) ? exceptions[vector] : "exception", vector,
          read_register(thread, REGISTER_FAULT_ERROR), read_register(thread, REGISTER_FAULT_ADDRESS));
    print_registers(thread);
    print("  0x%08x\n", read_register(thread, REGISTER_EIP));
    print_stack(service, read_register(thread, REGISTER_ESP));
}

static reply_t fault(const request_t *rq)
{
    struct service *service = service_of_badge(rq->badge);
    if (service) {
        report(service, rq->word, rq->handle);
        if (!service->faults_end_thread)
            process_destroy(service->process, EXIT_CODE_FAULT + rq->word);
    }
    handle_close(rq->handle);
    return reply_error(E_PEER_DIED);
}

/* The kernel's method number lies outside every table. */
reply_t server_unknown_method(const request_t *rq)
{
    return rq->method == METHOD_FAULT ? fault(rq) : reply_error(E_NO_METHOD);
}
