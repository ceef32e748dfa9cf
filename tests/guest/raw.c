/* The two gates with every register under control, flags and segments included.
 *
 * Everything is addressed through ESP and EBP, which use SS: DS may be null at the gate. */
#include "child.h"

/* `before` runs with the stack pointer that `instructions` will have, EBP = *raw; it may use EAX, ECX, EDX. */
#define RAW_ENTRY(name, before, instructions) \
    __asm__(".globl " name "\n" \
            name ":\n\t" \
            "pushal\n\t" \
            "movl 36(%esp), %ebp\n\t" \
            before \
            "pushl 28(%ebp)\n\t"            /* EFLAGS */ \
            "movl 32(%ebp), %ecx\n\t"       /* selector */ \
            "movl 36(%ebp), %edx\n\t"       /* mask */ \
            "testl $1, %edx\n\tjz 1f\n\tmovl %ecx, %ds\n1:\n\t" \
            "testl $2, %edx\n\tjz 1f\n\tmovl %ecx, %es\n1:\n\t" \
            "testl $4, %edx\n\tjz 1f\n\tmovl %ecx, %fs\n1:\n\t" \
            "testl $8, %edx\n\tjz 1f\n\tmovl %ecx, %gs\n1:\n\t" \
            "movl 0(%ebp), %eax\n\t" \
            "movl 4(%ebp), %ebx\n\t" \
            "movl 8(%ebp), %ecx\n\t" \
            "movl 12(%ebp), %edx\n\t" \
            "movl 16(%ebp), %esi\n\t" \
            "movl 20(%ebp), %edi\n\t" \
            "movl 24(%ebp), %ebp\n\t" \
            "popfl\n\t" \
            instructions \
            "pushfl\n\t" \
            "pushal\n\t" \
            "pushl $0x202\n\tpopfl\n\t" \
            "movl 72(%esp), %ebp\n\t"       /* pushal, pushfl, pushal, return address */ \
            "movl %ds, %eax\n\tmovzwl %ax, %eax\n\tmovl %eax, 40(%ebp)\n\t" \
            "movl %es, %eax\n\tmovzwl %ax, %eax\n\tmovl %eax, 44(%ebp)\n\t" \
            "movl %fs, %eax\n\tmovzwl %ax, %eax\n\tmovl %eax, 48(%ebp)\n\t" \
            "movl %gs, %eax\n\tmovzwl %ax, %eax\n\tmovl %eax, 52(%ebp)\n\t" \
            "movl %ss, %eax\n\tmovl %eax, %ds\n\tmovl %eax, %es\n\tmovl %eax, %fs\n\tmovl %eax, %gs\n\t" \
            "popl 20(%ebp)\n\t"             /* EDI ESI EBP ESP EBX EDX ECX EAX */ \
            "popl 16(%ebp)\n\t" \
            "popl 24(%ebp)\n\t" \
            "popl 56(%ebp)\n\t" \
            "popl 4(%ebp)\n\t" \
            "popl 12(%ebp)\n\t" \
            "popl 8(%ebp)\n\t" \
            "popl 0(%ebp)\n\t" \
            "popl 28(%ebp)\n\t" \
            "addl $4, 56(%ebp)\n\t"         /* as before pushfl */ \
            "popal\n\t" \
            "ret\n")

RAW_ENTRY("raw_int", "", "int $250\n\t");
RAW_ENTRY("raw_sysenter", "", "movl %esp, %ecx\n\t"
                          "movl $raw_sysenter_return, %edx\n\t"
                          "sysenter\n"
                          ".globl raw_sysenter_return\n"
                          "raw_sysenter_return:\n\t");
/* A wait at no endpoint fails, but says where to receive. */
RAW_ENTRY("raw_reply_sysenter", "movl $3, %eax\n\t" /* SYS_wait */
                                "xorl %ecx, %ecx\n\t"
                                "movl $raw_received, %edx\n\t"
                                "int $250\n\t",
                                "sysenter\n"
                                ".globl raw_received\n"
                                "raw_received:\n\t");
_Static_assert(SYS_wait == 3, "as in raw_reply_sysenter");

_Static_assert(offsetof(struct raw, eflags) == 28 && offsetof(struct raw, segments) == 32 &&
               offsetof(struct raw, ds) == 40 && offsetof(struct raw, esp) == 56, "as in RAW_ENTRY");

void raw_call(struct raw *raw, const struct gate *gate, handle_t endpoint, uint32_t method, uint32_t word, uint32_t junk)
{
    *raw = (struct raw){ .eax = endpoint, .ebx = word, .ecx = junk, .edx = junk, .esi = method, .edi = junk,
                         .ebp = junk, .eflags = 0x202 };
    if (gate->sysenter)
        return;
    raw->eax = SYS_call;
    raw->ecx = endpoint;
    raw->edx = TIMEOUT_NEVER;
    raw->edi = HANDLE_NONE;
}
