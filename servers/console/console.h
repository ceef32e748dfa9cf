/* What the console offers: one screen and keyboard, shown on VGA text and on the serial line at once.
 *
 * A client opens a session (METHOD_SESSION_OPEN) with slots of at least CONSOLE_SLOT bytes. E_BAD_STATE: it has none, as after a
 * restart of the console. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <server.h>

#define CONSOLE_METHODS(METHOD) \
    METHOD(CONSOLE_SESSION, console_open_session, SESSION, NOTHING) \
    /* slot | bytes << 16. Text with \n \r \b \t and the ANSI sequences for colours, clearing and cursor addressing */ \
    METHOD(CONSOLE_WRITE, console_write, WORD(uint32_t, text), NOTHING) \
    /* A line with editing and history; waits. Bytes in the slot, with the \n; 0: end of input (Ctrl-D). E_CANCELLED: Ctrl-C */ \
    METHOD(CONSOLE_READ_LINE, console_read_line, WORD(uint32_t, slot), WORD(uint32_t, bytes)) \
    /* timeout 0: none. key: a byte, or CONSOLE_KEY_*. E_TIMED_OUT */ \
    METHOD(CONSOLE_READ_KEY, console_read_key, WORD(uint32_t, milliseconds), WORD(uint32_t, key)) \
    /* columns << 16 | rows */ \
    METHOD(CONSOLE_SIZE, console_size, NOTHING, WORD(uint32_t, size)) \
    /* Bit 0 is signalled at Ctrl-C, unless the caller is reading a line itself. HANDLE_NONE: no more */ \
    METHOD(CONSOLE_NOTIFY, console_notify, HANDLE(notification), NOTHING)
METHODS_DECLARE(CONSOLE_METHODS)

#define CONSOLE_SLOT 4096u

enum console_key {
    CONSOLE_KEY_UP = 0x100, CONSOLE_KEY_DOWN, CONSOLE_KEY_LEFT, CONSOLE_KEY_RIGHT, CONSOLE_KEY_HOME, CONSOLE_KEY_END,
    CONSOLE_KEY_PAGE_UP, CONSOLE_KEY_PAGE_DOWN, CONSOLE_KEY_DELETE
};

#endif
