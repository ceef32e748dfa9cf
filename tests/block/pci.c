/* The PCI service: what it refuses; a line that two drivers share; a driver that dies with its interrupt raised.
 *
 * QEMU's edu device is the one to drive: it raises its interrupt when told so, and keeps it up until it is acknowledged. The
 * host puts it on the line of the disk under test. */
#include "test.h"
#include "../../servers/pci/driver/driver.h"

#include <init.h>

#define VICTIM_RAISE 0 /* method of the victim */
#define EDU_ID 0x11E81234u
#define EDU_IDENTITY 0x00u      /* registers */
#define EDU_INTERRUPT_RAISE 0x60u
#define EDU_INTERRUPT_ACKNOWLEDGE 0x64u
#define EDU_IS(identity) (((identity) & 0xFFFF) == 0x00ED)
#define CONFIG_INTERRUPT 0x3Cu
#define SECOND 1000000u

static handle_t pci;
static struct pci_device edu;
static struct pci_range registers;
static handle_t raised;

static volatile uint32_t *edu_register(uint32_t offset)
{
    return (volatile uint32_t *)(registers.memory + offset);
}

static uint32_t find_device(uint32_t id)
{
    struct pci_device device = { pci, 0 };
    for (uint32_t i = 0; service_call(pci, PCI_FIND, i, &device.address) == OK; i++)
        if (pci_read(&device, 0) == id)
            return device.address;
    return UINT32_MAX;
}

static void list_devices(void)
{
    struct pci_device device = { pci, 0 };
    uint32_t count, before = 0;
    bool in_order = true;
    for (count = 0; service_call(pci, PCI_FIND, count, &device.address) == OK; count++) {
        print("pci 0x%x: %08x class %06x line %u\n", device.address, pci_read(&device, 0), pci_read(&device, 8) >> 8,
              pci_read(&device, CONFIG_INTERRUPT) & 0xFF);
        in_order = in_order && (count == 0 || device.address > before);
        before = device.address;
    }
    report(count > 3 && in_order, "devices in the order of buses");
}

static status_t ask(uint32_t method, uint32_t address, uint32_t upper)
{
    return service_call(pci, method, address | upper << 16, NULL);
}

static uint32_t kept;

static status_t keep(void)
{
    handle_t memory;
    status_t status = memory_create(1, 0, &memory);
    if (status != OK)
        return status;
    status = dma_keep(memory, &kept);
    handle_close(memory);
    return status;
}

static void refusals(uint32_t address)
{
    const struct pci_device bridge = { pci, 0 };
    uint32_t last;
    report(ask(PCI_READ, 0xFFFF, 0) == E_NOT_FOUND, "no such device");
    report(ask(PCI_READ, 0, 2) == E_BAD_ARGUMENT, "an offset that is no multiple of 4");
    report(ask(PCI_READ, 0, 0x1000) == E_BAD_ARGUMENT, "an offset behind the space");
    report((service_call(pci, PCI_READ, 0xFFCu << 16, &last) == OK) == (argument("ecam") != NULL),
           "extended configuration space only where there is ECAM");
    report(pci_claim(&bridge) == E_NO_RIGHT, "a claim of a device that is not ours to drive");
    report(ask(PCI_ENABLE, address, PCI_ENABLE_MEMORY) == E_NO_RIGHT, "use without a claim");
    report(ask(PCI_BAR, address, 0) == E_NO_RIGHT, "a BAR without a claim");
    report(ask(PCI_INTERRUPT, address, 0) == E_NO_RIGHT, "an interrupt without a claim");
    report(ask(PCI_INTERRUPT_DONE, address, 0) == E_NO_RIGHT, "its end without a claim");
    report(ask(PCI_CLAIM, address, 0) != OK, "a claim without a process");
    report(init_dma_drop(init_endpoint(), 0) == E_NOT_FOUND, "another driver's memory dropped");
    report(init_dma_drop(init_endpoint(), 0xFFFFFFFF) == E_NOT_FOUND, "memory that nobody keeps dropped");
    report(ask(METHODS_COUNT(PCI_METHODS), 0, 0) == E_NO_METHOD, "no such method");
}

/* ---- the device ---- */

static void on_interrupt(void *unused)
{
    (void)unused;
    *edu_register(EDU_INTERRUPT_ACKNOWLEDGE) = 1;
    notification_signal(raised, 1);
}

/* The driver that the PCI service has to outlive leaves the interrupt raised. */
static void die_at_interrupt(void *unused)
{
    (void)unused;
    process_exit(0);
}

static status_t open_edu(void (*handler)(void *))
{
    status_t status = notification_create(&raised);
    if (status == OK)
        status = pci_enable(&edu, PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER);
    if (status == OK)
        status = pci_open_bar(&edu, 0, &registers);
    if (status == OK && !EDU_IS(*edu_register(EDU_IDENTITY)))
        status = E_IO;
    if (status == OK)
        status = pci_on_interrupt(&edu, 0, handler, NULL);
    return status;
}

static bool interrupt_comes(void)
{
    uint32_t bits;
    *edu_register(EDU_INTERRUPT_RAISE) = 1;
    return notification_wait(raised, 1, SECOND, &bits) == OK;
}

static bool disk_reads(void)
{
    return run(0, BLOCK_READ, 0, BLOCK_PAGES * PAGE_SECTORS, 1) == OK;
}

/* The victim announces itself when it has the device, and holds it until it is told to raise the interrupt that ends it. */
static void outlive_the_victim(void)
{
    handle_t victim;
    if (service_find("victim", &victim) != OK)
        return;
    status_t status = pci_claim(&edu);
    report(status == E_BUSY, "a device that another driver has");
    service_call(victim, VICTIM_RAISE, 0, NULL);
    for (uint32_t i = 0; i < 40 && status == E_BUSY; i++) {
        sleep_microseconds(SECOND / 20);
        status = pci_claim(&edu);
    }
    report(status == OK, "it can be claimed once that driver is dead");
    report(disk_reads(), "the disk on the same line still works");
}

static void drive(void)
{
    bool good = true;
    report(open_edu(on_interrupt) == OK, "a device of our own");
    for (uint32_t i = 0; i < 50 && good; i++)
        good = interrupt_comes() && disk_reads();
    report(good, "interrupts of two devices on one line");
    report(keep() == OK, "memory kept");
    report(init_dma_drop(init_endpoint(), kept) == OK, "memory dropped");
    report(init_dma_drop(init_endpoint(), kept) == E_NOT_FOUND, "memory dropped twice");
    report(init_dma_keep(init_endpoint(), HANDLE_NONE, NULL) == E_BAD_HANDLE, "no memory to keep");
    report(ask(PCI_BAR, edu.address, 1) == E_NOT_FOUND, "no such BAR");
    report(ask(PCI_BAR, edu.address, 6) == E_BAD_ARGUMENT, "no BAR of that number");
    report(ask(PCI_INTERRUPT, edu.address, 1) == E_NOT_FOUND, "no second interrupt");
    report(ask(PCI_INTERRUPT, edu.address, 2) == E_BAD_ARGUMENT, "no interrupt of that number");
    report(ask(PCI_ENABLE, edu.address, 8) == E_BAD_ARGUMENT, "no such bit to enable");
}

void pci_cases(void)
{
    if (service_find("pci", &pci) != OK)
        return;
    list_devices();
    edu = (struct pci_device){ pci, find_device(EDU_ID) };
    if (edu.address == UINT32_MAX)
        return;
    refusals(edu.address);
    outlive_the_victim();
    drive();
}

static reply_t raise_interrupt(const request_t *rq)
{
    (void)rq;
    *edu_register(EDU_INTERRUPT_RAISE) = 1;
    return reply(0);
}

static const method_t victim_methods[] = { [VICTIM_RAISE] = raise_interrupt };

int pci_victim(void)
{
    status_t status = service_find("pci", &pci);
    if (status == OK)
        status = pci_find_mine(pci, 0, &edu);
    if (status == OK)
        status = pci_claim(&edu);
    if (status == OK)
        status = open_edu(die_at_interrupt);
    if (status == OK)
        status = server_run(NULL, victim_methods, COUNT(victim_methods));
    print("victim: %s\n", status_text(status));
    return 1;
}
