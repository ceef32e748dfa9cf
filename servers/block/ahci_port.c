/* An AHCI port: commands in several slots at once. The controller does not say for certain which of them an error belongs to,
 * so after one all are issued again, one at a time, and each meets its own fate. Registers: Serial ATA AHCI 1.3.1. */
#include "ahci.h"

enum { PXCLB = 0x00, PXCLBU = 0x04, PXFB = 0x08, PXFBU = 0x0C, PXIS = 0x10, PXIE = 0x14, PXCMD = 0x18, PXTFD = 0x20,
       PXSIG = 0x24, PXSSTS = 0x28, PXSCTL = 0x2C, PXSERR = 0x30, PXCI = 0x38 };

#define IS_ERRORS 0x78000000u   /* TFES, HBFS, HBDS, IFS */
#define IE_ALL (IS_ERRORS | 0x0000000Fu) /* and the FISes that end commands: DHRS, PSS, DSS, SDBS */
#define CMD_ST 0x0001u
#define CMD_SUD 0x0002u
#define CMD_POD 0x0004u
#define CMD_FRE 0x0010u
#define CMD_FR 0x4000u
#define CMD_CR 0x8000u
#define SIG_ATA 0x00000101u
#define SSTS_DET 0x0Fu
#define SSTS_PRESENT 0x03u
#define SCTL_DET_RESET 0x01u

#define HEADER_BYTES 32u        /* of a slot in the command list */
#define RECEIVED_AT 1024u       /* offsets in the port's memory */
#define TABLES_AT 2048u
#define TABLE_BYTES 640u        /* FIS, ATAPI command, and a region for each page */
#define REGIONS_AT 0x80u
#define MEMORY_PAGES ((TABLES_AT + QUEUE_SLOTS * TABLE_BYTES + PAGE_SIZE - 1) / PAGE_SIZE)
#define HEADER_FIS_DWORDS 5u
#define HEADER_WRITE 0x40u
#define FIS_HOST_TO_DEVICE 0x27u
#define FIS_IS_COMMAND 0x80u
#define ENGINE_MS 600u
#define LINK_MS 100u

_Static_assert(REGIONS_AT + BLOCK_PAGES * 16 <= TABLE_BYTES && TABLE_BYTES % 128 == 0, "a table holds its regions, aligned");

static volatile uint32_t *port_register(const struct ahci_port *port, uint32_t offset)
{
    return port->registers + offset / 4;
}

/* ---- the engine ---- */

static uint32_t read_command(const void *port) { return *port_register(port, PXCMD); }
static uint32_t read_task_file(const void *port) { return *port_register(port, PXTFD); }
static uint32_t read_link(const void *port) { return *port_register(port, PXSSTS); }

static bool stop(const struct ahci_port *port)
{
    *port_register(port, PXCMD) &= ~CMD_ST;
    return await_bits(read_command, port, CMD_CR, 0, ENGINE_MS);
}

static void go(const struct ahci_port *port)
{
    *port_register(port, PXSERR) = 0xFFFFFFFF;
    *port_register(port, PXIS) = 0xFFFFFFFF;
    *port_register(port, PXCMD) |= CMD_ST;
}

/* COMRESET, with the engine stopped. */
static void reset_link(const struct ahci_port *port)
{
    *port_register(port, PXSCTL) = (*port_register(port, PXSCTL) & ~SSTS_DET) | SCTL_DET_RESET;
    sleep_microseconds(1000);
    *port_register(port, PXSCTL) &= ~SSTS_DET;
    await_bits(read_link, port, SSTS_DET, SSTS_PRESENT, LINK_MS);
    await_bits(read_task_file, port, ATA_BSY | ATA_DRQ, 0, ENGINE_MS);
}

/* Gives the controller nothing to do: what it had is issued no more. */
static void restart(struct ahci_port *port, bool with_link)
{
    if (!stop(port) || with_link || (*port_register(port, PXTFD) & (ATA_BSY | ATA_DRQ)))
        reset_link(port);
    port->issued = 0;
    go(port);
}

/* ---- commands ---- */

static void write_fis(uint8_t *fis, uint8_t command, const struct disk *disk, const struct transfer *transfer)
{
    uint64_t sector = transfer->sector;
    memset(fis, 0, HEADER_FIS_DWORDS * 4);
    fis[0] = FIS_HOST_TO_DEVICE;
    fis[1] = FIS_IS_COMMAND;
    fis[2] = command;
    fis[7] = (uint8_t)(ATA_DEVICE_LBA | (disk->lba48 ? 0 : sector >> 24 & 0x0F));
    for (uint32_t i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(sector >> i * 8);
        fis[8 + i] = (uint8_t)(sector >> (24 + i * 8));
    }
    fis[12] = (uint8_t)transfer->count;
    fis[13] = (uint8_t)(transfer->count >> 8);
}

static void write_regions(uint32_t *region, const struct transfer *transfer)
{
    uint32_t left = transfer->count * BLOCK_SECTOR;
    for (uint32_t i = 0; i < transfer->pages; i++, region += 4, left -= PAGE_SIZE) {
        uint64_t address = (uint64_t)transfer->frames[i] * PAGE_SIZE;
        region[0] = (uint32_t)address;
        region[1] = (uint32_t)(address >> 32);
        region[2] = 0;
        region[3] = (left < PAGE_SIZE ? left : PAGE_SIZE) - 1;
    }
}

/* A disk that has not said yet what it is, is asked. */
static void write_command(struct ahci_port *port, uint32_t slot, const struct disk *disk, const struct transfer *transfer)
{
    uint8_t command = disk->sectors ? ata_command(disk, transfer->operation) : ATA_IDENTIFY_DEVICE;
    uint32_t *header = (uint32_t *)(port->memory.base + slot * HEADER_BYTES);
    uint32_t table = TABLES_AT + slot * TABLE_BYTES;
    write_fis(port->memory.base + table, command, disk, transfer);
    write_regions((uint32_t *)(port->memory.base + table + REGIONS_AT), transfer);
    header[0] = HEADER_FIS_DWORDS | (transfer->operation == BLOCK_WRITE ? HEADER_WRITE : 0) | transfer->pages << 16;
    header[1] = 0;
    header[2] = port->memory.physical + table;
    header[3] = 0;
    order_stores();
}

static void issue(struct ahci_port *port)
{
    uint32_t slots = port->waiting;
    if (port->one_at_a_time)
        slots = port->issued ? 0 : slots & -slots;
    port->waiting &= ~slots;
    port->issued |= slots;
    if (slots)
        *port_register(port, PXCI) = slots;
}

static void ahci_start(struct queue *queue, uint32_t slot, const struct disk *disk, const struct transfer *transfer)
{
    struct ahci_port *port = (struct ahci_port *)queue;
    write_command(port, slot, disk, transfer);
    port->waiting |= 1u << slot;
    issue(port);
}

static void finish(struct ahci_port *port, uint32_t slots, status_t status)
{
    port->issued &= ~slots;
    for (; slots; slots &= slots - 1)
        queue_finish(&port->queue, (uint32_t)__builtin_ctz(slots), status);
}

/* Alone, the command is the one that failed; else all that were with the device wait for their turn to be tried again. */
static void failed(struct ahci_port *port)
{
    uint32_t slots = port->issued;
    restart(port, false);
    if (slots & (slots - 1))
        port->waiting |= slots;
    else if (slots)
        finish(port, slots, E_IO);
    port->one_at_a_time = port->waiting;
}

static void ahci_interrupt(struct queue *queue)
{
    struct ahci_port *port = (struct ahci_port *)queue;
    uint32_t causes = *port_register(port, PXIS);
    *port_register(port, PXIS) = causes;
    if (causes & IS_ERRORS)
        failed(port);
    else
        finish(port, port->issued & ~*port_register(port, PXCI), OK);
    if (!port->waiting && !port->issued)
        port->one_at_a_time = false;
    issue(port);
}

static void ahci_reset(struct queue *queue)
{
    struct ahci_port *port = (struct ahci_port *)queue;
    restart(port, true);
    port->waiting = 0;
    port->one_at_a_time = false;
}

/* ---- start ---- */

/* The engine is told where its lists are while it stands still. Commands of an earlier driver end with the link. */
static status_t prepare_memory(struct ahci_port *port)
{
    bool busy = *port_register(port, PXCI), stopped = stop(port);
    if (busy)
        reset_link(port);
    *port_register(port, PXCMD) &= ~CMD_FRE;
    if (!stopped || !await_bits(read_command, port, CMD_FR, 0, ENGINE_MS))
        return E_TIMED_OUT;
    status_t status = dma_allocate(&port->memory, MEMORY_PAGES);
    if (status != OK)
        return status;
    *port_register(port, PXCLB) = port->memory.physical;
    *port_register(port, PXCLBU) = 0;
    *port_register(port, PXFB) = port->memory.physical + RECEIVED_AT;
    *port_register(port, PXFBU) = 0;
    return OK;
}

static status_t bring_up(struct ahci_port *port)
{
    status_t status = prepare_memory(port);
    if (status != OK)
        return status;
    *port_register(port, PXCMD) |= CMD_FRE | CMD_SUD | CMD_POD;
    if (!await_bits(read_task_file, port, ATA_BSY | ATA_DRQ, 0, ENGINE_MS))
        reset_link(port);
    if (*port_register(port, PXSIG) != SIG_ATA)
        return E_NOT_FOUND; /* a CD drive, or a port multiplier */
    status = queue_init(&port->queue);
    go(port);
    *port_register(port, PXIE) = IE_ALL;
    return status;
}

status_t ahci_port_open(const struct pci_device *pci, volatile uint32_t *registers, uint32_t number, uint32_t slots,
                        struct ahci_port **opened)
{
    const struct ahci_port probe = { .registers = registers };
    if ((read_link(&probe) & SSTS_DET) == 0 || !await_bits(read_link, &probe, SSTS_DET, SSTS_PRESENT, LINK_MS))
        return E_NOT_FOUND; /* the firmware has looked already */
    struct ahci_port *port = pages_allocate(sizeof(*port)); /* for as long as we live */
    if (!port)
        return E_NO_MEMORY;
    *port = (struct ahci_port){ .registers = registers, .name = "AHCI port 0" };
    port->name[10] = (char)('0' + number % 10);
    port->queue = (struct queue){ .slots = slots < QUEUE_SLOTS ? slots : QUEUE_SLOTS, .start = ahci_start,
                                  .interrupt = ahci_interrupt, .reset = ahci_reset, .pci = *pci, .name = port->name };
    status_t status = bring_up(port);
    if (status == OK)
        *opened = port;
    return status;
}

status_t ahci_port_identify(struct ahci_port *port, bool reaches_4gib)
{
    struct disk disk = { .driver = "ahci", .reaches_4gib = reaches_4gib, .pages_most = BLOCK_PAGES, .queue = &port->queue };
    struct transfer transfer = { .operation = BLOCK_READ, .count = 1, .pages = 1 };
    struct dma answer;
    status_t status = dma_allocate(&answer, 1);
    if (status != OK)
        return status;
    transfer.frames[0] = answer.physical / PAGE_SIZE;
    status = queue_run(&port->queue, &disk, &transfer);
    if (status == OK && !ata_identify((const uint16_t *)answer.base, &disk))
        status = E_NOT_SUPPORTED;
    if (status == OK)
        disk_add(&disk);
    return status;
}
