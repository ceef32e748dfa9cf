/* What the real-time clock service offers. */
#ifndef RTC_H
#define RTC_H

#define RTC_NOW 0       /* Reply: seconds since 1970-01-01 00:00 UTC, as an unsigned 32-bit number */
#define RTC_METHODS 1

#endif
