/* A sync is all or nothing: wherever ext2 or the machine ends, the volume is as it was after one sync or another.
 *
 * Changed pages are written to free places first, with a list of where they belong; then a record in sector 1, which ext2 leaves
 * to boot loaders, says that the list is good; then they go where they belong, and the record is wiped. A mount that finds a
 * record does the last two steps again. */
#include <string.h>

#include "cache.h"
#include "ext2.h"

#define RECORD_SECTOR 1u
#define RECORD_MAGIC 0x4E525450u
#define SECTOR 512u
#define PAIRS (PAGE_SIZE / sizeof(struct pair))     /* in a page of the list */
#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR)

struct pair {
    uint32_t target, place; /* pages of the unit */
};

struct record {
    uint32_t magic, count, lists[CACHE_SPARE], checksum;
};

static const uint8_t nothing[SECTOR]; /* what stands in the place of a record */
static struct lock lock; /* over the spare pages and what follows */
static uint32_t targets[COMMIT_PAGES];
static struct pair pairs[COMMIT_PAGES + CACHE_SPARE];

static uint32_t checksum_of(const struct record *record, const struct pair *list)
{
    uint32_t sum = RECORD_MAGIC + record->count;
    for (uint32_t i = 0; i < record->count; i++)
        sum = (sum ^ list[i].target ^ list[i].place << 7) * 2654435761u + i;
    return sum;
}

static uint32_t lists_of(uint32_t count)
{
    return (count + PAIRS - 1) / PAIRS;
}

/* ---- places ---- */

static void note_blocks(ext2_filsys fs, blk64_t first, blk_t count, int in_use)
{
    const struct volume *volume = fs->priv_data;
    if (in_use < 0)
        ext2fs_mark_block_bitmap_range2(volume->freed, first, count);
}

static void note_block(ext2_filsys fs, blk64_t block, int in_use)
{
    note_blocks(fs, block, 1, in_use);
}

errcode_t commit_begin(struct volume *volume)
{
    volume->fs->priv_data = volume;
    ext2fs_set_block_alloc_stats_callback(volume->fs, note_block, NULL);
    ext2fs_set_block_alloc_stats_range_callback(volume->fs, note_blocks, NULL);
    return ext2fs_allocate_block_bitmap(volume->fs, "blocks freed", &volume->freed);
}

/* Free before and after this sync: if it is interrupted too early, files are as they were. */
static bool is_free(const struct volume *volume, uint32_t page)
{
    uint32_t size = volume->fs->blocksize, count = size < PAGE_SIZE ? PAGE_SIZE / size : 1;
    blk64_t first = (blk64_t)page * PAGE_SIZE / size;
    return first >= volume->fs->super->s_first_data_block && first + count <= ext2fs_blocks_count(volume->fs->super) &&
           ext2fs_test_block_bitmap_range2(volume->fs->block_map, first, (int)count) &&
           ext2fs_test_block_bitmap_range2(volume->freed, first, (int)count) && !cache_is_changed(volume->unit, page);
}

/* The same places as last time, while they stay free. */
static bool find_places(struct volume *volume, uint32_t count)
{
    uint32_t end = (uint32_t)(ext2fs_blocks_count(volume->fs->super) * volume->fs->blocksize / PAGE_SIZE);
    uint32_t page = volume->places < end ? volume->places : 0, found = 0;
    for (uint32_t tries = 0; tries < end && found < count; tries++, page = page + 1 < end ? page + 1 : 0)
        if (is_free(volume, page))
            pairs[found++].place = page;
    volume->places = pairs[0].place;
    return found == count;
}

/* ---- writing ---- */

/* Changed pages go to runs of places, as many in one request as follow each other. */
static status_t write_log(const struct volume *volume, uint32_t count)
{
    status_t status = OK;
    for (uint32_t i = 0, run; i < count && status == OK; i += run) {
        for (run = 1; i + run < count && pairs[i + run].place == pairs[i].place + run; run++)
            continue;
        run = cache_write_elsewhere(volume->unit, &targets[i], run, pairs[i].place, &status);
    }
    return status;
}

static status_t write_lists(const struct volume *volume, struct record *record)
{
    status_t status = OK;
    for (uint32_t i = 0; i < lists_of(record->count) && status == OK; i++) {
        uint32_t left = record->count - i * PAIRS;
        record->lists[i] = pairs[record->count + i].place;
        memcpy(cache_spare(i), &pairs[i * PAIRS], (left < PAIRS ? left : PAIRS) * sizeof(struct pair));
        status = cache_write_spare(volume->unit, i, (uint64_t)record->lists[i] * SECTORS_PER_PAGE, SECTORS_PER_PAGE);
    }
    return status == OK ? cache_barrier(volume->unit) : status;
}

/* Also in the cache, so that the page that it shares with the superblock does not wipe it when it is written. */
static status_t write_record(const struct volume *volume, const struct record *record)
{
    uint8_t *sector = cache_spare(0);
    memset(sector, 0, SECTOR);
    memcpy(sector, record, sizeof(*record));
    status_t status = cache_patch(volume->unit, RECORD_SECTOR * SECTOR, sector, SECTOR);
    if (status == OK)
        status = cache_write_spare(volume->unit, 0, RECORD_SECTOR, 1);
    return status == OK ? cache_barrier(volume->unit) : status;
}

/* E_NOT_SUPPORTED: too much has changed, or there is too little room. */
static status_t write_ahead(struct volume *volume, struct record *record)
{
    uint32_t count = cache_changed(volume->unit, targets, COMMIT_PAGES);
    *record = (struct record){ .magic = RECORD_MAGIC, .count = count };
    if (volume->foreign_sector || count > COMMIT_PAGES || !find_places(volume, count + lists_of(count)))
        return E_NOT_SUPPORTED;
    for (uint32_t i = 0; i < count; i++)
        pairs[i].target = targets[i];
    record->checksum = checksum_of(record, pairs);
    status_t status = write_log(volume, count);
    return status == OK ? write_lists(volume, record) : status;
}

/* Once the record may be on the disk, only a mount can finish what fails: it needs the record, and all that the record names. */
static status_t write_home(struct volume *volume, const struct record *record)
{
    status_t status = write_record(volume, record);
    if (status == OK)
        status = cache_flush(volume->unit);
    if (status == OK)
        status = write_record(volume, &(struct record){ 0 });
    volume->failed = status != OK;
    return status;
}

status_t commit(struct volume *volume)
{
    struct record record;
    lock_acquire(&lock);
    status_t status = write_ahead(volume, &record);
    if (status == OK)
        status = write_home(volume, &record);
    lock_release(&lock);
    return status;
}

status_t commit_superblock(const struct volume *volume)
{
    lock_acquire(&lock);
    status_t status = cache_read(volume->unit, SUPERBLOCK_OFFSET, cache_spare(0), SUPERBLOCK_SIZE, 0);
    if (status == OK)
        status = cache_write_spare(volume->unit, 0, SUPERBLOCK_OFFSET / SECTOR, SUPERBLOCK_SIZE / SECTOR);
    lock_release(&lock);
    return status == OK ? cache_barrier(volume->unit) : status;
}

/* ---- mounting ---- */

static bool is_sane(uint32_t unit, const struct record *record)
{
    bool sane = record->count <= COMMIT_PAGES;
    for (uint32_t i = 0; sane && i < lists_of(record->count); i++)
        sane = cache_contains(unit, (uint64_t)record->lists[i] * PAGE_SIZE, PAGE_SIZE);
    return sane;
}

/* *good: it is the list that the record is about. */
static status_t read_list(uint32_t unit, const struct record *record, bool *good)
{
    status_t status = OK;
    *good = is_sane(unit, record);
    for (uint32_t i = 0; *good && status == OK && i < lists_of(record->count); i++)
        status = cache_read(unit, (uint64_t)record->lists[i] * PAGE_SIZE, &pairs[i * PAIRS], PAGE_SIZE, 0);
    *good = *good && checksum_of(record, pairs) == record->checksum;
    return status;
}

/* The first page was put aside without the record, which must stay until all are home. */
static status_t move_home(uint32_t unit, const uint8_t *record_sector, uint32_t count)
{
    static uint8_t page[PAGE_SIZE];
    status_t status = OK;
    for (uint32_t i = 0; i < count && status == OK; i++) {
        status = cache_read(unit, (uint64_t)pairs[i].place * PAGE_SIZE, page, PAGE_SIZE, 0);
        if (status == OK)
            status = cache_write(unit, (uint64_t)pairs[i].target * PAGE_SIZE, page, PAGE_SIZE);
    }
    if (status == OK)
        status = cache_write(unit, RECORD_SECTOR * SECTOR, record_sector, SECTOR);
    return status == OK ? cache_flush(unit) : status;
}

static status_t replay(uint32_t unit, const uint8_t *sector, const struct record *record)
{
    bool good;
    status_t status = read_list(unit, record, &good);
    if (status == OK && good)
        status = move_home(unit, sector, record->count);
    else if (status == OK)
        print("ext2: unit 0x%x: the record of an interrupted sync is damaged: e2fsck should look at it\n", unit);
    if (status == OK)
        status = cache_write(unit, RECORD_SECTOR * SECTOR, nothing, SECTOR);
    if (status == OK)
        status = cache_flush(unit);
    if (status != OK)
        cache_drop(unit);
    return status;
}

status_t commit_replay(struct volume *volume, uint32_t unit)
{
    uint8_t sector[SECTOR];
    struct record record;
    if (lock.notification == HANDLE_NONE && lock_init(&lock) != OK)
        return E_NO_MEMORY;
    status_t status = cache_read(unit, RECORD_SECTOR * SECTOR, sector, SECTOR, 0);
    if (status != OK)
        return status;
    memcpy(&record, sector, sizeof(record));
    volume->foreign_sector = record.magic != RECORD_MAGIC && memcmp(sector, nothing, SECTOR) != 0;
    if (record.magic != RECORD_MAGIC)
        return OK;
    lock_acquire(&lock);
    status = replay(unit, sector, &record);
    lock_release(&lock);
    return status;
}
