/* What the log service offers: it keeps what each service prints, with its name and the time. */
#ifndef LOG_H
#define LOG_H

#include <server.h>

#define LOG_METHODS(METHOD) \
    METHOD(LOG_SESSION, log_open_session, SESSION, NOTHING) /* slots of at least LOG_SLOT bytes */ \
    METHOD(LOG_WRITE, log_write, WORD(uint32_t, text), NOTHING) /* slot | bytes << 16: each complete line becomes an entry */ \
    METHOD(LOG_READ, log_read, WORD(uint32_t, slot), WORD(uint32_t, bytes)) /* the slot begins with the number of the first entry
                                        wanted (DWORD). Entries as text follow it, and that DWORD becomes the number of the next
                                        one. 0 bytes: no more yet */
METHODS_DECLARE(LOG_METHODS)

#define LOG_SLOT 4096u

#endif
