/* Ports of devices, which our line of the system list lets us use. */
#ifndef IO_PORTS_H
#define IO_PORTS_H

#include <stdint.h>

/* Writes a byte to a port. One that is not ours is a fault. */
static inline void port_write(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/* Reads a byte from a port. One that is not ours is a fault. */
static inline uint8_t port_read(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

#endif
