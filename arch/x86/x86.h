/* What the files of arch/x86 share among themselves. */
#ifndef ARCH_X86_H
#define ARCH_X86_H

#include <stdbool.h>
#include <stdint.h>

#include "boot.h"
#include "thread.h"

#define KERNEL_BASE 0xC0000000u
#define LOWMEM_FRAMES_MAX (896u << 8)

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_CODE 0x1B
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_TSS 0x28

#define VECTOR_DEBUG 1
#define VECTOR_NO_FPU 7
#define VECTOR_PAGE_FAULT 14
#define VECTOR_IRQ 32
#define VECTOR_APIC_TIMER 48
#define VECTOR_APIC_SPURIOUS 63
#define VECTOR_CALL 250

#define EFLAGS_FIXED 0x2u
#define EFLAGS_TF 0x100u
#define EFLAGS_IF 0x200u

/* A task state segment; the CPU defines it. */
struct tss {
    uint32_t back_link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, port_bitmap;
};

/* Stack and structure of a CPU: the guard page is unmapped, the stack ends at &cpu. */
struct cpu_area {
    uint8_t guard[PAGE_SIZE];
    uint8_t stack[2 * PAGE_SIZE - 1024];
    struct cpu cpu;
} __attribute__((aligned(PAGE_SIZE)));
extern struct cpu_area cpu_area;

extern uint32_t cpu_features; /* CPU_FEATURE_* in use */
extern struct tss *const main_tss;
extern uint32_t kernel_root;

/* In the order in which start.c calls them. */
void serial_start(void);
void cpu_start(void);
void multiboot_read(uint32_t magic, uint32_t information, struct boot_data *boot);
void paging_start(const struct boot_data *boot);
void descriptors_start(void);
void interrupts_start(void);
void timer_start(void);
void fpu_start(void);

void debug_start(void); /* before descriptors.c sets the task gates */
void serial_drain(void);
void paging_guard(const void *page);
/* Registers of the local APIC, mapped uncached. */
volatile uint32_t *paging_map_apic(uint32_t physical);

/* Ends the interrupt at the controllers; false: it was spurious. */
bool interrupts_acknowledge(uint32_t line);
/* The clock's interrupt has been taken; only with an APIC. */
void timer_acknowledge(void);
bool timer_is_pit(void);
uint32_t timer_khz(void);

/* 64 by 32 bits without the compiler's library. */
uint64_t divide(uint64_t dividend, uint32_t divisor);

#endif
