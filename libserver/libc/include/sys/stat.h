/* newlib's, and what it declares for some systems only. */
#include_next <sys/stat.h>

#ifndef _POSTERN_SYS_STAT_H
#define _POSTERN_SYS_STAT_H

int lstat(const char *restrict path, struct stat *restrict status);

#endif
