/* Segments, interrupt vectors, and the task gates of the exceptions that need a stack of their own. */
#include "debug.h"
#include "ports.h"
#include "x86.h"

#define SEGMENTS 10
#define INTERRUPT_GATE 0x8E00u
#define TASK_GATE 0x8500u
#define FOR_USERS 0x6000u /* descriptor privilege level 3 */

extern const uint32_t vector_entries[256];

static uint64_t segments[SEGMENTS] = {
    0,
    0x00CF9A000000FFFF, /* kernel code */
    0x00CF92000000FFFF, /* kernel data */
    0x00CFF8000000FFFF, /* user code, execute-only: it cannot be loaded into a data segment register */
    0x00CFF2000000FFFF, /* user data */
};
static uint64_t vectors[256];

static uint64_t tss_descriptor(uint32_t base, uint32_t limit)
{
    return (uint64_t)(base >> 24) << 56 | (uint64_t)(limit >> 16) << 48 | 0x0000890000000000ull |
           (uint64_t)(base & 0xFFFFFF) << 16 | (limit & 0xFFFF);
}

static uint64_t gate(uint32_t selector, uint32_t offset, uint32_t kind)
{
    return (uint64_t)((offset & 0xFFFF0000u) | kind) << 32 | selector << 16 | (offset & 0xFFFF);
}

static void set_vectors(void)
{
    for (uint32_t vector = 0; vector < 256; vector++) {
        bool public = vector == 3 || vector == 4 || vector == VECTOR_CALL;
        vectors[vector] = gate(SELECTOR_KERNEL_CODE, vector_entries[vector], INTERRUPT_GATE | (public ? FOR_USERS : 0));
    }
    for (uint32_t i = 0; i < TASK_GATES; i++) {
        uint32_t selector = SELECTOR_TSS + 8 * (i + 1);
        segments[selector / 8] = tss_descriptor((uint32_t)&task_gates[i].tss, sizeof(struct tss) - 1);
        vectors[task_gates[i].vector] = gate(selector, 0, TASK_GATE);
    }
}

static void load(void)
{
    const struct { uint16_t limit; uint32_t base; } __attribute__((packed))
        gdt = { sizeof(segments) - 1, (uint32_t)segments }, idt = { sizeof(vectors) - 1, (uint32_t)vectors };
    __asm__ volatile("lgdt %0\n\t"
                     "lidt %1\n\t"
                     "ljmp %2, $1f\n"
                     "1:\n\t"
                     "movl %3, %%ss\n\t"
                     "movl %4, %%ds\n\t"
                     "movl %4, %%es\n\t"
                     "movl %4, %%fs\n\t"
                     "movl %4, %%gs\n\t"
                     "lldt %w5\n\t"
                     "ltr %w6"
                     :
                     : "m"(gdt), "m"(idt), "i"(SELECTOR_KERNEL_CODE), "r"(SELECTOR_KERNEL_DATA),
                       "r"(SELECTOR_USER_DATA), "r"(0), "r"(SELECTOR_TSS)
                     : "memory");
}

void descriptors_start(void)
{
    main_tss->esp0 = (uint32_t)this_cpu();
    main_tss->ss0 = SELECTOR_KERNEL_DATA;
    main_tss->cr3 = kernel_root;
    main_tss->port_bitmap = sizeof(struct tss);
    segments[SELECTOR_TSS / 8] = tss_descriptor(TSS_ADDRESS, TSS_LIMIT);
    debug_start();
    set_vectors();
    load();
}
