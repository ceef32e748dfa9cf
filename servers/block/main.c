/* The block service: finds its disks, then carries out its clients' requests, a worker for each. */
#include "device.h"
#include "disk.h"
#include "session.h"

#define TIMEOUT_MS 5000u        /* timeout= says otherwise */

#define CLASS_IDE 0x0101u
#define CLASS_AHCI 0x0106u
#define CONFIG_ID 0x00u
#define CONFIG_CLASS 0x08u
#define VENDOR_VIRTIO 0x1AF4u

/* ---- requests ---- */

/* The client may change a request at any time: it is read once, and what was checked is what is used. */
static void copy_request(struct block_request *copy, const struct block_request *shared)
{
    memcpy(copy, shared, sizeof(*copy));
    __asm__ volatile("" : : : "memory");
}

static status_t check(const struct block_request *request, const struct unit *unit)
{
    if (request->operation == BLOCK_FLUSH)
        return OK;
    if (request->operation > BLOCK_FLUSH || request->count == 0 || request->count > BLOCK_PAGES * PAGE_SECTORS ||
        request->sector >= unit->sectors || request->count > unit->sectors - request->sector)
        return E_BAD_ARGUMENT;
    return request->operation == BLOCK_WRITE && unit->disk->read_only ? E_NOT_SUPPORTED : OK;
}

static status_t find_pages(const session_t *session, const struct block_request *request, struct transfer *transfer)
{
    status_t status = OK;
    transfer->pages = (transfer->count + PAGE_SECTORS - 1) / PAGE_SECTORS;
    for (uint32_t i = 0; i < transfer->pages && status == OK; i++)
        status = session_page(session, request->pages[i], &transfer->frames[i], &transfer->data[i]);
    return status;
}

static status_t transfer(const session_t *session, const struct unit *unit, struct block_request *shared)
{
    struct block_request request;
    copy_request(&request, shared);
    status_t status = check(&request, unit);
    if (status != OK)
        return status;
    bool flush = request.operation == BLOCK_FLUSH;
    struct transfer command = { .operation = request.operation, .count = flush ? 0 : request.count,
                                .sector = flush ? 0 : unit->first + request.sector };
    status = find_pages(session, &request, &command);
    return status == OK ? disk_transfer(unit->disk, &command) : status;
}

static status_t describe(const session_t *session, const struct unit *unit, struct block_request *shared)
{
    const struct disk *disk = unit->disk;
    struct block_description description = { .sectors = unit->sectors, .first = unit->first, .read_only = disk->read_only,
                                             .running_high = disk->queue->running_high };
    (void)session;
    memcpy(description.driver, disk->driver, strlen(disk->driver));
    memcpy(description.model, unit->name, sizeof(description.model));
    memcpy(&shared->description, &description, sizeof(description));
    return OK;
}

/* ---- methods ---- */

/* The session is held, so that its memory stays while a device may reach it, whatever becomes of the client. */
static reply_t serve(const request_t *rq,
                     status_t (*what)(const session_t *session, const struct unit *unit, struct block_request *shared))
{
    status_t status = E_BAD_ARGUMENT;
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    struct block_request *shared = session_request(session, rq->word);
    if (shared) {
        const struct unit *unit = unit_find(*(volatile uint32_t *)&shared->unit);
        status = unit ? what(session, unit, shared) : E_NOT_FOUND;
    }
    session_release(session);
    return reply_error(status);
}

static reply_t serve_block_transfer(const request_t *rq) { return serve(rq, transfer); }
static reply_t serve_block_describe(const request_t *rq) { return serve(rq, describe); }

static reply_t serve_block_units(const request_t *rq)
{
    const struct unit *unit = unit_at(rq->word);
    return unit ? reply(unit->number) : reply_error(E_NOT_FOUND);
}

/* ---- start ---- */

static void open_device(const struct pci_device *device)
{
    uint32_t class_code = pci_read(device, CONFIG_CLASS) >> 16;
    if ((pci_read(device, CONFIG_ID) & 0xFFFF) == VENDOR_VIRTIO)
        virtio_open(device);
    else if (class_code == CLASS_IDE)
        ide_open(device);
    else if (class_code == CLASS_AHCI)
        ahci_open(device);
}

static void find_disks(void)
{
    struct pci_device device;
    status_t status = service_find("pci", &pci_service);
    if (status != OK) {
        print("%s: no PCI service: %s\n", program_name(), status_text(status));
        return;
    }
    for (uint32_t i = 0; pci_find_mine(pci_service, i, &device) == OK; i++)
        open_device(&device);
    dma_quiet();
}

static const method_t methods[] = METHODS_TABLE(BLOCK_METHODS);

int main(void)
{
    queue_timeout = argument_number("timeout", TIMEOUT_MS) * 1000;
    find_disks();
    return server_run(NULL, methods, COUNT(methods), .reserve = 1, .handles = METHODS_HANDLES(BLOCK_METHODS),
                      .count_calls = true);
}
