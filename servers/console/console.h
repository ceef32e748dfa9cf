/* What the console offers: one screen and keyboard, shown on VGA text and on the serial line at once.
 *
 * A client opens a session (METHOD_SESSION_OPEN) with slots of at least CONSOLE_SLOT bytes. E_BAD_STATE: it has none, as after a
 * restart of the console. */
#ifndef CONSOLE_H
#define CONSOLE_H

#define CONSOLE_SESSION 0   /* METHOD_SESSION_OPEN */
#define CONSOLE_WRITE 1     /* word: slot | bytes << 16. Text with \n \r \b \t and the ANSI sequences for colours, clearing and
                               cursor addressing */
#define CONSOLE_READ_LINE 2 /* word: slot. A line with editing and history; waits. Reply: bytes in the slot, with the \n; 0: end
                               of input (Ctrl-D). E_CANCELLED: Ctrl-C */
#define CONSOLE_READ_KEY 3  /* word: timeout in milliseconds, 0: none. Reply: a byte, or CONSOLE_KEY_*. E_TIMED_OUT */
#define CONSOLE_SIZE 4      /* Reply: columns << 16 | rows */
#define CONSOLE_NOTIFY 5    /* attached: a notification, whose bit 0 is signalled at Ctrl-C, unless the caller is reading a line
                               itself. None: no more */
#define CONSOLE_METHODS 6

#define CONSOLE_SLOT 4096u

enum console_key {
    CONSOLE_KEY_UP = 0x100, CONSOLE_KEY_DOWN, CONSOLE_KEY_LEFT, CONSOLE_KEY_RIGHT, CONSOLE_KEY_HOME, CONSOLE_KEY_END,
    CONSOLE_KEY_PAGE_UP, CONSOLE_KEY_PAGE_DOWN, CONSOLE_KEY_DELETE
};

#endif
