/* The driver's side of the PCI service. */
#include "driver.h"

#include <init.h>

#define CONFIG_CLASS 0x08u
#define CONFIG_BAR 0x10u
#define BAR_IS_PORTS 1u
#define PORTS_MASK 0xFFFCu
#define NUMBER_SHIFT 16         /* of the word of a request: the upper half */
#define DRIVER_BIT 1u           /* of the notification */
#define CLASS_IDE 0x0101u
#define IDE_NATIVE(bar) ((bar) < 2 ? 1u : 4u)

static bool claimed;            /* some device, ever */

void begin_again(void)
{
    print("%s: the PCI service has forgotten our claims: we must begin again\n", program_name());
    process_exit(1);
}

/* Every answer of the service passes here. Whoever goes on without a claim takes good devices for broken ones. */
static status_t checked(status_t status)
{
    if (status == E_PEER_DIED || (status == E_NO_RIGHT && claimed))
        begin_again();
    return status;
}

static status_t call(const struct pci_device *device, uint32_t method, uint32_t number)
{
    return checked(service_call(device->service, method, device->address | number << NUMBER_SHIFT, NULL));
}

static status_t call_for_handle(const struct pci_device *device, uint32_t method, uint32_t number, uint32_t *answer,
                                handle_t *handle)
{
    return checked(service_call_full(device->service, method, device->address | number << NUMBER_SHIFT, TIMEOUT_NEVER,
                                     HANDLE_NONE, answer, handle));
}

status_t pci_find_mine(handle_t service, uint32_t n, struct pci_device *device)
{
    device->service = service;
    return checked(service_call(service, PCI_FIND_MINE, n, &device->address));
}

uint32_t pci_read(const struct pci_device *device, uint32_t offset)
{
    uint32_t value = UINT32_MAX;
    checked(service_call(device->service, PCI_READ, device->address | offset << NUMBER_SHIFT, &value));
    return value;
}

/* The service watches our process, so that the claim ends with it. */
status_t pci_claim(const struct pci_device *device)
{
    handle_t process;
    status_t status = handle_duplicate(self_process(), RIGHT_READ | RIGHT_TRANSFER, 0, &process);
    if (status != OK)
        return status;
    status = checked(service_call_full(device->service, PCI_CLAIM, device->address, TIMEOUT_NEVER, process, NULL, NULL));
    if (status != OK)
        handle_close(process); /* it may be gone already, which is as good */
    claimed |= status == OK;
    return status;
}

status_t pci_enable(const struct pci_device *device, uint32_t bits)
{
    return call(device, PCI_ENABLE, bits);
}

/* ---- memory ---- */

status_t dma_keep(handle_t memory, uint32_t *number)
{
    handle_t copy;
    status_t status = handle_duplicate(memory, RIGHT_TRANSFER, 0, &copy);
    if (status != OK)
        return status;
    status = init_dma_keep(init_endpoint(), copy, number);
    if (status != OK)
        handle_close(copy); /* it may be gone already, which is as good */
    return status;
}

void dma_drop(uint32_t number)
{
    init_dma_drop(init_endpoint(), number);
}

void dma_quiet(void)
{
    init_dma_quiet(init_endpoint());
}

/* ---- base address registers ---- */

/* IDE controllers in compatibility mode have fixed ports, whatever their registers say. */
static uint16_t first_port(const struct pci_device *device, uint32_t number)
{
    static const uint16_t fixed[] = { 0x1F0, 0x3F6, 0x170, 0x376 };
    uint32_t class_code = pci_read(device, CONFIG_CLASS) >> 8;
    if (class_code >> 8 == CLASS_IDE && number < COUNT(fixed) && !(class_code & IDE_NATIVE(number)))
        return fixed[number];
    uint32_t value = pci_read(device, CONFIG_BAR + number * 4);
    return value & BAR_IS_PORTS ? (uint16_t)(value & PORTS_MASK) : 0;
}

static status_t map(const struct pci_device *device, uint32_t number, handle_t memory, struct pci_range *range)
{
    uint32_t pages, offset = pci_read(device, CONFIG_BAR + number * 4) & (PAGE_SIZE - 1) & ~0xFu;
    status_t status = memory_info(memory, MEMORY_INFO_PAGES, &pages);
    if (status != OK)
        return status;
    uint32_t window = address_reserve(pages);
    if (window == 0)
        return E_NO_MEMORY;
    status = process_map(self_process(), memory, window, PROTECT_READ | PROTECT_WRITE, 0, pages);
    if (status != OK)
        address_release(window, pages);
    else
        range->memory = (volatile uint8_t *)window + offset;
    return status;
}

/* What the mapping or the grant gives stays; the handle need not. */
status_t pci_open_bar(const struct pci_device *device, uint32_t number, struct pci_range *range)
{
    handle_t handle = HANDLE_NONE;
    *range = (struct pci_range){ .port = first_port(device, number) };
    status_t status = call_for_handle(device, PCI_BAR, number, &range->size, &handle);
    if (status != OK)
        return status;
    status = range->port ? ioport_grant(handle, self_process()) : map(device, number, handle, range);
    handle_close(handle);
    return status;
}

/* ---- interrupts ---- */

struct interrupt {
    struct pci_device device;
    uint32_t channel;
    handle_t notification;
    void (*handler)(void *);
    void *argument;
};

static void serve_interrupts(void *argument)
{
    const struct interrupt *interrupt = argument;
    uint32_t bits;
    for (;;) {
        if (notification_wait(interrupt->notification, DRIVER_BIT, TIMEOUT_NEVER, &bits) != OK)
            continue;
        interrupt->handler(interrupt->argument);
        call(&interrupt->device, PCI_INTERRUPT_DONE, interrupt->channel);
    }
}

status_t pci_on_interrupt(const struct pci_device *device, uint32_t channel, void (*handler)(void *), void *argument)
{
    handle_t thread;
    struct interrupt *interrupt = pages_allocate(sizeof(*interrupt)); /* for as long as we live */
    if (!interrupt)
        return E_NO_MEMORY;
    *interrupt = (struct interrupt){ *device, channel, HANDLE_NONE, handler, argument };
    status_t status = call_for_handle(device, PCI_INTERRUPT, channel, NULL, &interrupt->notification);
    if (status == OK)
        status = thread_spawn(serve_interrupts, interrupt, 0, &thread);
    if (status == OK)
        handle_close(thread);
    else
        pages_free(interrupt, sizeof(*interrupt));
    return status;
}
