/* What the real-time clock service offers. */
#ifndef RTC_H
#define RTC_H

#include <server.h>

#define RTC_METHODS(METHOD) \
    METHOD(RTC_NOW, rtc_now, NOTHING, WORD(uint32_t, seconds)) /* since 1970-01-01 00:00 UTC */
METHODS_DECLARE(RTC_METHODS)

#endif
