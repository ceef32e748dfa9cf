/* What drivers have in common: ports, memory that devices reach, and waiting for a register. */
#ifndef DEVICE_H
#define DEVICE_H

#include <server.h>

#include "../pci/driver/driver.h"

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "d"(port)); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "d"(port)); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port)); }

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
    return value;
}

/* Stores before it are made before those behind it; the CPU keeps their order, the compiler need not. */
static inline void order_stores(void) { __asm__ volatile("" : : : "memory"); }

struct dma { /* physically contiguous memory of ours, below 4 GiB */
    uint8_t *base;
    uint32_t physical;
};

/* For good: init keeps it beyond our end. */
status_t dma_allocate(struct dma *dma, uint32_t pages);

/* Of PCI. */
extern handle_t pci_service;

/* Looks again and again, sleeping in between, until the bits of the mask read as `wanted`; false after `milliseconds`. */
bool await_bits(uint32_t (*read)(const void *), const void *from, uint32_t mask, uint32_t wanted, uint32_t milliseconds);

#endif
