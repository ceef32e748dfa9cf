/* Where the structure of this CPU is: the kernel stack ends at it. */
#ifndef ARCH_X86_LOCAL_H
#define ARCH_X86_LOCAL_H

struct cpu;

extern char kernel_stack_end[]; /* cpu.c */

/* A constant while there is one CPU; with more it comes from the stack pointer, and nothing else changes. */
static inline struct cpu *this_cpu(void)
{
    return (struct cpu *)kernel_stack_end;
}

#endif
