/* IDE disks: bus-master DMA as of the PIIX, one command at a time for each channel. Disks are looked for by polling, and all
 * that follows goes by interrupts. Registers: ATA-6, and Intel's Programming Interface for Bus Master IDE Controller. */
#include "ata.h"
#include "device.h"

#define CHANNELS 2u
#define DRIVES 2u
#define BAR_BUS_MASTER 4u

#define DATA 0u                 /* offsets from the command block's first port */
#define SECTOR_COUNT 2u
#define LBA_LOW 3u
#define LBA_MID 4u
#define LBA_HIGH 5u
#define DEVICE 6u
#define STATUS 7u               /* read */
#define COMMAND 7u              /* written */
#define DEVICE_DRIVE(drive) (0xA0u | (drive) << 4)

#define CONTROL_NO_INTERRUPT 0x02u
#define CONTROL_RESET 0x04u

#define BM_COMMAND 0u           /* offsets from the channel's bus-master ports */
#define BM_STATUS 2u
#define BM_TABLE 4u
#define BM_START 0x01u
#define BM_TO_MEMORY 0x08u
#define BM_ERROR 0x02u
#define BM_INTERRUPT 0x04u

#define PRD_LAST 0x80000000u
#define IDENTIFY_MS 1000u
#define RESET_MS 2000u

struct drive {
    struct disk disk;
    status_t status;            /* E_NOT_FOUND: there is none */
};

struct channel {
    struct queue queue;         /* first: the queue's driver functions get its address */
    uint16_t command, control, bus_master;
    struct dma table;           /* of physical regions: 8 bytes each */
};

static uint32_t read_status(const void *channel)
{
    return in8((uint16_t)(((const struct channel *)channel)->control));
}

static bool await_idle(const struct channel *channel, uint32_t milliseconds)
{
    return await_bits(read_status, channel, ATA_BSY, 0, milliseconds);
}

/* 400 ns pass before the status is that of the drive selected. */
static void select(const struct channel *channel, uint8_t device)
{
    out8(channel->command + DEVICE, device);
    for (uint32_t i = 0; i < 4; i++)
        in8(channel->control);
}

/* ---- commands ---- */

static void fill_table(const struct channel *channel, const struct transfer *transfer)
{
    uint32_t *table = (uint32_t *)channel->table.base, left = transfer->count * BLOCK_SECTOR;
    for (uint32_t i = 0; i < transfer->pages; i++, left -= PAGE_SIZE) {
        table[i * 2] = transfer->frames[i] * PAGE_SIZE;
        table[i * 2 + 1] = left < PAGE_SIZE ? left : PAGE_SIZE;
    }
    table[transfer->pages * 2 - 1] |= PRD_LAST;
    order_stores();
}

/* With LBA48 the registers take the upper byte first, then the lower. */
static void write_address(const struct channel *channel, const struct disk *disk, const struct transfer *transfer)
{
    uint64_t sector = transfer->sector;
    uint8_t device = (uint8_t)(DEVICE_DRIVE(disk->drive) | ATA_DEVICE_LBA);
    select(channel, disk->lba48 ? device : (uint8_t)(device | (sector >> 24 & 0x0F)));
    if (disk->lba48) {
        out8(channel->command + SECTOR_COUNT, (uint8_t)(transfer->count >> 8));
        out8(channel->command + LBA_LOW, (uint8_t)(sector >> 24));
        out8(channel->command + LBA_MID, (uint8_t)(sector >> 32));
        out8(channel->command + LBA_HIGH, (uint8_t)(sector >> 40));
    }
    out8(channel->command + SECTOR_COUNT, (uint8_t)transfer->count);
    out8(channel->command + LBA_LOW, (uint8_t)sector);
    out8(channel->command + LBA_MID, (uint8_t)(sector >> 8));
    out8(channel->command + LBA_HIGH, (uint8_t)(sector >> 16));
}

static void ide_start(struct queue *queue, uint32_t slot, const struct disk *disk, const struct transfer *transfer)
{
    const struct channel *channel = (const struct channel *)queue;
    uint8_t direction = transfer->operation == BLOCK_READ ? BM_TO_MEMORY : 0;
    (void)slot;
    out8(channel->bus_master + BM_STATUS, in8(channel->bus_master + BM_STATUS) | BM_ERROR | BM_INTERRUPT);
    if (transfer->pages) {
        fill_table(channel, transfer);
        out32(channel->bus_master + BM_TABLE, channel->table.physical);
        out8(channel->bus_master + BM_COMMAND, direction);
    }
    write_address(channel, disk, transfer);
    out8(channel->command + COMMAND, ata_command(disk, transfer->operation));
    if (transfer->pages)
        out8(channel->bus_master + BM_COMMAND, direction | BM_START);
}

/* The bus master's interrupt bit is set by every interrupt of the channel, DMA or not. */
static void ide_interrupt(struct queue *queue)
{
    const struct channel *channel = (const struct channel *)queue;
    uint8_t bus_master = in8(channel->bus_master + BM_STATUS);
    if (!(bus_master & BM_INTERRUPT) || !queue->running)
        return;
    out8(channel->bus_master + BM_COMMAND, 0);
    uint8_t status = in8(channel->command + STATUS); /* withdraws the interrupt */
    out8(channel->bus_master + BM_STATUS, bus_master);
    bool failed = (status & (ATA_ERR | ATA_DF | ATA_BSY)) || (bus_master & BM_ERROR);
    queue_finish(queue, 0, failed ? E_IO : OK);
}

static void ide_reset(struct queue *queue)
{
    const struct channel *channel = (const struct channel *)queue;
    out8(channel->bus_master + BM_COMMAND, 0);
    out8(channel->control, CONTROL_RESET);
    sleep_microseconds(10);
    out8(channel->control, 0);
    sleep_microseconds(2000);
    await_idle(channel, RESET_MS);
    in8(channel->command + STATUS);
}

/* A command of an earlier driver may be under way. */
static void make_quiet(struct channel *channel)
{
    out8(channel->bus_master + BM_COMMAND, 0);
    uint8_t status = in8(channel->control);
    if (status != 0xFF && (status & (ATA_BSY | ATA_DRQ)))
        ide_reset(&channel->queue);
}

/* ---- looking for disks ---- */

/* E_NOT_FOUND for what is not there and for what is no disk: an empty bus reads as ones or zeros, a CD drive refuses. */
static status_t identify(const struct channel *channel, uint32_t drive, uint16_t *words)
{
    select(channel, (uint8_t)DEVICE_DRIVE(drive));
    uint8_t status = in8(channel->command + STATUS);
    if (status == 0 || status == 0xFF || status == 0x7F)
        return E_NOT_FOUND;
    for (uint32_t i = SECTOR_COUNT; i <= LBA_HIGH; i++)
        out8((uint16_t)(channel->command + i), 0);
    out8(channel->command + COMMAND, ATA_IDENTIFY_DEVICE);
    in8(channel->control);
    if (!await_idle(channel, IDENTIFY_MS))
        return E_TIMED_OUT;
    if ((in8(channel->command + STATUS) & (ATA_ERR | ATA_DRQ)) != ATA_DRQ)
        return E_NOT_FOUND;
    for (uint32_t i = 0; i < ATA_IDENTIFY_WORDS; i++)
        words[i] = in16(channel->command + DATA);
    return OK;
}

/* All drives first: a command by interrupt may come only when none is polled any more. */
static void find_drives(struct channel *channel, struct drive drives[DRIVES])
{
    static uint16_t words[ATA_IDENTIFY_WORDS];
    make_quiet(channel);
    out8(channel->control, CONTROL_NO_INTERRUPT);
    for (uint32_t i = 0; i < DRIVES; i++) {
        drives[i].disk = (struct disk){ .driver = "ide", .drive = i, .reaches_4gib = true, .pages_most = BLOCK_PAGES,
                                        .queue = &channel->queue };
        drives[i].status = identify(channel, i, words);
        if (drives[i].status == OK && !ata_identify(words, &drives[i].disk))
            drives[i].status = E_NOT_SUPPORTED;
    }
    in8(channel->command + STATUS);
    out8(channel->control, 0);
}

static void add_drives(const struct channel *channel, const struct drive drives[DRIVES], status_t status)
{
    for (uint32_t i = 0; i < DRIVES; i++) {
        status_t its_status = drives[i].status == OK ? status : drives[i].status;
        if (its_status == OK) {
            disk_add(&drives[i].disk);
        } else if (its_status != E_NOT_FOUND) {
            print("%s: %s, drive %u: %s\n", program_name(), channel->queue.name, i, status_text(its_status));
            disk_skip();
        }
    }
}

/* ---- the controller ---- */

/* Ports: in native mode the control block's one register is the third of four. */
static status_t open_ports(const struct pci_device *device, uint32_t number, struct channel *channel)
{
    struct pci_range command, control, bus_master;
    status_t status = pci_open_bar(device, number * 2, &command);
    if (status == OK)
        status = pci_open_bar(device, number * 2 + 1, &control);
    if (status == OK)
        status = pci_open_bar(device, BAR_BUS_MASTER, &bus_master);
    if (status != OK)
        return status;
    channel->command = command.port;
    channel->control = control.size > 1 ? control.port + 2 : control.port;
    channel->bus_master = (uint16_t)(bus_master.port + number * 8);
    return command.port && control.port && bus_master.port ? OK : E_NOT_SUPPORTED;
}

/* Its drives are found before anything can fail for want of memory, so that their numbers are always the same. */
static status_t open_channel(const struct pci_device *device, uint32_t number)
{
    static struct drive drives[DRIVES];
    struct channel *channel = pages_allocate(sizeof(*channel)); /* for as long as we live */
    if (!channel)
        return E_NO_MEMORY;
    channel->queue = (struct queue){ .slots = 1, .start = ide_start, .interrupt = ide_interrupt, .reset = ide_reset,
                                     .pci = *device, .name = number ? "second IDE channel" : "first IDE channel" };
    status_t status = open_ports(device, number, channel);
    if (status != OK)
        return status;
    find_drives(channel, drives);
    status = dma_allocate(&channel->table, 1);
    if (status == OK)
        status = queue_init(&channel->queue);
    if (status == OK)
        status = pci_on_interrupt(device, number, queue_interrupt, &channel->queue);
    add_drives(channel, drives, status);
    return OK;
}

void ide_open(const struct pci_device *device)
{
    status_t status = pci_claim(device);
    if (status == OK)
        status = pci_enable(device, PCI_ENABLE_IO | PCI_ENABLE_MASTER);
    for (uint32_t i = 0; i < CHANNELS && status == OK; i++)
        status = open_channel(device, i);
    if (status != OK)
        print("%s: IDE controller: %s\n", program_name(), status_text(status));
}
