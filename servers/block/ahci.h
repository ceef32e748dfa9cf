/* AHCI: one port of a controller, with one disk. */
#ifndef AHCI_H
#define AHCI_H

#include "ata.h"
#include "device.h"

struct ahci_port {
    struct queue queue;             /* first: the queue's driver functions get its address */
    char name[16];
    volatile uint32_t *registers;   /* of the port */
    uint32_t waiting;               /* slots whose command is ready, but not issued: after an error, one goes at a time */
    uint32_t issued;                /* slots whose command the controller has */
    bool one_at_a_time;
    struct dma memory;              /* command list, received FIS, command tables */
};

/* Starts the port. E_NOT_FOUND: no disk is there. */
status_t ahci_port_open(const struct pci_device *pci, volatile uint32_t *registers, uint32_t number, uint32_t slots,
                        struct ahci_port **opened);
/* Asks the disk what it is, and makes it known. */
status_t ahci_port_identify(struct ahci_port *port, bool reaches_4gib);

#endif
