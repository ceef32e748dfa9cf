/* Whole disks: the table of them, and transfers cut to what their devices can do. */
#include "device.h"
#include "disk.h"

#define DISKS_MAX 32u
#define FRAMES_4GIB (1u << 20)

static struct disk disks[DISKS_MAX];
static uint32_t disk_count;

/* Where a device that knows no address above 4 GiB reads and writes in the place of pages that lie there. */
static struct {
    struct lock lock;
    struct dma memory;
} bounce;

static bool bounce_ready(void)
{
    return bounce.memory.base || (lock_init(&bounce.lock) == OK && dma_allocate(&bounce.memory, BLOCK_PAGES) == OK);
}

static bool needs_bounce(const struct disk *disk, const struct transfer *transfer)
{
    for (uint32_t i = 0; disk->reaches_4gib && i < transfer->pages; i++)
        if (transfer->frames[i] >= FRAMES_4GIB)
            return true;
    return false;
}

static status_t run_through_bounce(const struct disk *disk, struct transfer *transfer)
{
    lock_acquire(&bounce.lock);
    for (uint32_t i = 0; i < transfer->pages; i++) {
        transfer->frames[i] = bounce.memory.physical / PAGE_SIZE + i;
        if (transfer->operation == BLOCK_WRITE)
            memcpy(bounce.memory.base + i * PAGE_SIZE, transfer->data[i], PAGE_SIZE);
    }
    status_t status = queue_run(disk->queue, disk, transfer);
    for (uint32_t i = 0; status == OK && transfer->operation == BLOCK_READ && i < transfer->pages; i++) {
        uint32_t left = (transfer->count - i * PAGE_SECTORS) * BLOCK_SECTOR;
        memcpy(transfer->data[i], bounce.memory.base + i * PAGE_SIZE, left < PAGE_SIZE ? left : PAGE_SIZE);
    }
    lock_release(&bounce.lock);
    return status;
}

/* Pages [first, first + pages_most) of a transfer. */
static struct transfer piece_of(const struct transfer *whole, uint32_t first, uint32_t pages_most)
{
    uint32_t left = whole->count - first * PAGE_SECTORS, most = pages_most * PAGE_SECTORS;
    struct transfer piece = { .operation = whole->operation, .sector = whole->sector + first * PAGE_SECTORS,
                              .count = left < most ? left : most };
    piece.pages = (piece.count + PAGE_SECTORS - 1) / PAGE_SECTORS;
    memcpy(piece.frames, whole->frames + first, piece.pages * sizeof(piece.frames[0]));
    memcpy(piece.data, whole->data + first, piece.pages * sizeof(piece.data[0]));
    return piece;
}

status_t disk_transfer(const struct disk *disk, const struct transfer *transfer)
{
    status_t status = OK;
    uint32_t first = 0;
    do {
        struct transfer piece = piece_of(transfer, first, disk->pages_most);
        status = needs_bounce(disk, &piece) ? run_through_bounce(disk, &piece) : queue_run(disk->queue, disk, &piece);
        first += disk->pages_most;
    } while (status == OK && first < transfer->pages);
    return status;
}

void disk_add(const struct disk *disk)
{
    uint32_t number = disk_count++;
    if (number >= DISKS_MAX || (disk->reaches_4gib && !bounce_ready())) {
        print("%s: no room for disk %u (%s)\n", program_name(), number, disk->model);
        return;
    }
    struct disk *added = &disks[number];
    *added = *disk;
    struct unit whole = { number << 8, added, 0, added->sectors, "" };
    memcpy(whole.name, added->model, sizeof(whole.name));
    print("%s: disk %u: %s \"%s\", %u KiB%s\n", program_name(), number, added->driver, added->model,
          (uint32_t)(added->sectors / 2), added->read_only ? ", read-only" : "");
    if (unit_add(&whole))
        partitions_read(added, number);
}

void disk_skip(void)
{
    print("%s: disk %u is left out\n", program_name(), disk_count++);
}
