/* What belongs to a thread beside its frame: address space, segments, FPU area. */
#include "arch.h"
#include "fpu.h"
#include "io.h"
#include "process.h"
#include "quota.h"
#include "slab.h"
#include "x86.h"

#define EFLAGS_USERS_MAY_SET 0x00240DD5u /* CF PF AF ZF SF TF DF OF AC ID */
#define FPU_BYTES 512
#define INT_BYTES 2 /* INT 250 */

static struct slab fpu_areas = SLAB_INITIAL(FPU_BYTES);

uint32_t arch_eflags_sanitise(uint32_t eflags)
{
    return (eflags & EFLAGS_USERS_MAY_SET) | EFLAGS_FIXED | EFLAGS_IF;
}

static void *fpu_allocate(struct quota *quota)
{
    if (!quota_charge(quota, FPU_BYTES))
        return NULL;
    void *area = slab_allocate(&fpu_areas);
    if (!area)
        quota_refund(quota, FPU_BYTES);
    return area;
}

status_t arch_call_again(struct thread *thread)
{
    thread->frame.eip -= INT_BYTES;
    return (status_t)thread->frame.eax;
}

bool arch_thread_init(struct thread *thread, uint32_t entry, uint32_t stack, uint32_t argument)
{
    thread->fpu = fpu_allocate(&thread->process->quota);
    if (!thread->fpu)
        return false;
    fpu_initialise(thread->fpu);
    thread->frame = (struct frame){ .eip = entry, .esp = stack, .ebx = argument, .cs = SELECTOR_USER_CODE,
                                    .ss = SELECTOR_USER_DATA, .eflags = EFLAGS_FIXED | EFLAGS_IF };
    thread->flags |= FLAG_RESUME_BY_IRET;
    return true;
}

void arch_thread_release(struct thread *thread)
{
    fpu_forget(thread);
    slab_free(&fpu_areas, thread->fpu);
    thread->fpu = NULL;
    quota_refund(&thread->process->quota, FPU_BYTES);
}

void arch_thread_switch(struct thread *previous, struct thread *next)
{
    fpu_leave(previous);
    __asm__ volatile("movl %0, %%fs\n\tmovl %0, %%gs" : : "r"(SELECTOR_USER_DATA));
    if (next->root != cr3_read())
        cr3_write(next->root);
}
