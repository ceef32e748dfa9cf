/* The two gates as inline stubs: one-DWORD call through each, and the null entry of each.
 *
 * SYSENTER keeps nothing but ESP and EIP, so its stubs clobber every register and the compiler spills only what lives.
 * User code is compiled with -fomit-frame-pointer, so EBP can be among them. Where gcc realigns the stack it needs EBP
 * itself and says "bp cannot be used in asm": it does so in main(), and, below -mpreferred-stack-boundary=3, in every
 * function that returns 64 bits, such as a handler. Idea: the user stubs of seL4 and Pistachio. */
#ifndef GATES_H
#define GATES_H

#include <postern.h>

/* Gate: SYSENTER. Returns the kernel's status; *reply and *status (the service's) are valid when it is 0. */
static inline __attribute__((always_inline))
status_t gate_call_sysenter(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    uint32_t kernel_status = endpoint;
    __asm__ volatile("movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "sysenter\n"
                     "1:"
                     : "+a"(kernel_status), "+b"(word), "+S"(method)
                     :
                     : "ecx", "edx", "edi", "ebp", "memory", "cc");
    *reply = word;
    *status = (status_t)method;
    return (status_t)kernel_status;
}

/* Gate: INT 250, the same call; every register that is not a result is kept. */
static inline __attribute__((always_inline))
status_t gate_call_int(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    uint32_t kernel_status = SYS_call;
    handle_t attached = HANDLE_NONE;
    __asm__ volatile("int $250"
                     : "+a"(kernel_status), "+b"(word), "+S"(method), "+D"(attached)
                     : "c"(endpoint), "d"(TIMEOUT_NEVER)
                     : "memory", "cc");
    *reply = word;
    *status = (status_t)method;
    return (status_t)kernel_status;
}

/* Gate: SYSENTER. Enters the kernel and leaves it; returns OP_NULL. */
static inline __attribute__((always_inline)) status_t gate_null_sysenter(void)
{
    int32_t status = OP_NULL;
    __asm__ volatile("movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "sysenter\n"
                     "1:"
                     : "+a"(status)
                     :
                     : "ebx", "ecx", "edx", "esi", "edi", "ebp", "memory", "cc");
    return status;
}

/* Gate: INT 250. Enters the kernel and leaves it; returns OK. */
static inline __attribute__((always_inline)) status_t gate_null_int(void)
{
    int32_t status = SYS_null;
    __asm__ volatile("int $250" : "+a"(status) : : "memory", "cc");
    return status;
}

#endif
