/* What this CPU can do, what of it is turned on, and where struct cpu lies. */
#include "arch.h"
#include "io.h"
#include "log.h"
#include "sysenter.h"
#include "x86.h"

#define CR0_MP (1u << 1)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_EM (1u << 2)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define MSR_EFER 0xC0000080u
#define EFER_NXE 0x800u

struct cpu_area cpu_area;
uint32_t cpu_features;
static uint32_t signature, began;

/* The stack of the boot code is the CPU's own: it ends where struct cpu begins. */
__asm__(".globl kernel_stack_end\nkernel_stack_end = cpu_area + 3 * 4096 - 1024");
_Static_assert(offsetof(struct cpu_area, cpu) == 3 * 4096 - 1024, "kernel_stack_end is &cpu_area.cpu");

static void cpuid(uint32_t leaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    __asm__ volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "a"(leaf), "c"(0));
}

/* The Pentium Pro claims SEP before it worked. */
static bool sysenter_works(uint32_t edx)
{
    uint32_t family = signature >> 8 & 15, model = signature >> 4 & 15, stepping = signature & 15;
    return (edx >> 11 & 1) && !(family == 6 && model < 3 && stepping < 3);
}

static void detect(void)
{
    uint32_t highest, extended, eax, ebx, ecx, edx;
    cpuid(0, &highest, &ebx, &ecx, &edx);
    cpuid(1, &signature, &ebx, &ecx, &edx);
    cpu_features = CPU_FEATURE_PAE | CPU_FEATURE_TSC | (sysenter_works(edx) ? CPU_FEATURE_SEP : 0) |
                   (edx >> 13 & 1 ? CPU_FEATURE_PGE : 0) | (edx >> 9 & 1 ? CPU_FEATURE_APIC : 0) |
                   (edx >> 24 & 1 ? CPU_FEATURE_FXSR : 0);
    if (highest >= 7) {
        cpuid(7, &eax, &ebx, &ecx, &edx);
        cpu_features |= (ebx >> 7 & 1 ? CPU_FEATURE_SMEP : 0) | (ebx >> 20 & 1 ? CPU_FEATURE_SMAP : 0) |
                        (ecx >> 2 & 1 ? CPU_FEATURE_UMIP : 0);
    }
    cpuid(0x80000000u, &extended, &ebx, &ecx, &edx);
    if (extended >= 0x80000001u) {
        cpuid(0x80000001u, &eax, &ebx, &ecx, &edx);
        cpu_features |= edx >> 20 & 1 ? CPU_FEATURE_NX : 0;
    }
}

/* Entry code has room for CLAC; it must be there before SMAP is on, and text is still writable now. */
static void patch_clac(void)
{
    extern uint8_t *const smap_patches[];
    static const uint8_t clac[3] = { 0x0F, 0x01, 0xCA };
    for (uint32_t i = 0; smap_patches[i]; i++)
        for (uint32_t byte = 0; byte < sizeof(clac); byte++)
            smap_patches[i][byte] = clac[byte];
}

static uint32_t feature_bit(uint32_t feature, uint32_t bit)
{
    return cpu_features & feature ? bit : 0;
}

void cpu_start(void)
{
    began = (uint32_t)arch_time();
    detect();
    if (cpu_features & CPU_FEATURE_SMAP)
        patch_clac();
    if (cpu_features & CPU_FEATURE_NX)
        msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE);
    cr4_write(cr4_read() | feature_bit(CPU_FEATURE_PGE, CR4_PGE) | feature_bit(CPU_FEATURE_SMEP, CR4_SMEP) |
              feature_bit(CPU_FEATURE_SMAP, CR4_SMAP) | feature_bit(CPU_FEATURE_UMIP, CR4_UMIP) |
              feature_bit(CPU_FEATURE_FXSR, CR4_OSFXSR | CR4_OSXMMEXCPT));
    cr0_write((cr0_read() | CR0_WP | CR0_NE | CR0_MP) & ~(CR0_AM | CR0_EM));
    if (cpu_features & CPU_FEATURE_SEP)
        sysenter_init();
}

uint32_t arch_system_info(uint32_t which)
{
    switch (which) {
    case INFO_SYSENTER: return !!(cpu_features & CPU_FEATURE_SEP);
    case INFO_TSC_KHZ: return timer_khz();
    case INFO_UPTIME_MS: return (uint32_t)divide(arch_time(), timer_khz());
    case INFO_CPU_FEATURES: return cpu_features;
    case INFO_CPU_SIGNATURE: return signature;
    case INFO_BUILD_RELEASE: return BUILD_RELEASE;
    case INFO_BOOT_TICKS: return began;
    default: return 0;
    }
}
