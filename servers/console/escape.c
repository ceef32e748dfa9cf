/* The escape sequences that terminals send for keys: ESC [ letter, ESC [ number ~, ESC O letter. */
#include "internal.h"

enum { NOTHING, AFTER_ESCAPE, IN_SEQUENCE };

static uint32_t key_of_letter(uint8_t letter)
{
    switch (letter) {
    case 'A': return CONSOLE_KEY_UP;
    case 'B': return CONSOLE_KEY_DOWN;
    case 'C': return CONSOLE_KEY_RIGHT;
    case 'D': return CONSOLE_KEY_LEFT;
    case 'H': return CONSOLE_KEY_HOME;
    case 'F': return CONSOLE_KEY_END;
    default: return NO_KEY;
    }
}

static uint32_t key_of_number(uint8_t number)
{
    switch (number) {
    case 1: case 7: return CONSOLE_KEY_HOME;
    case 3: return CONSOLE_KEY_DELETE;
    case 4: case 8: return CONSOLE_KEY_END;
    case 5: return CONSOLE_KEY_PAGE_UP;
    case 6: return CONSOLE_KEY_PAGE_DOWN;
    default: return NO_KEY;
    }
}

static uint32_t in_sequence(struct escape *escape, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        escape->number = (uint8_t)(escape->number * 10 + (byte - '0'));
        return NO_KEY;
    }
    if (byte == ';') {
        escape->number = 0;
        return NO_KEY;
    }
    escape->state = NOTHING;
    return byte == '~' ? key_of_number(escape->number) : key_of_letter(byte);
}

uint32_t escape_next(struct escape *escape, uint8_t byte)
{
    switch (escape->state) {
    case IN_SEQUENCE:
        return in_sequence(escape, byte);
    case AFTER_ESCAPE:
        escape->state = byte == '[' || byte == 'O' ? IN_SEQUENCE : NOTHING;
        escape->number = 0;
        return NO_KEY;
    default:
        escape->state = byte == ESCAPE ? AFTER_ESCAPE : NOTHING;
        return byte == ESCAPE ? NO_KEY : byte == '\r' ? '\n' : byte;
    }
}
