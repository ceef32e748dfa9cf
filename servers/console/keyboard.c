/* The PS/2 keyboard behind an 8042 controller, which translates to set 1. */
#include "internal.h"

#define DATA 0x60
#define STATUS 0x64
#define COMMAND 0x64

#define OUTPUT_FULL 0x01u
#define INPUT_FULL 0x02u
#define FROM_MOUSE 0x20u
#define READ_CONFIGURATION 0x20u
#define WRITE_CONFIGURATION 0x60u
#define KEYBOARD_INTERRUPT 0x01u
#define KEYBOARD_DISABLED 0x10u
#define TRANSLATION 0x40u
#define TRIES 10000u
#define BYTES_AT_ONCE 64u       /* a controller that is not there always has something */

static struct scancode state;

static bool wait_until(uint8_t mask, uint8_t wanted)
{
    for (uint32_t i = 0; i < TRIES; i++)
        if ((port_read(STATUS) & mask) == wanted)
            return true;
    return false;
}

static void command(uint8_t value)
{
    wait_until(INPUT_FULL, 0);
    port_write(COMMAND, value);
}

static void drain(void)
{
    for (uint32_t i = 0; i < BYTES_AT_ONCE && (port_read(STATUS) & OUTPUT_FULL); i++)
        port_read(DATA);
}

void keyboard_start(void)
{
    drain();
    command(READ_CONFIGURATION);
    if (!wait_until(OUTPUT_FULL, OUTPUT_FULL))
        return;
    uint8_t configuration = port_read(DATA);
    command(WRITE_CONFIGURATION);
    wait_until(INPUT_FULL, 0);
    port_write(DATA, (uint8_t)((configuration | KEYBOARD_INTERRUPT | TRANSLATION) & ~KEYBOARD_DISABLED));
    drain();
}

void keyboard_take(void (*key)(uint32_t key))
{
    for (uint32_t i = 0; i < BYTES_AT_ONCE; i++) {
        uint8_t status = port_read(STATUS);
        if (!(status & OUTPUT_FULL))
            return;
        uint8_t code = port_read(DATA);
        uint32_t next = status & FROM_MOUSE ? NO_KEY : scancode_next(&state, code);
        if (next != NO_KEY)
            key(next);
    }
}
