/* The kernel log, its panic and its assertions. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdint.h>

struct frame;

void log_character(char character);
/* %s %c %d %u %x %p with width and zero padding, as in printf(3). */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Always compiled in: a kernel that goes on after a broken invariant does more harm than one that stops. */
#define assert(condition) ((condition) ? (void)0 : panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__))

#endif
