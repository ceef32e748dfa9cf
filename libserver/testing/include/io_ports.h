/* In place of libserver/include/io_ports.h: ports lead to the device that the test plays (fake_ports() in fake.h). */
#ifndef IO_PORTS_H
#define IO_PORTS_H

#include <stdint.h>

void port_write(uint16_t port, uint8_t value);
uint8_t port_read(uint16_t port);

#endif
