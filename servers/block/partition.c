/* Partition tables: reads sectors for the two kinds and adds what they name. A bad table costs its partitions, never the disk. */
#include "partition.h"
#include "device.h"

static struct dma page;         /* where tables are read to; disks are looked at one after the other */

const uint8_t *table_read(const struct table *table, uint64_t sector, uint32_t count)
{
    if (sector >= table->disk->sectors || count > table->disk->sectors - sector) {
        table_say(table, "points behind the end of the disk");
        return NULL;
    }
    struct transfer transfer = { .operation = BLOCK_READ, .sector = sector, .count = count, .pages = 1,
                                 .frames = { page.physical / PAGE_SIZE }, .data = { page.base } };
    status_t status = disk_transfer(table->disk, &transfer);
    if (status != OK)
        table_say(table, "cannot be read");
    return status == OK ? page.base : NULL;
}

void table_say(const struct table *table, const char *what)
{
    print("%s: disk %u: %s %s\n", program_name(), table->number, table->kind, what);
}

void table_add(const struct table *table, uint32_t partition, uint64_t first, uint64_t sectors, const char *name)
{
    struct unit unit = { table->number << 8 | partition, table->disk, first, sectors, "" };
    memcpy(unit.name, name, strlen(name));
    if (unit_add(&unit))
        print("%s: disk %u: partition %u: sectors %u to %u, %s\n", program_name(), table->number, partition, (uint32_t)first,
              (uint32_t)(first + sectors - 1), name);
}

void partitions_read(const struct disk *disk, uint32_t number)
{
    struct table table = { disk, number, "partition table" };
    if (!page.base && dma_allocate(&page, 1) != OK) {
        table_say(&table, "cannot be read for want of memory");
        return;
    }
    const uint8_t *sector = table_read(&table, 0, 1);
    if (!sector || !mbr_is_there(sector))
        return;
    if (mbr_is_protective(sector))
        gpt_read(&table);
    else
        mbr_read(&table, sector);
}
