/* MBR: four primary partitions in the first sector, and logical ones in a chain of sectors within an extended partition. */
#include "partition.h"

#define TABLE_AT 446u
#define SIGNATURE_AT 510u
#define ENTRIES 4u
#define LOGICAL_FIRST 5u        /* its number */
#define STATUS_ACTIVE 0x80u

enum { TYPE_EMPTY = 0x00, TYPE_EXTENDED = 0x05, TYPE_EXTENDED_LBA = 0x0F, TYPE_EXTENDED_LINUX = 0x85, TYPE_PROTECTIVE = 0xEE };

struct entry {
    uint8_t status, first_chs[3], type, last_chs[3];
    uint32_t first, sectors;    /* first: relative to the disk, or to a sector of the chain */
} __attribute__((packed));

_Static_assert(sizeof(struct entry) == 16, "as on the disk");

static bool is_extended(const struct entry *entry)
{
    return entry->type == TYPE_EXTENDED || entry->type == TYPE_EXTENDED_LBA || entry->type == TYPE_EXTENDED_LINUX;
}

/* Copied, because the sector's place is read over. */
static void copy_entries(const uint8_t *sector, struct entry entries[ENTRIES])
{
    memcpy(entries, sector + TABLE_AT, ENTRIES * sizeof(entries[0]));
}

bool mbr_is_there(const uint8_t *sector)
{
    return sector[SIGNATURE_AT] == 0x55 && sector[SIGNATURE_AT + 1] == 0xAA;
}

bool mbr_is_protective(const uint8_t *sector)
{
    struct entry entries[ENTRIES];
    copy_entries(sector, entries);
    for (uint32_t i = 0; i < ENTRIES; i++)
        if (entries[i].type == TYPE_PROTECTIVE)
            return true;
    return false;
}

/* A boot sector without a table has its signature too. */
static bool looks_like_table(const struct entry entries[ENTRIES])
{
    for (uint32_t i = 0; i < ENTRIES; i++)
        if (entries[i].status & ~STATUS_ACTIVE)
            return false;
    return true;
}

static void add(const struct table *table, uint32_t number, const struct entry *entry, uint64_t base)
{
    static const char digits[] = "0123456789ABCDEF";
    char name[] = "type 0x00";
    name[7] = digits[entry->type >> 4];
    name[8] = digits[entry->type & 15];
    table_add(table, number, base + entry->first, entry->sectors, name);
}

/* Each sector of the chain has a partition, relative to itself, and the place of the next, relative to the first. It
 * leads forward only, or a ring would keep us for ever. */
static void read_chain(const struct table *table, const struct entry *extended)
{
    struct entry entries[ENTRIES];
    uint64_t at = extended->first;
    for (uint32_t number = LOGICAL_FIRST; number <= PARTITIONS_MAX; number++) {
        const uint8_t *sector = table_read(table, at, 1);
        if (!sector)
            return;
        copy_entries(sector, entries);
        if (!mbr_is_there(sector) || !looks_like_table(entries)) {
            table_say(table, "breaks off within its extended partition");
            return;
        }
        if (entries[0].type != TYPE_EMPTY)
            add(table, number, &entries[0], at);
        if (!is_extended(&entries[1]))
            return;
        uint64_t next = (uint64_t)extended->first + entries[1].first;
        if (entries[1].first >= extended->sectors || next <= at) {
            table_say(table, "leads out of its extended partition, or back");
            return;
        }
        at = next;
    }
}

void mbr_read(struct table *table, const uint8_t *sector)
{
    struct entry entries[ENTRIES];
    table->kind = "MBR";
    copy_entries(sector, entries);
    if (!looks_like_table(entries)) {
        table_say(table, "is no partition table");
        return;
    }
    for (uint32_t i = 0; i < ENTRIES; i++)
        if (entries[i].type != TYPE_EMPTY && !is_extended(&entries[i]))
            add(table, i + 1, &entries[i], 0);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (!is_extended(&entries[i]))
            continue;
        read_chain(table, &entries[i]);
        return; /* there may be one only */
    }
}
