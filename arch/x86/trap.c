/* Exceptions and interrupts, once entry.asm has put the user's registers into the current thread's frame. */
#include "arch.h"
#include "fpu.h"
#include "io.h"
#include "log.h"
#include "x86.h"

#define TIMER_LINE 0

struct kernel_trap_frame { /* as entry.asm pushes it for an exception at CPL 0 */
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax, vector, error, eip, cs, eflags;
};

void trap(uint32_t vector, uint32_t error);
_Noreturn void kernel_trap(const struct kernel_trap_frame *frame);

static void line_interrupt(uint32_t line)
{
    if (!interrupts_acknowledge(line))
        return;
    if (line == TIMER_LINE && timer_is_pit()) {
        timer_acknowledge();
        timer_interrupt();
        return;
    }
    arch_irq_mask(line);
    kernel_interrupt(line);
}

void trap(uint32_t vector, uint32_t error)
{
    struct cpu *cpu = this_cpu();
    if (vector < VECTOR_IRQ) {
        if (vector == VECTOR_NO_FPU)
            fpu_unavailable(cpu->current);
        else
            kernel_exception(cpu->current, vector, error, vector == VECTOR_PAGE_FAULT ? cr2_read() : 0);
        return;
    }
    cpu->interrupts++;
    if (vector < VECTOR_APIC_TIMER) {
        line_interrupt(vector - VECTOR_IRQ);
    } else if (vector == VECTOR_APIC_TIMER) {
        timer_acknowledge();
        timer_interrupt();
    }
}

_Noreturn void kernel_trap(const struct kernel_trap_frame *frame)
{
    log_print("\npanic: exception %u in the kernel, error 0x%x, cr2 0x%08x\n", frame->vector, frame->error, cr2_read());
    log_print("eip 0x%08x esp 0x%08x eflags 0x%08x\n", frame->eip, (uint32_t)(frame + 1), frame->eflags);
    log_print("eax 0x%08x ebx 0x%08x ecx 0x%08x edx 0x%08x\n", frame->eax, frame->ebx, frame->ecx, frame->edx);
    log_print("esi 0x%08x edi 0x%08x ebp 0x%08x\n", frame->esi, frame->edi, frame->ebp);
    arch_halt();
}
