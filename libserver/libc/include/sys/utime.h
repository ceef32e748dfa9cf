/* What newlib's <utime.h> leaves to the system. */
#ifndef _SYS_UTIME_H
#define _SYS_UTIME_H

#include <sys/types.h>

struct utimbuf {
    time_t actime, modtime;
};

/* NULL: now. */
int utime(const char *path, const struct utimbuf *times);

#endif
