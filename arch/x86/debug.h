/* Exceptions that may come when the kernel stack is not one yet: each is a task of its own. */
#ifndef ARCH_X86_DEBUG_H
#define ARCH_X86_DEBUG_H

#include "x86.h"

enum { GATE_DEBUG, GATE_NMI, GATE_DOUBLE_FAULT, GATE_MACHINE_CHECK, TASK_GATES };

struct task_gate {
    uint32_t vector;
    void (*entry)(void);
    struct tss tss;
};
extern struct task_gate task_gates[TASK_GATES];

#endif
