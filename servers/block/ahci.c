/* AHCI: finds the controller's ports and their disks. What a port does is in ahci_port.c. Registers: Serial ATA AHCI 1.3.1. */
#include "ahci.h"

#define BAR_ABAR 5u
#define CAP 0x00u               /* generic host control */
#define GHC 0x04u
#define IS 0x08u
#define PI 0x0Cu
#define CAP_NCS(cap) (((cap) >> 8 & 0x1F) + 1)
#define CAP_S64A 0x80000000u
#define GHC_AE 0x80000000u
#define GHC_IE 0x00000002u
#define PORTS_MAX 32u
#define PORT_BASE(port) (0x100u + (port) * 0x80u)
#define ABAR_BYTES PORT_BASE(1) /* at least */

struct controller {
    volatile uint32_t *registers;
    uint32_t registers_bytes;
    struct ahci_port *ports[PORTS_MAX];
};

static volatile uint32_t *host_register(const struct controller *controller, uint32_t offset)
{
    return controller->registers + offset / 4;
}

/* The port's own cause is cleared before the controller's summary of it. */
static void ahci_controller_interrupt(void *argument)
{
    const struct controller *controller = argument;
    uint32_t causes = *host_register(controller, IS);
    for (uint32_t i = 0; i < PORTS_MAX; i++) {
        if (!(causes & 1u << i))
            continue;
        if (controller->ports[i])
            queue_interrupt(&controller->ports[i]->queue);
        *host_register(controller, IS) = 1u << i;
    }
}

static void open_port(const struct pci_device *device, struct controller *controller, uint32_t number)
{
    uint32_t cap = *host_register(controller, CAP);
    struct ahci_port *port = NULL;
    volatile uint32_t *registers = controller->registers + PORT_BASE(number) / 4;
    status_t status = ahci_port_open(device, registers, number, CAP_NCS(cap), &port);
    controller->ports[number] = port; /* before its disk is asked what it is: the answer comes by interrupt */
    if (status == OK)
        status = ahci_port_identify(port, !(cap & CAP_S64A));
    if (status != OK && status != E_NOT_FOUND) {
        print("%s: AHCI port %u: %s\n", program_name(), number, status_text(status));
        disk_skip();
    }
}

static status_t open_registers(const struct pci_device *device, struct controller *controller)
{
    struct pci_range range;
    status_t status = pci_open_bar(device, BAR_ABAR, &range);
    if (status == OK && (!range.memory || range.size < ABAR_BYTES))
        status = E_NOT_SUPPORTED;
    if (status != OK)
        return status;
    controller->registers = (volatile uint32_t *)range.memory;
    controller->registers_bytes = range.size;
    *host_register(controller, GHC) = GHC_AE;
    return OK;
}

static status_t open_controller(const struct pci_device *device, struct controller *controller)
{
    status_t status = open_registers(device, controller);
    if (status == OK)
        status = pci_on_interrupt(device, 0, ahci_controller_interrupt, controller);
    if (status != OK)
        return status;
    *host_register(controller, IS) = 0xFFFFFFFF;
    *host_register(controller, GHC) = GHC_AE | GHC_IE;
    uint32_t implemented = *host_register(controller, PI);
    for (uint32_t i = 0; i < PORTS_MAX && PORT_BASE(i + 1) <= controller->registers_bytes; i++)
        if (implemented & 1u << i)
            open_port(device, controller, i);
    return OK;
}

/* As in virtio.c: no device stays on the bus that was not reset. */
static status_t open_claimed(const struct pci_device *device, struct controller *controller)
{
    status_t status = pci_enable(device, PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER);
    if (status == OK)
        status = open_controller(device, controller);
    if (status != OK)
        pci_enable(device, 0);
    return status;
}

void ahci_open(const struct pci_device *device)
{
    struct controller *controller = pages_allocate(sizeof(*controller)); /* for as long as we live */
    status_t status = controller ? pci_claim(device) : E_NO_MEMORY;
    if (status == OK)
        status = open_claimed(device, controller);
    if (status != OK)
        print("%s: AHCI controller: %s\n", program_name(), status_text(status));
}
