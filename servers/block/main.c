/* The block service: finds its disks, then carries out its clients' requests, a worker for each. */
#include "disk.h"
#include "../pci/driver/driver.h"

#define TIMEOUT_MS 5000u        /* timeout= says otherwise */
#define WORKERS 16u

/* ---- requests ---- */

static struct block_request *request_of(const session_t *session, uint32_t index)
{
    if (!session || session->slot_size != PAGE_SIZE || index >= BLOCK_REQUESTS)
        return NULL;
    return (struct block_request *)session->base + index;
}

/* The client may change a request at any time: it is read once, and what was checked is what is used. */
static bool read_request(const request_t *rq, struct block_request *copy)
{
    const struct block_request *shared = request_of(request_session(rq), rq->word);
    if (!shared)
        return false;
    memcpy(copy, shared, sizeof(*copy));
    __asm__ volatile("" : : : "memory");
    return true;
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

/* Page 0 holds the requests and is no place for data. */
static status_t find_pages(const session_t *session, handle_t memory, const struct block_request *request,
                           struct transfer *transfer)
{
    status_t status = OK;
    transfer->pages = (transfer->count + PAGE_SECTORS - 1) / PAGE_SECTORS;
    for (uint32_t i = 0; i < transfer->pages && status == OK; i++) {
        if (request->pages[i] == 0 || request->pages[i] >= session->slots)
            return E_BAD_ARGUMENT;
        transfer->data[i] = session->base + request->pages[i] * PAGE_SIZE;
        status = memory_physical(memory, request->pages[i], &transfer->frames[i]);
    }
    return status;
}

static status_t carry_out(const session_t *session, handle_t memory, const struct block_request *request)
{
    const struct unit *unit = unit_find(request->unit);
    if (!unit)
        return E_NOT_FOUND;
    status_t status = check(request, unit);
    if (status != OK)
        return status;
    bool flush = request->operation == BLOCK_FLUSH;
    struct transfer transfer = { .operation = request->operation, .count = flush ? 0 : request->count,
                                 .sector = flush ? 0 : unit->first + request->sector };
    status = find_pages(session, memory, request, &transfer);
    return status == OK ? disk_transfer(unit->disk, &transfer) : status;
}

/* A handle of our own keeps the memory in being while a device may reach it, whatever becomes of the session. */
static reply_t transfer(const request_t *rq)
{
    const session_t *session = request_session(rq);
    struct block_request request;
    handle_t memory;
    if (!read_request(rq, &request))
        return reply_error(E_BAD_ARGUMENT);
    status_t status = handle_duplicate(session->memory, RIGHTS_ALL, 0, &memory);
    if (status != OK)
        return reply_error(status);
    status = carry_out(session, memory, &request);
    handle_close(memory);
    return reply_error(status);
}

/* ---- what there is ---- */

static reply_t units(const request_t *rq)
{
    const struct unit *unit = unit_at(rq->word);
    return unit ? reply(unit->number) : reply_error(E_NOT_FOUND);
}

static reply_t describe(const request_t *rq)
{
    struct block_request *shared = request_of(request_session(rq), rq->word), request;
    if (!read_request(rq, &request))
        return reply_error(E_BAD_ARGUMENT);
    const struct unit *unit = unit_find(request.unit);
    if (!unit)
        return reply_error(E_NOT_FOUND);
    struct block_description description = { .sectors = unit->sectors, .first = unit->first,
                                             .read_only = unit->disk->read_only, .running_high = unit->disk->queue->running_high };
    memcpy(description.driver, unit->disk->driver, strlen(unit->disk->driver));
    memcpy(description.model, unit->name, sizeof(description.model));
    memcpy(&shared->description, &description, sizeof(description));
    return reply(0);
}

/* ---- start ---- */

#define CLASS_IDE 0x0101u
#define CLASS_AHCI 0x0106u
#define CONFIG_ID 0x00u
#define CONFIG_CLASS 0x08u
#define VENDOR_VIRTIO 0x1AF4u

static void open_device(const struct pci_device *device)
{
    uint32_t class_code = pci_read(device, CONFIG_CLASS) >> 16;
    if ((pci_read(device, CONFIG_ID) & 0xFFFF) == VENDOR_VIRTIO)
        virtio_open(device);
    else if (class_code == CLASS_IDE)
        ide_open(device);
}

static void find_disks(void)
{
    handle_t pci;
    struct pci_device device;
    status_t status = service_find("pci", &pci);
    if (status != OK)
        print("%s: no PCI service: %s\n", program_name(), status_text(status));
    for (uint32_t i = 0; status == OK && pci_find_mine(pci, i, &device) == OK; i++)
        open_device(&device);
}

static const method_t methods[BLOCK_METHODS] = {
    [BLOCK_SESSION] = server_session_open,
    [BLOCK_UNITS] = units,
    [BLOCK_DESCRIBE] = describe,
    [BLOCK_TRANSFER] = transfer,
};

int main(void)
{
    queue_timeout = argument_number("timeout", TIMEOUT_MS) * 1000;
    find_disks();
    return server_run(NULL, methods, BLOCK_METHODS, .workers = argument_number("workers", WORKERS), .takes_handles = true);
}
