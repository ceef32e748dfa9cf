/* The serial line COM1: a 16550 UART. Receiving raises interrupts, sending waits. The kernel has set speed and format. */
#include "internal.h"

#define BASE 0x3F8
#define DATA (BASE + 0)
#define INTERRUPT_ENABLE (BASE + 1)
#define FIFO_CONTROL (BASE + 2)
#define MODEM_CONTROL (BASE + 4)
#define LINE_STATUS (BASE + 5)

#define DATA_READY 0x01u
#define TRANSMITTER_EMPTY 0x20u
#define ABSENT 0xFFu            /* what ports without a device read as */
#define RECEIVE_INTERRUPT 0x01u
#define FIFOS_ON 0x01u
#define LINES_ON 0x0Bu          /* DTR, RTS and OUT2, which lets interrupts through */
#define WAIT_MOST 100000u       /* looks at the status for one byte: nobody may be there to read */

static bool present;
static struct escape escape;

void serial_start(void)
{
    present = port_read(LINE_STATUS) != ABSENT;
    if (!present)
        return;
    port_write(FIFO_CONTROL, FIFOS_ON);
    port_write(MODEM_CONTROL, LINES_ON);
    port_write(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
}

static void send(char byte)
{
    for (uint32_t i = 0; i < WAIT_MOST && !(port_read(LINE_STATUS) & TRANSMITTER_EMPTY); i++)
        continue;
    port_write(DATA, (uint8_t)byte);
}

void serial_write(const char *text, uint32_t bytes)
{
    for (uint32_t i = 0; present && i < bytes; i++) {
        if (text[i] == '\n')
            send('\r');
        send(text[i]);
    }
}

void serial_take(void (*key)(uint32_t key))
{
    while (present && (port_read(LINE_STATUS) & DATA_READY)) {
        uint32_t next = escape_next(&escape, port_read(DATA));
        if (next != NO_KEY)
            key(next);
    }
}
