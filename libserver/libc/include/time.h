/* newlib's, and what it declares for some systems only. */
#include_next <time.h>

#ifndef _POSTERN_TIME_H
#define _POSTERN_TIME_H

#define CLOCK_MONOTONIC ((clockid_t)4) /* since the machine was started */

int clock_gettime(clockid_t clock, struct timespec *now);
int nanosleep(const struct timespec *wanted, struct timespec *left);

#endif
