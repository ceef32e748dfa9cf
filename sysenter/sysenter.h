/* The kernel half of the SYSENTER gate. */
#ifndef SYSENTER_H
#define SYSENTER_H

/* Points the three MSRs of this CPU at the entry and at struct cpu. Only on a CPU whose SYSENTER works. */
void sysenter_init(void);

#endif
