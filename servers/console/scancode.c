/* Scancodes of set 1 to keys, US layout. */
#include "internal.h"

#define RELEASED 0x80u
#define EXTENDED 0xE0u
#define LEFT_SHIFT 0x2Au
#define RIGHT_SHIFT 0x36u
#define CONTROL_KEY 0x1Du
#define CAPS_LOCK 0x3Au

static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static uint32_t extended_key(const struct scancode *state, uint8_t code)
{
    switch (code) {
    case 0x47: return CONSOLE_KEY_HOME;
    case 0x48: return CONSOLE_KEY_UP;
    case 0x49: return state->shift ? KEY_SCROLL_UP : CONSOLE_KEY_PAGE_UP;
    case 0x4B: return CONSOLE_KEY_LEFT;
    case 0x4D: return CONSOLE_KEY_RIGHT;
    case 0x4F: return CONSOLE_KEY_END;
    case 0x50: return CONSOLE_KEY_DOWN;
    case 0x51: return state->shift ? KEY_SCROLL_DOWN : CONSOLE_KEY_PAGE_DOWN;
    case 0x53: return CONSOLE_KEY_DELETE;
    case 0x1C: return '\n';
    case 0x35: return '/';
    default: return NO_KEY;
    }
}

static bool is_letter(char key)
{
    return (key >= 'a' && key <= 'z') || (key >= 'A' && key <= 'Z');
}

static uint32_t plain_key(const struct scancode *state, uint8_t code)
{
    if (code >= sizeof(plain) - 1 || plain[code] == '\0')
        return NO_KEY;
    bool upper = state->shift != (state->caps && is_letter(plain[code]));
    char key = upper ? shifted[code] : plain[code];
    if (state->control)
        return is_letter(key) ? CONTROL((uint8_t)key) : NO_KEY;
    return (uint8_t)key;
}

uint32_t scancode_next(struct scancode *state, uint8_t code)
{
    bool extended = state->extended, pressed = !(code & RELEASED);
    uint8_t key = code & (uint8_t)~RELEASED;
    state->extended = code == EXTENDED;
    if (code == EXTENDED)
        return NO_KEY;
    if (key == CONTROL_KEY) {
        state->control = pressed;
    } else if (!extended && (key == LEFT_SHIFT || key == RIGHT_SHIFT)) {
        state->shift = pressed;
    } else if (pressed && key == CAPS_LOCK) {
        state->caps = !state->caps;
    } else if (pressed) {
        return extended ? extended_key(state, key) : plain_key(state, key);
    }
    return NO_KEY;
}
