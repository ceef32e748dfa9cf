/* Fault reports: a thread's exception arrives as a request of METHOD_FAULT and ends as one block of readable lines. */
#include "service.h"

#define STACK_WORDS 2048u     /* all of a worker's stack, to see who began a recursion */
#define RETURNS_MAX 12u
#define CALLERS_MAX 16u
#define EXIT_CODE_FAULT 128u /* plus the vector */
#define VECTOR_PROTECTION 13u
#define VECTOR_PAGE 14u
#define PAGE_PRESENT 1u      /* bits of a page fault's error code */
#define PAGE_WRITE 2u
#define ERROR_IDT 2u         /* of a general protection: INT n was refused */

struct fault {
    const struct process *process;
    handle_t thread;
    uint32_t vector;
    uint32_t text_start, text_end; /* of the program */
    uint32_t registers[REGISTER_COUNT];
};

static const char *const exceptions[] = {
    "divide error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
    "invalid opcode", "device not available", "double fault", "coprocessor segment overrun", "invalid TSS",
    "segment not present", "stack fault", "general protection", "page fault", "reserved", "x87 error",
    "alignment check", "machine check", "SIMD error", "virtualization exception", "control protection",
};

static const char *exception_name(uint32_t vector)
{
    return vector < COUNT(exceptions) ? exceptions[vector] : "exception";
}

static const char *name_of(const struct process *process) { return entry_of(process)->name; }

/* ---- the process ---- */

static bool is_mapped(const struct fault *fault, uint32_t address)
{
    uint32_t word;
    return process_read_word(fault->process->handle, address & ~3u, &word) == OK;
}

static uint32_t read_byte(const struct fault *fault, uint32_t address)
{
    uint32_t word = 0;
    process_read_word(fault->process->handle, address & ~3u, &word);
    return word >> (address % 4 * 8) & 0xFF;
}

static uint32_t read_startup(const struct process *process, uint32_t offset)
{
    uint32_t word = 0;
    process_read_word(process->handle, STARTUP_ADDRESS + offset, &word);
    return word;
}

static void read_fault(struct fault *fault)
{
    for (uint32_t i = 0; i < REGISTER_COUNT; i++)
        thread_read_register(fault->thread, i, &fault->registers[i]);
    fault->text_start = read_startup(fault->process, offsetof(struct startup, text_start));
    fault->text_end = read_startup(fault->process, offsetof(struct startup, text_end));
}

static void add_process(const struct process *process)
{
    const struct process *parent = process_of_number(entry_of(process)->parent);
    report_add("  process:     %u, ", entry_of(process)->number);
    if (is_service(process))
        report_add("a service, program %s\n", process->service->program->name);
    else
        report_add("child of %s\n", parent ? name_of(parent) : "nobody");
}

/* ---- why ---- */

/* Below every stack lies a page that nobody maps. Deeper, whose stack it was cannot be told. */
static bool is_stack_overflow(const struct fault *fault)
{
    uint32_t address = fault->registers[REGISTER_FAULT_ADDRESS], distance = address - fault->registers[REGISTER_ESP];
    return (distance < PAGE_SIZE || distance >= 0u - PAGE_SIZE) && is_mapped(fault, address + PAGE_SIZE);
}

static const char *page_fault_reason(const struct fault *fault, bool jump)
{
    uint32_t address = fault->registers[REGISTER_FAULT_ADDRESS];
    if (address < PAGE_SIZE)
        return jump ? "a null pointer was called" : "a null pointer";
    if (address >= USER_TOP)
        return "outside user space";
    if (fault->registers[REGISTER_FAULT_ERROR] & PAGE_PRESENT)
        return jump ? "not executable" : "read-only";
    if (is_stack_overflow(fault))
        return "stack overflow, into the guard page below the stack";
    if (!jump && !is_mapped(fault, fault->registers[REGISTER_ESP]))
        return "nothing is mapped there or at the stack pointer: the stack is gone, or overflowed by far";
    return "nothing is mapped there";
}

static void add_reason(const struct fault *fault)
{
    uint32_t error = fault->registers[REGISTER_FAULT_ERROR], address = fault->registers[REGISTER_FAULT_ADDRESS];
    bool jump = address == fault->registers[REGISTER_EIP];
    if (fault->vector == VECTOR_PAGE)
        report_add("  why:         %s 0x%08x: %s\n", jump ? "jump to" : error & PAGE_WRITE ? "write to" : "read of", address,
                   page_fault_reason(fault, jump));
    else if (fault->vector == VECTOR_PROTECTION && error & ERROR_IDT)
        report_add("  why:         interrupt %u is not for programs\n", error >> 3);
    else if (fault->vector == VECTOR_PROTECTION)
        report_add("  why:         an instruction, a port or an address that is not for programs\n");
}

/* ---- where ---- */

/* Whether a CALL ends right before the address: E8 with four bytes behind it, or FF /2 of any length. */
static bool follows_call(const struct fault *fault, uint32_t address)
{
    if (read_byte(fault, address - 5) == 0xE8)
        return true;
    for (uint32_t length = 2; length <= 7; length++)
        if (read_byte(fault, address - length) == 0xFF && (read_byte(fault, address - length + 1) >> 3 & 7) == 2)
            return true;
    return false;
}

static bool is_code(const struct fault *fault, uint32_t address)
{
    return address - fault->text_start < fault->text_end - fault->text_start;
}

static const char *function_at(const struct fault *fault, uint32_t address, uint32_t *offset)
{
    return is_code(fault, address) ? symbol_find(address, offset) : NULL;
}

/* Whether the call before this return address goes, as far as can be seen, to the function that `inside` lies in. */
static bool leads_to(const struct fault *fault, uint32_t return_address, uint32_t inside)
{
    uint32_t offset, distance = 0;
    if (read_byte(fault, return_address - 5) != 0xE8 || !function_at(fault, inside, &offset))
        return true;
    for (uint32_t i = 0; i < 4; i++)
        distance |= read_byte(fault, return_address - 4 + i) << (i * 8);
    return return_address + distance == inside - offset;
}

/* `back` is 1 for return addresses: a function that ends with a call returns to the one behind it. */
static void add_place(const struct fault *fault, const char *label, uint32_t address, uint32_t back, const char *doubt)
{
    uint32_t offset;
    const char *name = function_at(fault, address - back, &offset);
    if (name)
        report_add("  %-12s 0x%08x %s+0x%x%s\n", label, address, name, offset + back, doubt);
    else
        report_add("  %-12s 0x%08x%s%s\n", label, address,
                   is_code(fault, address - back) ? "" : ", where the program has no code", doubt);
}

/* A stack that has overflowed begins above its guard page. */
static uint32_t stack_start(const struct fault *fault)
{
    uint32_t stack = fault->registers[REGISTER_ESP] & ~3u;
    return is_mapped(fault, stack) ? stack : (stack | (PAGE_SIZE - 1)) + 1;
}

/* There are no frame pointers to follow; whatever on the stack looks like a return address is shown, a function that calls itself
 * once. One whose call goes elsewhere is an old value, or there was a tail call in between. */
static void add_stack(const struct fault *fault)
{
    uint32_t stack = stack_start(fault), inside = fault->registers[REGISTER_EIP], last = 0, word, found = 0;
    for (uint32_t i = 0; i < STACK_WORDS && found < RETURNS_MAX; i++) {
        if (process_read_word(fault->process->handle, stack + i * 4, &word) != OK)
            return;
        if (word == last || !is_code(fault, word) || !follows_call(fault, word))
            continue;
        bool certain = leads_to(fault, word, inside);
        add_place(fault, found++ ? "" : "called from:", word, 1, certain ? "" : " ?");
        inside = certain ? word - 1 : inside;
        last = word;
    }
}

static void add_registers(const struct fault *fault)
{
    static const char *const names[] = { "eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip", "eflags" };
    for (uint32_t i = 0; i < COUNT(names); i++)
        report_add("  %-6s 0x%08x%s", names[i], fault->registers[i], i % 5 == 4 ? "\n" : "");
}

/* ---- for whom ---- */

/* Of a caller that somebody else supervises nothing is known but that it waits. */
static const char *caller_name(uint32_t number)
{
    const struct process *process = process_of_number(number);
    return process ? name_of(process) : "?";
}

/* Whoever began comes first, as in the program's own words: it called this, which called that. */
static void add_callers(handle_t thread)
{
    uint32_t numbers[CALLERS_MAX], count = 0;
    status_t status = OK;
    while (count < CALLERS_MAX && status != E_NO_CALLER) {
        numbers[count] = 0;
        status = thread_caller(thread, self_endpoint, count, &numbers[count]);
        if (status != OK && status != E_NO_RIGHT)
            break;
        count++;
    }
    report_add("  was serving: %s", count == CALLERS_MAX ? "... -> " : count ? "" : "nobody\n");
    while (count-- > 0)
        report_add("%s%s", caller_name(numbers[count]), count ? " -> " : "\n");
}

/* ---- all of it ---- */

static void report(const struct fault *fault)
{
    report_add("fault: %s: %s (vector %u, error 0x%x, address 0x%08x)\n", name_of(fault->process),
               exception_name(fault->vector), fault->vector, fault->registers[REGISTER_FAULT_ERROR],
               fault->registers[REGISTER_FAULT_ADDRESS]);
    add_process(fault->process);
    add_reason(fault);
    add_place(fault, "where:", fault->registers[REGISTER_EIP], 0, "");
    add_stack(fault);
    add_callers(fault->thread);
    add_registers(fault);
}

static bool ends_thread_only(const struct process *process)
{
    return is_service(process) && process->service->faults_end_thread;
}

void tell_end(const struct process *process, uint32_t code)
{
    if (code - EXIT_CODE_FAULT < COUNT(exceptions))
        tell("%s ended with code %u (128 + vector %u: %s)\n", name_of(process), code, code - EXIT_CODE_FAULT,
             exception_name(code - EXIT_CODE_FAULT));
    else if ((status_t)code < 0)
        tell("%s ended with code %d (%s)\n", name_of(process), code, status_text((status_t)code));
    else
        tell("%s ended with code %u\n", name_of(process), code);
}

/* What the end of a service leads to is told where it is decided (supervise.c). */
static void end_process(struct process *process, uint32_t vector)
{
    const struct process *parent = process_of_number(entry_of(process)->parent);
    process_destroy(process->handle, EXIT_CODE_FAULT + vector);
    if (!is_service(process)) {
        tell_end(process, EXIT_CODE_FAULT + vector);
        report_add(REPORT_NEXT "%s, which started it, goes on\n", parent ? name_of(parent) : "nobody");
    }
    process_collect(process);
}

/* A child that nobody has made known yet has no handle, and loses but its thread. */
static void serve_fault(const request_t *rq)
{
    struct fault fault = { .process = process_of_number(rq->badge), .thread = rq->handle, .vector = rq->word };
    if (!fault.process || fault.process->handle == HANDLE_NONE)
        return;
    read_fault(&fault);
    report_begin();
    report(&fault);
    if (ends_thread_only(fault.process))
        report_add(REPORT_NEXT "this thread alone has ended; %s goes on\n", name_of(fault.process));
    else
        end_process(process_of_number(rq->badge), fault.vector);
    report_print();
}

/* The kernel's method number lies outside every table. */
reply_t server_unknown_method(const request_t *rq)
{
    bool is_fault = rq->method == METHOD_FAULT;
    if (is_fault && begin_request()) {
        serve_fault(rq);
        lock_release(&state_lock);
    }
    if (rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_error(is_fault ? E_PEER_DIED : E_NO_METHOD);
}
