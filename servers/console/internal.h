/* The console: what its files tell each other. Keys come from the serial line and the keyboard alike, and text goes to the serial
 * line and the screen alike. */
#ifndef CONSOLE_INTERNAL_H
#define CONSOLE_INTERNAL_H

#include <io_ports.h>
#include <server.h>
#include <servers/console/console.h>

#define COLUMNS 80u
#define ROWS 25u
#define LINE_BYTES 1024u

#define CONTROL(letter) ((letter) & 31u)
#define BACKSPACE 8u
#define ESCAPE 27u
#define DELETE_BYTE 127u

/* ---- serial.c ---- */
void serial_start(void);
void serial_write(const char *text, uint32_t bytes);
/* Takes what has come, and calls key() for each key; escape sequences of terminals are one key. */
void serial_take(void (*key)(uint32_t key));

/* ---- escape.c: from the bytes of a terminal to keys ---- */
struct escape {
    uint8_t state;          /* bytes of a sequence so far */
    uint8_t number;
};
#define NO_KEY 0xFFFFFFFFu
/* The key that this byte completes, or NO_KEY. */
uint32_t escape_next(struct escape *escape, uint8_t byte);

/* ---- keyboard.c ---- */
void keyboard_start(void);
void keyboard_take(void (*key)(uint32_t key));

/* ---- scancode.c: from scancodes of set 1 to keys, US layout ---- */
struct scancode {
    bool shift, control, caps, extended;
};
#define KEY_SCROLL_UP 0x200u   /* shift and page up: for the screen, not for readers */
#define KEY_SCROLL_DOWN 0x201u
uint32_t scancode_next(struct scancode *state, uint8_t code);

/* ---- screen.c: VGA text ---- */
/* False: there is no VGA memory to be had. */
bool screen_start(void);
void screen_write(const char *text, uint32_t bytes);
void screen_scroll(int lines);

/* ---- line.c: a line that is being edited ---- */
struct line {
    char text[LINE_BYTES];
    uint32_t length, cursor;
    uint32_t recalled;      /* how many lines back in the history; 0: the new one */
    void (*echo)(const char *text, uint32_t bytes);
};
enum line_event { LINE_GOES_ON, LINE_DONE, LINE_END_OF_INPUT, LINE_CANCELLED };
void line_begin(struct line *line, void (*echo)(const char *text, uint32_t bytes));
enum line_event line_key(struct line *line, uint32_t key);

#endif
