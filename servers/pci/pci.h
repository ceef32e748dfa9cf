/* What the PCI service offers: configuration space for everybody it serves, and to a driver the handles of its own device.
 *
 * A device is named by its address: bus << 8 | device << 3 | function. Which devices a client may drive stands in the
 * system list (pci = [...]); all others it can only look at. */
#ifndef PCI_H
#define PCI_H

#define PCI_FIND 0      /* word: n. Reply: address of the n-th device (from 0), in the order of buses.
                           E_NOT_FOUND: there are not so many */
#define PCI_FIND_MINE 1 /* the same among the devices that the caller may drive */
#define PCI_READ 2      /* word: address | offset << 16, offset a multiple of 4 (to 0xFFC with ECAM, to 0xFC otherwise).
                           Reply: that DWORD of configuration space. E_BAD_ARGUMENT, E_NOT_FOUND: no such device */

/* For the device's own driver, E_NO_RIGHT for others. */
#define PCI_CLAIM 3     /* word: address. First: switches the device's bus mastering and interrupt off, so that nothing of
                           an earlier driver goes on. Attached: the driver's process (RIGHT_READ), whose end is the
                           claim's; E_BAD_HANDLE without. E_BUSY: another live client has it */
#define PCI_ENABLE 4    /* word: address | PCI_ENABLE_* << 16: the bits of the command register to set, others cleared */
#define PCI_BAR 5       /* word: address | register (0 to 5) << 16. Reply: size in bytes, and a handle of the range: device
                           memory (whole pages; the BAR's low 12 bits say where in the first page) or I/O ports (already
                           narrowed, to be granted by ioport_grant). IDE controllers in compatibility mode have the fixed
                           ranges. E_NOT_FOUND: no such BAR; E_NOT_SUPPORTED: it shares a page with another device's, or
                           lies above 16 TiB */
#define PCI_INTERRUPT 6 /* word: address | channel << 16 (0, or 1 for the second IDE channel). Reply: a handle of a
                           notification; bit 0 is set at each interrupt of the device's line, which may be shared.
                           E_NOT_FOUND: it has none */
#define PCI_INTERRUPT_DONE 7 /* word: as PCI_INTERRUPT. The device is silent: the line may be unmasked when all its drivers
                           have said so. To be called after every bit 0, also when the interrupt was another device's */
#define PCI_METHODS 8

#define PCI_ENABLE_IO 1u
#define PCI_ENABLE_MEMORY 2u
#define PCI_ENABLE_MASTER 4u

#endif
