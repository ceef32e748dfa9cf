/* What a driver asks of the PCI service, in functions: find, claim, reach and be interrupted by its own device. Compiled into
 * each driver that wants it (SOURCES_name in the Makefile). */
#ifndef PCI_DRIVER_H
#define PCI_DRIVER_H

#include <server.h>

#include "../pci.h"

struct pci_device {
    handle_t service;           /* of PCI */
    uint32_t address;           /* as in pci.h */
};

struct pci_range {              /* what a base address register decodes */
    uint32_t size;              /* bytes or ports */
    uint16_t port;              /* first port; 0: it is memory */
    volatile uint8_t *memory;   /* mapped, uncached; NULL: it is ports */
};

/* The PCI service has ended, and its next life knows nothing of our claims: we end, and init starts us again. Any function below
 * does so by itself when it learns of that. */
_Noreturn void begin_again(void);

/* The n-th device that we may drive. E_NOT_FOUND: there are not so many. */
status_t pci_find_mine(handle_t service, uint32_t n, struct pci_device *device);
/* A DWORD of configuration space; all ones where there is none. */
uint32_t pci_read(const struct pci_device *device, uint32_t offset);
/* Makes it ours until we end, silent as it must be before its driver starts. */
status_t pci_claim(const struct pci_device *device);
/* Sets PCI_ENABLE_* bits, and clears all others: what it answers to, and whether it may be master of the bus. */
status_t pci_enable(const struct pci_device *device, uint32_t bits);
/* Maps the range of BAR `number`, or lets us use its ports. */
status_t pci_open_bar(const struct pci_device *device, uint32_t number, struct pci_range *range);
/* From now on a thread of its own calls handler(argument) at each interrupt of the line, which may be another device's; when
 * it returns, the device must be silent. channel: 0, or 1 for the second of an IDE controller. */
status_t pci_on_interrupt(const struct pci_device *device, uint32_t channel, void (*handler)(void *), void *argument);

/* Memory is to be kept before a device learns of it: so it outlives us. dma_drop() says, by the number that dma_keep() has given,
 * that no device reaches it any more. */
status_t dma_keep(handle_t memory, uint32_t *number);
void dma_drop(uint32_t number);
/* All our devices have been reset since we began. */
void dma_quiet(void);

#endif
