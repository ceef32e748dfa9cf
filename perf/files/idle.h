/* Counts the ticks in which the machine had nothing to do, so that waiting for a disk is not taken for work. */
#ifndef IDLE_H
#define IDLE_H

#include <stdint.h>

/* From now on idle time is counted. Meant for -icount: there a halted machine jumps to its next timer, so that the counter
 * no longer tells executed instructions; the counting thread keeps it running, and takes its own instructions out. */
void idle_count_begin(void);
/* Idle ticks so far, modulo 2^32; constant until counting begins. */
uint32_t idle_ticks(void);

#endif
