/* The kernel log on COM1, polled. */
#include "arch.h"
#include "io.h"

#define COM1 0x3F8
#define LINE_STATUS (COM1 + 5)
#define TRANSMIT_EMPTY 0x20
#define POLLS_MAX 100000u /* a machine without COM1 must not hang */

void serial_start(void)
{
    port_write(COM1 + 1, 0);    /* no interrupts */
    port_write(COM1 + 3, 0x80); /* divisor latch */
    port_write(COM1 + 0, 1);    /* 115200 baud */
    port_write(COM1 + 1, 0);
    port_write(COM1 + 3, 3);    /* 8 bits, no parity, 1 stop bit */
    port_write(COM1 + 2, 7);    /* FIFOs on, cleared */
}

void arch_log_write(char character)
{
    for (uint32_t polls = 0; !(port_read(LINE_STATUS) & TRANSMIT_EMPTY) && polls < POLLS_MAX; polls++)
        ;
    port_write(COM1, (uint8_t)character);
}

void serial_drain(void)
{
    for (uint32_t polls = 0; !(port_read(LINE_STATUS) & 0x40) && polls < POLLS_MAX; polls++)
        ;
}
