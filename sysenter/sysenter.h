/* The kernel half of the SYSENTER gate. */
#ifndef SYSENTER_H
#define SYSENTER_H

#include <stdbool.h>

/* Points the three MSRs of this CPU at the entry and at struct cpu. Only on a CPU whose SYSENTER works. */
void sysenter_init(void);

/* While not armed, SYSENTER enters through a stub that hands everything to C. Disarmed while the current thread owns the
 * FPU registers or is traced: so the fast path pays nothing for them. Does nothing on a CPU without SYSENTER. */
void sysenter_arm(bool armed);

#endif
