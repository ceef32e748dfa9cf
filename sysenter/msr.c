/* The model-specific registers behind SYSENTER, and which entry they point at. */
#include "sysenter.h"

#include "arch.h"
#include "io.h"
#include "thread.h"

#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define KERNEL_CODE 0x08

extern const char sysenter_entry[], sysenter_entry_unarmed[];

static void point_at(const char *entry)
{
    this_cpu()->sysenter_entry = entry;
    msr_write(MSR_SYSENTER_EIP, (uint32_t)entry);
}

void sysenter_init(void)
{
    msr_write(MSR_SYSENTER_CS, KERNEL_CODE);
    msr_write(MSR_SYSENTER_ESP, (uint32_t)this_cpu());
    point_at(sysenter_entry);
}

/* Writing an MSR costs about a hundred cycles, so it is written only to change. */
void arch_choose_entry(void)
{
    const struct cpu *cpu = this_cpu();
    const char *wanted = cpu->trace || (cpu->current->flags & FLAG_FPU) ? sysenter_entry_unarmed : sysenter_entry;
    const char *now = cpu->sysenter_entry;
    if (now && now != wanted)
        point_at(wanted);
}
