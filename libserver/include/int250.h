/* The gate of every kernel call. system.h gives it types; a fake kernel has another one (libserver/testing). */
#ifndef INT250_H
#define INT250_H

#include <stdint.h>

#include <postern.h>

#define SYSTEM_INLINE static inline __attribute__((always_inline))

/* EAX: number in, status out. EBX: first argument in, result out. Every other register is kept by the kernel. */
SYSTEM_INLINE status_t system_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
                                   uint32_t *result)
{
    __asm__ volatile("int $250" : "+a"(number), "+b"(a) : "c"(b), "d"(c), "S"(d), "D"(e) : "memory", "cc");
    *result = a;
    return (status_t)number;
}

/* What travels with a call or a reply. */
struct message {
    uint32_t word;
    union {
        uint32_t method; /* of a request */
        status_t status; /* of a reply: the service's */
    };
    handle_t handle;     /* attached; HANDLE_NONE: none */
};

/* The three calls that use ESI and EDI both ways. */
SYSTEM_INLINE status_t system_message(uint32_t number, uint32_t b, uint32_t c, struct message *message)
{
    __asm__ volatile("int $250"
                     : "+a"(number), "+b"(message->word), "+S"(message->method), "+D"(message->handle)
                     : "c"(b), "d"(c)
                     : "memory", "cc");
    return (status_t)number;
}

#endif
