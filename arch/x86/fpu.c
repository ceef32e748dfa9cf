/* FPU and SSE state. A thread owns the registers from its first use until it is switched away, when they are saved; CR0.TS
 * is set for everyone else, so nothing can leak. While somebody owns them the SYSENTER fast path is disarmed. */
#include "arch.h"
#include "io.h"
#include "slab.h"
#include "sysenter.h"
#include "x86.h"

#define STATE_BYTES 512
#define CR0_TS (1u << 3)
#define MXCSR_AT_START 0x1F80u

static uint8_t fresh[STATE_BYTES] __attribute__((aligned(16)));

static void save(void *state)
{
    if (cpu_features & CPU_FEATURE_FXSR)
        __asm__ volatile("fxsave (%0)" : : "r"(state) : "memory");
    else
        __asm__ volatile("fnsave (%0)" : : "r"(state) : "memory");
}

/* AMD's FXRSTOR leaves the last instruction's and operand's addresses alone unless an exception is pending: a load makes
 * them the kernel's own first, so that they are not another thread's. */
static void restore(const void *state)
{
    static const uint32_t anything;
    if (cpu_features & CPU_FEATURE_FXSR)
        __asm__ volatile("fnclex\n\temms\n\tfildl %1\n\tfxrstor (%0)" : : "r"(state), "m"(anything));
    else
        __asm__ volatile("frstor (%0)" : : "r"(state));
}

static void deny(void)
{
    cr0_write(cr0_read() | CR0_TS);
}

static void allow(void)
{
    __asm__ volatile("clts");
}

void fpu_start(void)
{
    allow();
    __asm__ volatile("fninit");
    save(fresh);
    if (cpu_features & CPU_FEATURE_FXSR) {
        *(uint32_t *)(fresh + 24) = MXCSR_AT_START;
        __builtin_memset(fresh + 32, 0, STATE_BYTES - 32); /* what the boot loader left in the registers */
    }
    deny();
}

void fpu_initialise(void *state)
{
    __builtin_memcpy(state, fresh, STATE_BYTES);
}

/* A task switch by #DB or NMI also sets TS: then the owner only has to be let in again. */
void fpu_unavailable(struct thread *thread)
{
    allow();
    if (thread->flags & FLAG_FPU)
        return;
    restore(thread->fpu);
    thread->flags |= FLAG_FPU;
    arch_choose_entry();
}

static void give_up(struct thread *thread)
{
    thread->flags &= ~FLAG_FPU;
    deny();
    arch_choose_entry();
}

void fpu_leave(struct thread *thread)
{
    if (!(thread->flags & FLAG_FPU))
        return;
    allow();
    save(thread->fpu);
    give_up(thread);
}

void fpu_forget(struct thread *thread)
{
    if (!(thread->flags & FLAG_FPU))
        return;
    allow();
    __asm__ volatile("fninit"); /* an exception left pending would come at the next FRSTOR, in the kernel */
    give_up(thread);
}
