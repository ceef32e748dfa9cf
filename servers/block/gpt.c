/* GPT: a header with a checksum, a table of entries with another, and a copy of both at the end of the disk. UEFI 2.10, 5.3. */
#include "partition.h"

#define HEADER_SECTOR 1u
#define HEADER_BYTES_LEAST 92u
#define REVISION_1 0x00010000u
#define ENTRY_BYTES 128u        /* larger ones are allowed, and made by nobody */
#define ENTRIES_MOST 1024u
#define ENTRIES_PER_PAGE (PAGE_SIZE / ENTRY_BYTES)
#define NAME_LETTERS 36u

struct header {
    char signature[8];
    uint32_t revision, bytes, crc, reserved;
    uint64_t own, other;        /* sectors of this header and of its copy */
    uint64_t first_usable, last_usable;
    uint8_t disk_guid[16];
    uint64_t entries_at;
    uint32_t entries, entry_bytes, entries_crc;
} __attribute__((packed));

struct entry {
    uint8_t type[16], guid[16];
    uint64_t first, last, attributes;
    uint16_t name[NAME_LETTERS];
} __attribute__((packed));

_Static_assert(sizeof(struct header) == HEADER_BYTES_LEAST && sizeof(struct entry) == ENTRY_BYTES, "as on the disk");

/* To be begun with 0, and given its own result for the next piece. */
static uint32_t crc32(uint32_t crc, const void *bytes, uint32_t count)
{
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= ((const uint8_t *)bytes)[i];
        for (uint32_t bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

/* ---- headers ---- */

/* The checksum is made with its own field zero. */
static bool header_adds_up(const uint8_t *sector)
{
    static const uint8_t zero[sizeof(uint32_t)];
    const struct header *header = (const struct header *)sector;
    const uint32_t at = offsetof(struct header, crc), behind = at + sizeof(zero);
    if (header->bytes < HEADER_BYTES_LEAST || header->bytes > BLOCK_SECTOR)
        return false;
    uint32_t crc = crc32(crc32(0, sector, at), zero, sizeof(zero));
    return crc32(crc, sector + behind, header->bytes - behind) == header->crc;
}

/* NULL, or what is wrong. */
static const char *check_header(const struct table *table, const uint8_t *sector, uint64_t at)
{
    const struct header *header = (const struct header *)sector;
    if (memcmp(header->signature, "EFI PART", sizeof(header->signature)) != 0 || header->revision < REVISION_1)
        return "is no GPT header";
    if (!header_adds_up(sector))
        return "has a header with a wrong checksum";
    if (header->own != at)
        return "has a header that belongs elsewhere";
    if (header->entry_bytes != ENTRY_BYTES || header->entries > ENTRIES_MOST)
        return "has entries of an unknown size or number";
    if (header->first_usable > header->last_usable || header->last_usable >= table->disk->sectors)
        return "is for a larger disk";
    return NULL;
}

static uint32_t entries_on_page(const struct header *header, uint32_t first)
{
    uint32_t left = header->entries - first;
    return left < ENTRIES_PER_PAGE ? left : ENTRIES_PER_PAGE;
}

static const struct entry *read_entries(const struct table *table, const struct header *header, uint32_t first)
{
    uint32_t bytes = entries_on_page(header, first) * ENTRY_BYTES;
    uint64_t sector = header->entries_at + first * ENTRY_BYTES / BLOCK_SECTOR;
    return (const struct entry *)table_read(table, sector, (bytes + BLOCK_SECTOR - 1) / BLOCK_SECTOR);
}

static bool entries_add_up(const struct table *table, const struct header *header)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < header->entries; i += ENTRIES_PER_PAGE) {
        const struct entry *entries = read_entries(table, header, i);
        if (!entries)
            return false;
        crc = crc32(crc, entries, entries_on_page(header, i) * ENTRY_BYTES);
    }
    if (crc == header->entries_crc)
        return true;
    table_say(table, "has entries with a wrong checksum");
    return false;
}

static bool read_header(const struct table *table, uint64_t at, struct header *header)
{
    const uint8_t *sector = table_read(table, at, 1);
    if (!sector)
        return false;
    const char *wrong = check_header(table, sector, at);
    if (wrong) {
        table_say(table, wrong);
        return false;
    }
    memcpy(header, sector, sizeof(*header));
    return entries_add_up(table, header);
}

/* ---- partitions ---- */

static void copy_name(char *to, const uint16_t *from)
{
    uint32_t length = 0;
    for (; length < NAME_LETTERS && from[length]; length++)
        to[length] = from[length] >= ' ' && from[length] <= '~' ? (char)from[length] : '?';
    to[length] = '\0';
}

static void add(const struct table *table, const struct header *header, uint32_t number, const struct entry *entry)
{
    static const uint8_t unused[sizeof(entry->type)];
    uint16_t letters[NAME_LETTERS];
    char name[NAME_LETTERS + 1];
    if (memcmp(entry->type, unused, sizeof(unused)) == 0)
        return;
    memcpy(letters, entry->name, sizeof(letters));
    copy_name(name, letters);
    if (number > PARTITIONS_MAX || entry->first > entry->last || entry->first < header->first_usable ||
        entry->last > header->last_usable)
        print("%s: disk %u: GPT partition %u lies where none may: left out\n", program_name(), table->number, number);
    else
        table_add(table, number, entry->first, entry->last - entry->first + 1, name);
}

static void add_all(const struct table *table, const struct header *header)
{
    for (uint32_t first = 0; first < header->entries; first += ENTRIES_PER_PAGE) {
        const struct entry *entries = read_entries(table, header, first);
        for (uint32_t i = 0; entries && i < entries_on_page(header, first); i++)
            add(table, header, first + i + 1, &entries[i]);
    }
}

void gpt_read(struct table *table)
{
    struct header header;
    table->kind = "GPT";
    if (!read_header(table, HEADER_SECTOR, &header)) {
        table->kind = "GPT backup";
        if (!read_header(table, table->disk->sectors - 1, &header))
            return;
        table_say(table, "is used instead");
    }
    add_all(table, &header);
}
