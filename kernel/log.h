/* The kernel log, its panic and its assertions. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdint.h>

struct process;

void log_character(char character);
/* %s %d %u %x and %% as in printf(3); %08x, with any digit, pads with zeros, and %p has eight digits. */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Text of a process: kept until its line is complete, so that lines of several do not mix. */
void log_user(struct process *process, const char *bytes, uint32_t count);
/* What a dying process has not ended with a newline, and a newline. */
void log_flush(struct process *process);
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Always compiled in: a kernel that goes on after a broken invariant does more harm than one that stops. */
#define assert(condition) \
    ((condition) ? (void)0 : panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__))

#endif
