/* In place of libserver/include/int250.h: kernel calls go to the fake kernel (fake_kernel.c). */
#ifndef INT250_H
#define INT250_H

#include <stdint.h>

#include <postern.h>

#define SYSTEM_INLINE static inline

struct message {
    uint32_t word;
    union {
        uint32_t method;
        status_t status;
    };
    handle_t handle;
};

status_t system_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t *result);
status_t system_message(uint32_t number, uint32_t b, uint32_t c, struct message *message);

#endif
