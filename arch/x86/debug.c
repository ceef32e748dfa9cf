/* #DB, NMI, #DF and #MC: hardware tasks. #DB restarts a SYSENTER that was made with TF set, and becomes an ordinary
 * exception when it came from user mode. A task switch does not save CR3, so the main TSS is told before going back. */
#include "debug.h"

#include "arch.h"
#include "io.h"
#include "log.h"

#define GATE_STACK 2048u
#define DR6_SINGLE_STEP 0x4000u
#define DR6_BREAKPOINTS 0xFu
#define SYSEXIT 0x350Fu         /* the instruction */
#define STI_LENGTH 1u

extern const char sysenter_entry[], sysenter_entry_single_step_end[], sysenter_entry_unarmed[];
extern const char sysenter_entry_stepped[], trap_from_task[];
void task_debug(void), task_nmi(void), task_double_fault(void), task_machine_check(void);
void debug_exception(void), nmi(void);
_Noreturn void double_fault(void), machine_check(void);

struct task_gate task_gates[TASK_GATES] = {
    { .vector = 1, .entry = task_debug },
    { .vector = 2, .entry = task_nmi },
    { .vector = 8, .entry = task_double_fault },
    { .vector = 18, .entry = task_machine_check },
};
static uint8_t stacks[TASK_GATES][GATE_STACK] __attribute__((aligned(16)));

void debug_start(void)
{
    for (uint32_t i = 0; i < TASK_GATES; i++)
        task_gates[i].tss = (struct tss){
            .cr3 = kernel_root, .eip = (uint32_t)task_gates[i].entry, .eflags = EFLAGS_FIXED,
            .esp = (uint32_t)stacks[i] + GATE_STACK - 8, .cs = SELECTOR_KERNEL_CODE, .ss = SELECTOR_KERNEL_DATA,
            .ds = SELECTOR_USER_DATA, .es = SELECTOR_USER_DATA, .fs = SELECTOR_USER_DATA, .gs = SELECTOR_USER_DATA,
            .port_bitmap = sizeof(struct tss),
        };
}

static bool first_of_sysenter(uint32_t eip)
{
    uint32_t length = (uint32_t)(sysenter_entry_single_step_end - sysenter_entry);
    return eip - (uint32_t)sysenter_entry <= length || eip - (uint32_t)sysenter_entry_unarmed <= length;
}

static void restart_sysenter(void)
{
    main_tss->eip = (uint32_t)sysenter_entry_stepped;
    main_tss->esp = (uint32_t)this_cpu();
    main_tss->eflags &= ~EFLAGS_TF;
}

/* The main task goes on in the kernel's ordinary exception path. */
static void become_exception(void)
{
    struct frame *frame = &this_cpu()->current->frame;
    frame->eax = main_tss->eax;
    frame->ebx = main_tss->ebx;
    frame->ecx = main_tss->ecx;
    frame->edx = main_tss->edx;
    frame->esi = main_tss->esi;
    frame->edi = main_tss->edi;
    frame->ebp = main_tss->ebp;
    frame->esp = main_tss->esp;
    frame->eip = main_tss->eip;
    frame->eflags = main_tss->eflags;
    main_tss->eip = (uint32_t)trap_from_task;
    main_tss->esp = (uint32_t)this_cpu();
    main_tss->eflags = EFLAGS_FIXED;
    main_tss->eax = VECTOR_DEBUG;
    main_tss->edx = 0;
    main_tss->cs = SELECTOR_KERNEL_CODE;
    main_tss->ss = SELECTOR_KERNEL_DATA;
    main_tss->ds = main_tss->es = main_tss->fs = main_tss->gs = SELECTOR_USER_DATA;
}

_Noreturn static void fatal(const char *what)
{
    log_print("\npanic: %s\n", what);
    log_print("eip 0x%08x esp 0x%08x eflags 0x%08x cr2 0x%08x\n", main_tss->eip, main_tss->esp, main_tss->eflags, cr2_read());
    log_print("eax 0x%08x ebx 0x%08x ecx 0x%08x edx 0x%08x\n", main_tss->eax, main_tss->ebx, main_tss->ecx, main_tss->edx);
    log_print("esi 0x%08x edi 0x%08x ebp 0x%08x\n", main_tss->esi, main_tss->edi, main_tss->ebp);
    arch_halt();
}

/* Why the exception came. The CPU only sets bits there, so they are cleared for the next. */
static uint32_t take_cause(void)
{
    uint32_t cause;
    __asm__ volatile("movl %%db6, %0" : "=r"(cause));
    __asm__ volatile("movl %0, %%db6" : : "r"(0));
    return cause;
}

/* At CPL 0 there is also a data breakpoint on what user mode loaded SS from: it is put off by one instruction, so behind a gate
 * it comes here. Nobody has asked for it - users have no debug registers - and the kernel goes on. */
void debug_exception(void)
{
    uint32_t cause = take_cause();
    main_tss->cr3 = this_cpu()->current->root;
    if (main_tss->cs & 3)
        become_exception();
    else if (cause & DR6_SINGLE_STEP && first_of_sysenter(main_tss->eip))
        restart_sysenter();
    else if (cause & DR6_SINGLE_STEP || !(cause & DR6_BREAKPOINTS))
        fatal("debug exception in the kernel");
}

/* An NMI may come between STI and SYSEXIT, and going back from it ends the shadow of STI: an interrupt would be taken at CPL 0.
 * So STI is done once more. */
static void repeat_sti(void)
{
    if (*(const uint16_t *)main_tss->eip != SYSEXIT)
        return;
    main_tss->eip -= STI_LENGTH;
    main_tss->eflags &= ~EFLAGS_IF;
}

void nmi(void)
{
    main_tss->cr3 = this_cpu()->current->root;
    if (!(main_tss->cs & 3))
        repeat_sti();
}

_Noreturn void double_fault(void)
{
    bool overflow = main_tss->esp - (uint32_t)cpu_area.guard <= PAGE_SIZE + 64;
    fatal(overflow ? "double fault: the kernel stack overflowed" : "double fault");
}

_Noreturn void machine_check(void)
{
    fatal("machine check: the hardware reports a fault");
}
