/* In place of libserver/include/gates.h: both gates lead to the service that the test names (fake.c). */
#ifndef GATES_H
#define GATES_H

#include <postern.h>

status_t gate_call_sysenter(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status);
status_t gate_call_int(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status);

#endif
