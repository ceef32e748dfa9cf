/* The traps of SYSENTER on IA-32, and the same inputs through INT 250. Every hostile thread runs in a process of its own. */
#include "child.h"
#include "tap.h"

#define FLAG_TF 0x100u
#define FLAG_DF 0x400u
#define FLAG_NT 0x4000u
#define FLAG_AC 0x40000u
#define WORD 0x5A5A1234u
#define USER_DATA 0x23u

static handle_t echo_endpoint(void)
{
    static handle_t endpoint;
    if (endpoint == HANDLE_NONE)
        CHECK_EQUAL(service_find("echo", &endpoint), OK);
    return endpoint;
}

/* The service must answer as ever, whatever a child did. */
static void check_service(void)
{
    uint32_t answer = 0;
    CHECK_EQUAL(service_call(echo_endpoint(), 0, WORD, &answer), OK);
    CHECK_EQUAL(answer, WORD);
}

static bool without_sysenter(void)
{
    if (!gate_sysenter_usable())
        skip("this CPU has no SYSENTER");
    return !gate_sysenter_usable();
}

/* ---- flags ---- */

static uint32_t test_flags; /* the child has its own copy, as it was when the child was made */

/* Sets the flags and calls at once; returns what EFLAGS look like after it, or 0 if the call failed. */
static __attribute__((noinline)) uint32_t call_with_flags_by_sysenter(uint32_t endpoint)
{
    uint32_t eax = endpoint, ebx = WORD, flags;
    __asm__ volatile("pushfl\n\t"
                     "popl %%edx\n\t"
                     "orl %%edi, %%edx\n\t"
                     "movl $1f, %%ecx\n\t"
                     "xchgl %%ecx, %%edx\n\t"
                     "pushl %%ecx\n\t"
                     "leal 4(%%esp), %%ecx\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "popfl\n\t"
                     "sysenter\n"
                     "1:\tpushfl\n\t"
                     "popl %%edx\n\t"
                     "pushl $0x202\n\t"
                     "popfl\n\t"
                     "cld"
                     : "+a"(eax), "+b"(ebx), "=d"(flags), "+D"(test_flags)
                     :
                     : "ecx", "esi", "ebp", "memory", "cc");
    return eax == OK && ebx == WORD ? flags : 0;
}

static __attribute__((noinline)) uint32_t call_with_flags_by_int(uint32_t endpoint)
{
    uint32_t eax = SYS_call, ebx = WORD, flags, extra = test_flags;
    __asm__ volatile("pushfl\n\t"
                     "orl %%esi, (%%esp)\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "popfl\n\t"
                     "int $250\n\t"
                     "pushfl\n\t"
                     "popl %%edx\n\t"
                     "pushl $0x202\n\t"
                     "popfl\n\t"
                     "cld"
                     : "+a"(eax), "+b"(ebx), "=&d"(flags), "+S"(extra)
                     : "c"(endpoint), "2"(TIMEOUT_NEVER)
                     : "edi", "memory", "cc");
    return eax == OK && ebx == WORD ? flags : 0;
}

static void flags_reach_nobody(uint32_t flags, uint32_t (*function)(uint32_t), bool kept)
{
    test_flags = flags;
    struct fault end = child_run_with(function, echo_endpoint());
    CHECK_EQUAL(end.vector, VECTOR_DONE);
    CHECK(end.eax != 0);
    CHECK_EQUAL(end.eax & flags, kept ? flags : 0);
    check_service();
}

static void flags_by_sysenter(void)
{
    static const uint32_t flags[] = { FLAG_DF, FLAG_NT, FLAG_AC, FLAG_NT | FLAG_DF | FLAG_AC };
    if (without_sysenter())
        return;
    for (uint32_t i = 0; i < COUNT(flags); i++)
        flags_reach_nobody(flags[i], call_with_flags_by_sysenter, false);
}

/* INT 250 keeps the thread's own flags. */
static void flags_by_int(void)
{
    static const uint32_t flags[] = { FLAG_DF, FLAG_NT, FLAG_AC, FLAG_NT | FLAG_DF | FLAG_AC };
    for (uint32_t i = 0; i < COUNT(flags); i++)
        flags_reach_nobody(flags[i], call_with_flags_by_int, true);
}

/* Runs a child that sets TF, lets it step until it ends, and counts the steps. */
static void single_step(uint32_t (*function)(uint32_t), uint32_t flags)
{
    struct child child;
    handle_t there = HANDLE_NONE, thread = HANDLE_NONE;
    uint32_t steps = 0;
    test_flags = flags;
    if (!CHECK(child_create(&child) == OK))
        return;
    CHECK_EQUAL(process_give(child.process, echo_endpoint(), RIGHTS_ALL, &there), OK);
    CHECK_EQUAL(child_start(&child, function, there, &thread), OK);
    struct fault fault = child_wait(&child);
    while (fault.vector == 1 && steps++ < 100) {
        handle_close(fault.thread);
        fault = child_continue(&child);
    }
    CHECK_EQUAL(fault.vector, VECTOR_DONE);
    CHECK(fault.eax != 0);           /* the call worked */
    CHECK(fault.eax & FLAG_TF);      /* stepping went on after it */
    CHECK(steps >= 3 && steps < 30); /* and in user mode only: the kernel's own instructions are not stepped */
    handle_close(fault.thread);
    handle_close(thread);
    child_destroy(&child);
    check_service();
}

static void single_step_by_sysenter(void)
{
    if (without_sysenter())
        return;
    single_step(call_with_flags_by_sysenter, FLAG_TF);
    single_step(call_with_flags_by_sysenter, FLAG_TF | FLAG_NT);
}

static void single_step_by_int(void)
{
    single_step(call_with_flags_by_int, FLAG_TF);
    single_step(call_with_flags_by_int, FLAG_TF | FLAG_NT);
}

/* ---- segments ---- */

/* Loads a selector into DS, ES, FS and GS and calls without touching memory through them in between. */
static __attribute__((noinline)) uint32_t call_with_segments_by_sysenter(uint32_t endpoint)
{
    uint32_t eax = endpoint, ebx = WORD;
    __asm__ volatile("movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "movl %%edi, %%ds\n\t"
                     "movl %%edi, %%es\n\t"
                     "movl %%edi, %%fs\n\t"
                     "movl %%edi, %%gs\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "sysenter\n"
                     "1:\tmovl $0x23, %%edi\n\t"
                     "movl %%edi, %%ds\n\t"
                     "movl %%edi, %%es"
                     : "+a"(eax), "+b"(ebx), "+D"(test_flags)
                     :
                     : "ecx", "edx", "esi", "ebp", "memory", "cc");
    return eax == OK && ebx == WORD;
}

static __attribute__((noinline)) uint32_t call_with_segments_by_int(uint32_t endpoint)
{
    uint32_t eax = SYS_call, ebx = WORD, selector = test_flags;
    __asm__ volatile("movl %%edi, %%ds\n\t"
                     "movl %%edi, %%es\n\t"
                     "movl %%edi, %%fs\n\t"
                     "movl %%edi, %%gs\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "int $250\n\t"
                     "movl $0x23, %%edi\n\t"
                     "movl %%edi, %%ds\n\t"
                     "movl %%edi, %%es"
                     : "+a"(eax), "+b"(ebx), "+D"(selector)
                     : "c"(endpoint), "d"(TIMEOUT_NEVER)
                     : "esi", "memory", "cc");
    return eax == OK && ebx == WORD;
}

static void segments(uint32_t (*function)(uint32_t))
{
    static const uint32_t selectors[] = { 0, 1, 2, 3, 0x20, 0x21, 0x22, USER_DATA };
    for (uint32_t i = 0; i < COUNT(selectors); i++) {
        test_flags = selectors[i];
        struct fault end = child_run_with(function, echo_endpoint());
        CHECK_EQUAL(end.vector, VECTOR_DONE);
        CHECK_EQUAL(end.eax, true);
        check_service();
    }
}

static void segments_by_sysenter(void)
{
    if (!without_sysenter())
        segments(call_with_segments_by_sysenter);
}

static void segments_by_int(void) { segments(call_with_segments_by_int); }

static uint32_t load_selector(uint32_t selector)
{
    __asm__ volatile("movl %0, %%ds\n\tmovl $0x23, %0\n\tmovl %0, %%ds" : "+r"(selector));
    return 0;
}

/* Kernel segments, the task, an LDT that is not there; and user code, which is execute-only. */
static void selectors_that_fault(void)
{
    static const uint32_t selectors[] = { 0x08, 0x0B, 0x10, 0x13, 0x18, 0x1B, 0x28, 0x04, 0x0F, 0x27, 0x100, 0xFFFF };
    for (uint32_t i = 0; i < COUNT(selectors); i++) {
        struct fault end = child_run(load_selector, selectors[i]);
        CHECK_EQUAL(end.vector, 13);
        CHECK_EQUAL(end.error, selectors[i] & 0xFFFC);
    }
}

/* ---- where SYSEXIT is told to go ---- */

struct return_address {
    uint32_t eip, esp;
};
static struct return_address return_to;

static __attribute__((noinline)) uint32_t call_and_return_to(uint32_t endpoint)
{
    uint32_t eax = endpoint;
    __asm__ volatile("sysenter" : "+a"(eax) : "b"(WORD), "S"(0), "c"(return_to.esp), "d"(return_to.eip) : "memory");
    __builtin_unreachable();
}

static __attribute__((noinline)) uint32_t null_and_return_to(uint32_t unused)
{
    (void)unused;
    __asm__ volatile("sysenter" : : "a"(OP_NULL), "c"(return_to.esp), "d"(return_to.eip) : "memory");
    __builtin_unreachable();
}

/* Touches the stack and ends. */
__asm__("push_and_end:\n\tpushl $0\n\tint3");
extern const char push_and_end[];

static void check_return(uint32_t (*function)(uint32_t), uint32_t eip, uint32_t esp, uint32_t address)
{
    return_to = (struct return_address){ eip, esp };
    struct fault fault = child_run_with(function, echo_endpoint());
    CHECK_EQUAL(fault.vector, 14);
    CHECK(fault.error & 4); /* in user mode */
    CHECK_EQUAL(fault.address, address);
    check_service();
}

static void return_addresses(void)
{
    static const uint32_t bad[] = { 0, 0xC0100000, 0xFFFFFFFF, 0xBFE00000, 0xFFFFF000, 0x00000FFF };
    if (without_sysenter())
        return;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        check_return(call_and_return_to, bad[i], 0x60001000, bad[i]);
        check_return(null_and_return_to, bad[i], 0x60001000, bad[i]);
    }
}

static void return_stacks(void)
{
    static const uint32_t bad[] = { 0, 4, 0xC0200004, 0xFFFFFFFC, 0xBFE01000 };
    if (without_sysenter())
        return;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        check_return(call_and_return_to, (uint32_t)push_and_end, bad[i], bad[i] - 4);
        check_return(null_and_return_to, (uint32_t)push_and_end, bad[i], bad[i] - 4);
    }
}

/* ---- registers ---- */

struct registers {
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp;
};
static struct registers seen;

static __attribute__((noinline)) void call_and_see(handle_t endpoint)
{
    static uint32_t saved_ebp;
    uint32_t eax = endpoint, ebx = WORD, esi = 0;
    __asm__ volatile("movl %%ebp, %[saved]\n\t"
                     "movl $0xDEADBEEF, %%edi\n\t"
                     "movl $0xDEADBEEF, %%ebp\n\t"
                     "movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "sysenter\n"
                     "1:\tmovl %%ebp, %[ebp]\n\t"
                     "movl %%edi, %[edi]\n\t"
                     "movl %%ecx, %[ecx]\n\t"
                     "movl %%edx, %[edx]\n\t"
                     "movl %[saved], %%ebp"
                     : "+a"(eax), "+b"(ebx), "+S"(esi), [saved] "=m"(saved_ebp), [ebp] "=m"(seen.ebp), [edi] "=m"(seen.edi),
                       [ecx] "=m"(seen.ecx), [edx] "=m"(seen.edx)
                     :
                     : "ecx", "edx", "edi", "memory", "cc");
    seen.eax = eax;
    seen.ebx = ebx;
    seen.esi = esi;
}

static void check_seen(void)
{
    CHECK_EQUAL(seen.eax, OK);
    CHECK_EQUAL(seen.ebx, WORD);
    CHECK_EQUAL(seen.esi, OK);
    CHECK_EQUAL(seen.edi, 0);
    CHECK_EQUAL(seen.ebp, 0);
    CHECK(seen.ecx < USER_TOP && seen.edx < USER_TOP);
}

static void caller_sees_only_the_table(void)
{
    handle_t by_int = HANDLE_NONE;
    if (without_sysenter())
        return;
    call_and_see(echo_endpoint());
    check_seen();
    CHECK_EQUAL(service_find("echo-int", &by_int), OK); /* the C path */
    call_and_see(by_int);
    check_seen();
    handle_close(by_int);
}

/* A worker of our own that looks at every register it receives. */
struct registers worker_saw;
static handle_t worker_endpoint;
extern const char naked_worker[];
__asm__(".globl naked_worker\n"
        "naked_worker:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $3, %eax\n\t" /* SYS_wait */
        "int $250\n"
        "1:\tmovl %eax, worker_saw\n\t"
        "movl %ebx, worker_saw + 4\n\t"
        "movl %ecx, worker_saw + 8\n\t"
        "movl %edx, worker_saw + 12\n\t"
        "movl %esi, worker_saw + 16\n\t"
        "movl %edi, worker_saw + 20\n\t"
        "movl %ebp, worker_saw + 24\n\t"
        "movl $-1, %eax\n\t" /* OP_REPLY_WAIT */
        "xorl %esi, %esi\n\t"
        "movl %esp, %ecx\n\t"
        "movl $1b, %edx\n\t"
        "sysenter");

static void worker_sees_only_the_table(void)
{
    handle_t thread = HANDLE_NONE, badged = HANDLE_NONE;
    if (without_sysenter())
        return;
    char *stack = pages_allocate(PAGE_SIZE);
    CHECK_EQUAL(endpoint_create(0, 0, &worker_endpoint), OK);
    CHECK_EQUAL(handle_duplicate(worker_endpoint, RIGHTS_ALL, 0x77, &badged), OK);
    CHECK_EQUAL(thread_create(HANDLE_NONE, (uint32_t)naked_worker, (uint32_t)stack + PAGE_SIZE, worker_endpoint, 8, &thread), OK);
    CHECK_EQUAL(thread_start(thread), OK);
    settle();
    call_and_see(badged); /* the worker's first request comes through C, further ones on the fast path */
    call_and_see(badged);
    check_seen();
    CHECK_EQUAL(worker_saw.eax, 0x77);
    CHECK_EQUAL(worker_saw.ebx, WORD);
    CHECK_EQUAL(worker_saw.esi, 0);
    CHECK_EQUAL(worker_saw.edi, 0);
    CHECK_EQUAL(worker_saw.ebp, 0);
    CHECK_EQUAL(worker_saw.ecx, (uint32_t)stack + PAGE_SIZE);
    CHECK(worker_saw.edx < USER_TOP);
    thread_destroy(thread);
    handle_close(thread);
    handle_close(badged);
    handle_close(worker_endpoint);
    pages_free(stack, PAGE_SIZE);
}

static void int_keeps_registers(void)
{
    uint32_t eax = SYS_null, ebx = 2, ecx = 3, edx = 4, esi = 5, edi = 6;
    __asm__ volatile("int $250" : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi) : : "memory");
    CHECK_EQUAL(eax, OK);
    CHECK(ebx == 2 && ecx == 3 && edx == 4 && esi == 5 && edi == 6);
}

/* ---- operations ---- */

static status_t sysenter_operation(int32_t operation)
{
    __asm__ volatile("movl %%esp, %%ecx\n\tmovl $1f, %%edx\n\tsysenter\n1:"
                     : "+a"(operation)
                     :
                     : "ebx", "ecx", "edx", "esi", "edi", "ebp", "memory", "cc");
    return operation;
}

static void operations(void)
{
    if (without_sysenter())
        return;
    CHECK_EQUAL(sysenter_operation(OP_NULL), OP_NULL);
    CHECK_EQUAL(sysenter_operation(OP_REPLY_WAIT), E_NO_CALLER);
    CHECK_EQUAL(sysenter_operation(-3), E_BAD_CALL);
    CHECK_EQUAL(sysenter_operation(INT32_MIN), E_BAD_CALL);
}

static void call_numbers(void)
{
    static const uint32_t bad[] = { SYSCALL_COUNT, SYSCALL_COUNT + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        uint32_t unused;
        CHECK_EQUAL(system_call(bad[i], 1, 2, 3, 4, 5, &unused), E_BAD_CALL);
    }
}

const struct test sysenter_tests[] = {
    { "gates: DF, NT and AC before SYSENTER reach nobody", flags_by_sysenter },
    { "gates: DF, NT and AC before INT 250 reach nobody and come back", flags_by_int },
    { "gates: single-stepping over SYSENTER", single_step_by_sysenter },
    { "gates: single-stepping over INT 250", single_step_by_int },
    { "gates: null and odd segments before SYSENTER", segments_by_sysenter },
    { "gates: null and odd segments before INT 250", segments_by_int },
    { "gates: selectors that a user may not load", selectors_that_fault },
    { "gates: EDX = kernel address, 0, -1, page end", return_addresses },
    { "gates: ECX = kernel address, 0, -1, page end", return_stacks },
    { "gates: a SYSENTER caller sees only the registers of the table", caller_sees_only_the_table },
    { "gates: a SYSENTER worker sees only the registers of the table", worker_sees_only_the_table },
    { "gates: INT 250 keeps every register but the results", int_keeps_registers },
    { "gates: negative SYSENTER operations", operations },
    { "gates: call numbers out of range", call_numbers },
    { NULL, NULL },
};
