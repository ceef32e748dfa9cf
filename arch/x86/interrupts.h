/* What trap.c asks of the interrupt controllers. */
#ifndef ARCH_X86_INTERRUPTS_H
#define ARCH_X86_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

/* Ends the interrupt at the controller; false: it was spurious. */
bool interrupts_acknowledge(uint32_t line);

#endif
