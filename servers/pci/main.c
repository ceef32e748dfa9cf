/* The PCI service: shows every device to everybody, and gives each driver what it needs to drive its own. */
#include "bus.h"

#define ADDRESS(word) ((word) & 0xFFFF)
#define UPPER(word) ((word) >> 16)
#define ENABLE_BITS (PCI_ENABLE_IO | PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER)

struct lock bus_lock;

/* ---- looking ---- */

static reply_t serve_pci_find(const request_t *rq)
{
    return rq->word < device_count ? reply(devices[rq->word].address) : reply_error(E_NOT_FOUND);
}

static reply_t serve_pci_find_mine(const request_t *rq)
{
    uint32_t left = rq->word;
    for (uint32_t i = 0; i < device_count; i++)
        if (may_drive(rq->badge, &devices[i]) && left-- == 0)
            return reply(devices[i].address);
    return reply_error(E_NOT_FOUND);
}

static reply_t serve_pci_read(const request_t *rq)
{
    uint32_t address = ADDRESS(rq->word), offset = UPPER(rq->word);
    if (!device_find(address))
        return reply_error(E_NOT_FOUND);
    if (offset % 4 || offset >= config_size(address >> 8))
        return reply_error(E_BAD_ARGUMENT);
    lock_acquire(&bus_lock);
    uint32_t value = config_read(address, offset);
    lock_release(&bus_lock);
    return reply(value);
}

/* ---- driving ---- */

/* A handle that came along is ours to close, whatever we answer. */
static reply_t serve_pci_claim(const request_t *rq)
{
    struct device *device = device_find(ADDRESS(rq->word));
    status_t status = !device ? E_NOT_FOUND : may_drive(rq->badge, device) ? OK : E_NO_RIGHT;
    if (status != OK) {
        if (rq->handle != HANDLE_NONE)
            handle_close(rq->handle);
        return reply_error(status);
    }
    lock_acquire(&bus_lock);
    status = claim(device, rq->badge, rq->handle);
    lock_release(&bus_lock);
    return reply_error(status);
}

/* The device that the caller has claimed and the word names, locked; NULL and *status otherwise. `numbers`: how many
 * things of the device the upper half of the word may name. */
static struct device *lock_own(const request_t *rq, uint32_t numbers, status_t *status)
{
    struct device *device = device_find(ADDRESS(rq->word));
    *status = !device ? E_NOT_FOUND : UPPER(rq->word) >= numbers ? E_BAD_ARGUMENT : E_NO_RIGHT;
    if (*status != E_NO_RIGHT)
        return NULL;
    lock_acquire(&bus_lock);
    if (device->owner == rq->badge)
        return device;
    lock_release(&bus_lock);
    return NULL;
}

static reply_t serve_pci_enable(const request_t *rq)
{
    status_t status;
    struct device *device = lock_own(rq, ENABLE_BITS + 1, &status);
    if (!device)
        return reply_error(status);
    uint32_t kept = config_read(device->address, CONFIG_COMMAND) & COMMAND_INTERRUPT_OFF;
    config_command(device->address, kept | UPPER(rq->word));
    lock_release(&bus_lock);
    return reply(0);
}

static reply_t serve_pci_bar(const request_t *rq)
{
    handle_t handle = HANDLE_NONE;
    status_t status;
    const struct device *device = lock_own(rq, BARS, &status);
    if (!device)
        return reply_error(status);
    status = bar_handle(device, UPPER(rq->word), &handle);
    lock_release(&bus_lock);
    return status == OK ? reply_handle((uint32_t)device->bars[UPPER(rq->word)].size, handle) : reply_error(status);
}

static reply_t serve_pci_interrupt(const request_t *rq)
{
    handle_t handle = HANDLE_NONE;
    status_t status;
    struct device *device = lock_own(rq, CHANNELS, &status);
    if (!device)
        return reply_error(status);
    status = interrupt_attach(device, UPPER(rq->word), &handle);
    lock_release(&bus_lock);
    return status == OK ? reply_handle(0, handle) : reply_error(status);
}

static reply_t serve_pci_interrupt_done(const request_t *rq)
{
    status_t status;
    struct device *device = lock_own(rq, CHANNELS, &status);
    if (!device)
        return reply_error(status);
    status = interrupt_done(device, UPPER(rq->word));
    lock_release(&bus_lock);
    return reply_error(status);
}

/* ---- start ---- */

static const method_t methods[] = METHODS_TABLE(PCI_METHODS);

int main(void)
{
    status_t status = lock_init(&bus_lock);
    if (status == OK)
        status = interrupts_start();
    if (status != OK) {
        print("%s: cannot start: %s\n", program_name(), status_text(status));
        return status;
    }
    scan_all();
    return server_run(NULL, methods, COUNT(methods), .handles = METHODS_HANDLES(PCI_METHODS), .count_calls = true);
}
