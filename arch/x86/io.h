/* Port I/O and control registers, as inline instructions. */
#ifndef ARCH_X86_IO_H
#define ARCH_X86_IO_H

#include <stdint.h>

static inline void port_write(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline uint8_t port_read(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

#define CONTROL_REGISTER(name, number)                                                          \
    static inline uint32_t name##_read(void)                                                    \
    {                                                                                           \
        uint32_t value;                                                                         \
        __asm__ volatile("movl %%cr" #number ", %0" : "=r"(value));                             \
        return value;                                                                           \
    }                                                                                           \
    static inline void name##_write(uint32_t value) { __asm__ volatile("movl %0, %%cr" #number : : "r"(value) : "memory"); }
CONTROL_REGISTER(cr0, 0)
CONTROL_REGISTER(cr2, 2)
CONTROL_REGISTER(cr3, 3)
CONTROL_REGISTER(cr4, 4)
#undef CONTROL_REGISTER

static inline void page_invalidate(uint32_t address) { __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory"); }

static inline uint64_t msr_read(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

#endif
