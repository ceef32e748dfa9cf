/* What the PCI service offers: configuration space for everybody it serves, and to a driver the handles of its own device.
 *
 * A device is named by its address: bus << 8 | device << 3 | function. Which devices a client may drive stands in the
 * system list (pci = [...]); all others it can only look at. */
#ifndef PCI_H
#define PCI_H

#include <server.h>

/* Where something of a device is meant, it is the word's upper half. Drivers have driver/driver.h, which knows that. */
#define PCI_METHODS(METHOD) \
    /* Address of the n-th device (from 0), in the order of buses. E_NOT_FOUND: there are not so many */ \
    METHOD(PCI_FIND, pci_find, WORD(uint32_t, n), WORD(uint32_t, address)) \
    /* The same among the devices that the caller may drive. */ \
    METHOD(PCI_FIND_MINE, pci_find_mine, WORD(uint32_t, n), WORD(uint32_t, address)) \
    /* address | offset << 16, offset a multiple of 4 (to 0xFFC with ECAM, to 0xFC otherwise): that DWORD of configuration space.
       E_BAD_ARGUMENT, E_NOT_FOUND: no such device */ \
    METHOD(PCI_READ, pci_read, WORD(uint32_t, address_and_offset), WORD(uint32_t, value)) \
    /* The rest is for the device's own driver, E_NO_RIGHT for others. */ \
    /* First: switches the device's bus mastering and interrupt off, so that nothing of an earlier driver goes on. process: the
       driver's (RIGHT_READ), whose end is the claim's; E_BAD_HANDLE without. E_BUSY: another live client has it */ \
    METHOD(PCI_CLAIM, pci_claim, WORD_AND_HANDLE(uint32_t, address, process), NOTHING) \
    /* address | PCI_ENABLE_* << 16: the bits of the command register to set, others cleared */ \
    METHOD(PCI_ENABLE, pci_enable, WORD(uint32_t, address_and_bits), NOTHING) \
    /* address | register (0 to 5) << 16. Size in bytes, and a handle of the range: device memory (whole pages; the BAR's low 12
       bits say where in the first page) or I/O ports (already narrowed, to be granted by ioport_grant). IDE controllers in
       compatibility mode have the fixed ranges. E_NOT_FOUND: no such BAR; E_NOT_SUPPORTED: it shares a page with another
       device's, or lies above 16 TiB */ \
    METHOD(PCI_BAR, pci_bar, WORD(uint32_t, address_and_register), WORD_AND_HANDLE(uint32_t, size, range)) \
    /* address | channel << 16 (0, or 1 for the second IDE channel). Bit 0 of the notification is set at each interrupt of the
       device's line, which may be shared. E_NOT_FOUND: it has none */ \
    METHOD(PCI_INTERRUPT, pci_interrupt, WORD(uint32_t, address_and_channel), HANDLE(notification)) \
    /* The device is silent: the line may be unmasked when all its drivers have said so. To be called after every bit 0, also when
       the interrupt was another device's */ \
    METHOD(PCI_INTERRUPT_DONE, pci_interrupt_done, WORD(uint32_t, address_and_channel), NOTHING)
METHODS_NUMBERS(PCI_METHODS)

#define PCI_ENABLE_IO 1u
#define PCI_ENABLE_MEMORY 2u
#define PCI_ENABLE_MASTER 4u

#endif
