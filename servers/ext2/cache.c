/* The page cache of ext2. */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

#include <servers/block/block.h>

#define UNITS 32u               /* whose errors and sizes we keep */
#define HASH_BITS 10
#define HASH_SLOTS (1u << HASH_BITS)
#define NONE 0xFFFFu
#define PAUSE 1000u             /* microseconds */
#define SECTORS_PER_PAGE (PAGE_SIZE / BLOCK_SECTOR)
#define OWN_REQUEST (BLOCK_REQUESTS - 1) /* for check_units() alone, when the others may be in use */
#define FILLING (BLOCK_REQUESTS + 1) /* its first bytes are being copied to it */

struct page {
    uint32_t unit, index;       /* which page of which unit */
    uint16_t next_in_hash;
    uint16_t older, newer;      /* order of use; the list is a ring through pages[0], which holds the requests */
    uint8_t pins;               /* being copied from or to */
    uint8_t busy;               /* 1 + number of the request that transfers it; FILLING; 0: none */
    bool used, dirty;
};

struct transfer {               /* one request to the block service */
    struct lock lock;           /* held while it runs: those who need one of its pages wait on it */
    uint32_t number;
    struct block_request *request;
};

static struct page *pages;      /* page n lies in slot n of the session; 0 is none */
static uint16_t hash[HASH_SLOTS];
static uint32_t page_count, changed_count;
static struct connection block = { .service = "block", .slot_size = PAGE_SIZE, .rights = RIGHT_DMA };
static struct lock lock;        /* over everything but transfers that run */
static struct transfer transfers[BLOCK_REQUESTS];
static uint32_t transfers_busy = 1u << OWN_REQUEST;
static struct unit {
    uint32_t number;
    struct block_description description; /* when it was asked for by name */
    bool replaced;              /* by another disk, or none, when the block service was started again */
    status_t write_error;       /* of a write that nobody waited for */
} units[UNITS];
static uint32_t unit_count;

/* ---- the list of pages by use, and the hash ---- */

static uint16_t number_of(const struct page *page)
{
    return (uint16_t)(page - pages);
}

static void unlink_use(struct page *page)
{
    pages[page->older].newer = page->newer;
    pages[page->newer].older = page->older;
}

static void make_newest(struct page *page)
{
    page->older = pages[0].older;
    page->newer = 0;
    pages[page->older].newer = number_of(page);
    pages[0].older = number_of(page);
}

static void touch(struct page *page)
{
    unlink_use(page);
    make_newest(page);
}

static uint16_t *hash_slot(uint32_t unit, uint32_t index)
{
    return &hash[(index * 2654435761u ^ unit * 40503u) >> (32 - HASH_BITS)];
}

static struct page *find(uint32_t unit, uint32_t index)
{
    uint16_t number = *hash_slot(unit, index);
    while (number != NONE && (pages[number].index != index || pages[number].unit != unit))
        number = pages[number].next_in_hash;
    return number == NONE ? NULL : &pages[number];
}

static void set_changed(struct page *page, bool changed)
{
    changed_count += (uint32_t)(changed - page->dirty);
    page->dirty = changed;
}

static void forget(struct page *page)
{
    set_changed(page, false);
    uint16_t *link = hash_slot(page->unit, page->index);
    while (*link != number_of(page))
        link = &pages[*link].next_in_hash;
    *link = page->next_in_hash;
    page->used = false;
}

static void name(struct page *page, uint32_t unit, uint32_t index)
{
    uint16_t *slot = hash_slot(unit, index);
    page->unit = unit;
    page->index = index;
    page->used = true;
    page->next_in_hash = *slot;
    *slot = number_of(page);
}

/* ---- transfers ---- */

/* Asleep, since those who must go on may be of a lower priority. */
static void let_others(void)
{
    lock_release(&lock);
    sleep_microseconds(PAUSE);
    lock_acquire(&lock);
}

static struct transfer *transfer_begin(void)
{
    while (transfers_busy == UINT32_MAX) /* more workers than requests */
        let_others();
    struct transfer *transfer = &transfers[__builtin_ctz(~transfers_busy)];
    transfers_busy |= 1u << transfer->number;
    lock_acquire(&transfer->lock); /* free, or about to be: its last waiter only passes through */
    return transfer;
}

static void transfer_end(struct transfer *transfer)
{
    transfers_busy &= ~(1u << transfer->number);
    lock_release(&transfer->lock);
}

static struct unit *find_unit(uint32_t number)
{
    for (uint32_t i = 0; i < unit_count; i++)
        if (units[i].number == number)
            return &units[i];
    return NULL;
}

static uint64_t unit_sectors(uint32_t number)
{
    const struct unit *unit = find_unit(number);
    return unit ? unit->description.sectors : 0;
}

/* Moves the pages whose numbers stand in the request; every request can be made twice. Unlocks the cache meanwhile. */
static status_t move(struct transfer *transfer, enum block_operation operation, uint32_t unit, uint64_t first, uint32_t sectors)
{
    struct block_request *request = transfer->request;
    uint64_t end = unit_sectors(unit);
    if (end == 0 || find_unit(unit)->replaced)
        return E_IO;
    request->unit = unit;
    request->operation = operation;
    request->sector = first;
    request->count = first + sectors > end ? (uint32_t)(end - first) : sectors;
    lock_release(&lock);
    status_t status = connection_repeat(&block, BLOCK_TRANSFER, transfer->number, NULL);
    lock_acquire(&lock);
    return status == E_NOT_FOUND ? E_IO : status; /* it has gone meanwhile */
}

static status_t move_pages(struct transfer *transfer, enum block_operation operation, uint32_t unit, uint32_t index,
                           uint32_t count)
{
    return move(transfer, operation, unit, (uint64_t)index * SECTORS_PER_PAGE, count * SECTORS_PER_PAGE);
}

static void wait_for(const struct page *page)
{
    if (page->busy == FILLING) {
        let_others();
        return;
    }
    struct transfer *transfer = &transfers[page->busy - 1];
    lock_release(&lock);
    lock_acquire(&transfer->lock);
    lock_release(&transfer->lock);
    lock_acquire(&lock);
}

static void mark(struct transfer *transfer, uint32_t at, struct page *page)
{
    transfer->request->pages[at] = number_of(page);
    page->busy = (uint8_t)(transfer->number + 1);
}

/* ---- writing ---- */

static bool can_be_written(const struct page *page)
{
    return page && page->dirty && !page->busy;
}

static void note_error(uint32_t unit, status_t status)
{
    find_unit(unit)->write_error = status;
    print("ext2: unit 0x%x: a write failed, and its data are lost: %s\n", unit, status_text(status));
}

/* Writes a changed page together with the changed ones around it. Pages that could not be written are forgotten, or they would
 * fill the cache for ever. */
static void write_around(struct page *page)
{
    struct transfer *transfer = transfer_begin();
    uint32_t unit = page->unit, first = page->index, count = 0;
    uint16_t numbers[BLOCK_PAGES];
    while (first > 0 && page->index - first < BLOCK_PAGES / 2 && can_be_written(find(unit, first - 1)))
        first--;
    for (struct page *next; count < BLOCK_PAGES && can_be_written(next = find(unit, first + count)); count++) {
        numbers[count] = number_of(next);
        set_changed(next, false); /* a change from now on makes it so again */
        mark(transfer, count, next);
    }
    status_t status = move_pages(transfer, BLOCK_WRITE, unit, first, count);
    for (uint32_t i = 0; i < count; i++) {
        pages[numbers[i]].busy = 0;
        if (status != OK)
            forget(&pages[numbers[i]]);
    }
    transfer_end(transfer);
    if (status != OK)
        note_error(unit, status);
}

/* ---- reading ---- */

/* A page that holds nothing that is not on the disk; NULL: there is none now. Those passed over are not looked at again soon. */
static struct page *take_unchanged(void)
{
    for (uint32_t i = 1; i < page_count; i++) {
        struct page *page = &pages[pages[0].newer];
        if (page->pins || page->busy || page->dirty) {
            touch(page);
            continue;
        }
        if (page->used)
            forget(page);
        return page;
    }
    return NULL;
}

static struct page *oldest_changed(void)
{
    for (uint16_t number = pages[0].newer; number != 0; number = pages[number].newer)
        if (!pages[number].pins && can_be_written(&pages[number]))
            return &pages[number];
    return NULL;
}

/* A page that holds nothing, or nothing that is still needed; NULL: the cache was unlocked meanwhile, look again. */
static struct page *take_oldest(void)
{
    struct page *page = take_unchanged(), *changed;
    if (page)
        return page;
    if ((changed = oldest_changed()))
        write_around(changed);
    else
        let_others(); /* every page is in use at this moment */
    return NULL;
}

/* Takes pages for index .. index + most - 1, as far as they are missing and can be had without writing others first. */
static uint32_t take_for_reading(struct transfer *transfer, struct page *first, uint32_t unit, uint32_t index, uint32_t most)
{
    struct page *page;
    uint32_t count = 1;
    name(first, unit, index);
    mark(transfer, 0, first);
    touch(first);
    for (; count < most && !find(unit, index + count) && (page = take_unchanged()); count++) {
        name(page, unit, index + count);
        mark(transfer, count, page);
        touch(page);
    }
    return count;
}

static status_t read_pages(struct page *first, uint32_t unit, uint32_t index, uint32_t most)
{
    struct transfer *transfer = transfer_begin();
    uint16_t numbers[BLOCK_PAGES];
    uint32_t end = (uint32_t)((unit_sectors(unit) + SECTORS_PER_PAGE - 1) / SECTORS_PER_PAGE);
    most = most < BLOCK_PAGES ? most : BLOCK_PAGES;
    most = most < end - index ? most : end - index;
    uint32_t count = take_for_reading(transfer, first, unit, index, most);
    memcpy(numbers, transfer->request->pages, sizeof(numbers));
    status_t status = move_pages(transfer, BLOCK_READ, unit, index, count);
    for (uint32_t i = 0; i < count; i++) {
        pages[numbers[i]].busy = 0;
        if (status != OK)
            forget(&pages[numbers[i]]);
    }
    transfer_end(transfer);
    return status;
}

/* For the caller to overwrite all of it: until then it holds another page's bytes, which nobody may see. */
static void take_for_filling(struct page *page, uint32_t unit, uint32_t index)
{
    name(page, unit, index);
    touch(page);
    page->busy = FILLING;
    page->pins++;
}

/* The page, pinned. fill: with what is on the disk, read `most` pages at once if it must be read; otherwise the caller is about
 * to overwrite all of it. */
static status_t get(uint32_t unit, uint32_t index, bool fill, uint32_t most, struct page **found)
{
    status_t status = OK;
    struct page *page;
    lock_acquire(&lock);
    while (status == OK) {
        page = find(unit, index);
        if (page && !page->busy) {
            page->pins++;
            touch(page);
            break;
        }
        if (page) {
            wait_for(page);
            continue;
        }
        page = take_oldest();
        if (!page)
            continue;
        if (!fill) {
            take_for_filling(page, unit, index);
            break;
        }
        status = read_pages(page, unit, index, most);
        if (status != OK && most > 1) { /* perhaps for a page that was read ahead */
            most = 1;
            status = OK;
        }
    }
    *found = page;
    lock_release(&lock);
    return status;
}

static void put(struct page *page, bool changed)
{
    lock_acquire(&lock);
    if (changed)
        set_changed(page, true);
    if (page->busy == FILLING)
        page->busy = 0;
    page->pins--;
    lock_release(&lock);
}

/* ---- copying ---- */

static uint8_t *bytes_of(const struct page *page)
{
    return block.session.base + number_of(page) * PAGE_SIZE;
}

bool cache_contains(uint32_t unit, uint64_t offset, uint32_t bytes)
{
    uint64_t end = unit_sectors(unit) * BLOCK_SECTOR;
    return offset <= end && bytes <= end - offset;
}

static uint32_t piece(uint64_t offset, uint32_t bytes)
{
    uint32_t left = PAGE_SIZE - (uint32_t)offset % PAGE_SIZE;
    return bytes < left ? bytes : left;
}

status_t cache_read(uint32_t unit, uint64_t offset, void *to, uint32_t bytes, uint32_t ahead)
{
    status_t status = cache_contains(unit, offset, bytes) ? OK : E_BAD_ARGUMENT;
    uint32_t wanted = ahead > bytes ? ahead : bytes;
    for (uint32_t done = 0, part; done < bytes && status == OK; done += part) {
        struct page *page;
        part = piece(offset + done, bytes - done);
        uint32_t pages_wanted = ((uint32_t)(offset + done) % PAGE_SIZE + wanted - done + PAGE_SIZE - 1) / PAGE_SIZE;
        status = get(unit, (uint32_t)((offset + done) / PAGE_SIZE), true, pages_wanted, &page);
        if (status != OK)
            break;
        memcpy((uint8_t *)to + done, bytes_of(page) + (uint32_t)(offset + done) % PAGE_SIZE, part);
        put(page, false);
    }
    return status;
}

/* from NULL: zeros. compare: a page that holds the same already has not changed; one that is not in the cache is read for it. */
static status_t change(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes, bool compare)
{
    status_t status = cache_contains(unit, offset, bytes) ? OK : E_BAD_ARGUMENT;
    for (uint32_t done = 0, part; done < bytes && status == OK; done += part) {
        struct page *page;
        part = piece(offset + done, bytes - done);
        status = get(unit, (uint32_t)((offset + done) / PAGE_SIZE), compare || part < PAGE_SIZE, 1, &page);
        if (status != OK)
            break;
        uint8_t *to = bytes_of(page) + (uint32_t)(offset + done) % PAGE_SIZE;
        bool differs = !compare || memcmp(to, (const uint8_t *)from + done, part) != 0;
        if (!from)
            memset(to, 0, part);
        else if (differs)
            memcpy(to, (const uint8_t *)from + done, part);
        put(page, differs);
    }
    return status;
}

status_t cache_write(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes)
{
    return change(unit, offset, from, bytes, false);
}

status_t cache_update(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes)
{
    return change(unit, offset, from, bytes, true);
}

status_t cache_zero(uint32_t unit, uint64_t offset, uint32_t bytes)
{
    return change(unit, offset, NULL, bytes, false);
}

/* ---- flushing ---- */

static struct page *next_changed(uint32_t unit)
{
    struct page *lowest = NULL;
    for (uint32_t i = 1; i < page_count; i++)
        if (pages[i].used && pages[i].unit == unit && pages[i].dirty && !pages[i].busy &&
            (!lowest || pages[i].index < lowest->index))
            lowest = &pages[i];
    return lowest;
}

static status_t take_write_error(uint32_t number)
{
    struct unit *unit = find_unit(number);
    status_t status = unit->write_error;
    unit->write_error = OK;
    return status;
}

/* A write that somebody else began must be over as well. */
static bool wait_for_writes(uint32_t unit)
{
    for (uint32_t i = 1; i < page_count; i++) {
        if (pages[i].used && pages[i].unit == unit && pages[i].busy) {
            wait_for(&pages[i]);
            return true;
        }
    }
    return false;
}

status_t cache_flush(uint32_t unit)
{
    struct page *page;
    lock_acquire(&lock);
    do {
        while ((page = next_changed(unit)))
            write_around(page);
    } while (wait_for_writes(unit));
    status_t status = take_write_error(unit);
    lock_release(&lock);
    status_t flushed = cache_barrier(unit);
    return status == OK ? flushed : status;
}

status_t cache_barrier(uint32_t unit)
{
    lock_acquire(&lock);
    struct transfer *transfer = transfer_begin();
    status_t status = move_pages(transfer, BLOCK_FLUSH, unit, 0, 0);
    transfer_end(transfer);
    lock_release(&lock);
    return status;
}

bool cache_is_full(void)
{
    return changed_count > page_count / 2 || changed_count > COMMIT_PAGES * 3 / 4;
}

/* ---- for commit.c: whoever calls these has locked the volume, so that its pages do not change ---- */

bool cache_is_changed(uint32_t unit, uint32_t index)
{
    lock_acquire(&lock);
    const struct page *page = find(unit, index);
    bool changed = page && page->dirty;
    lock_release(&lock);
    return changed;
}

static int compare(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return first < second ? -1 : first > second;
}

uint32_t cache_changed(uint32_t unit, uint32_t *indices, uint32_t most)
{
    uint32_t count = 0;
    lock_acquire(&lock);
    for (uint32_t i = 1; i < page_count; i++)
        if (pages[i].used && pages[i].unit == unit && pages[i].dirty && count++ < most)
            indices[count - 1] = pages[i].index;
    lock_release(&lock);
    qsort(indices, count < most ? count : most, sizeof(*indices), compare);
    return count;
}

/* Changed pages stay where they are: none is written to make room as long as there are others. */
uint32_t cache_write_elsewhere(uint32_t unit, const uint32_t *indices, uint32_t count, uint32_t to, status_t *status)
{
    count = count < BLOCK_PAGES ? count : BLOCK_PAGES;
    lock_acquire(&lock);
    struct transfer *transfer = transfer_begin();
    for (uint32_t i = 0; i < count; i++)
        transfer->request->pages[i] = number_of(find(unit, indices[i]));
    *status = move_pages(transfer, BLOCK_WRITE, unit, to, count);
    transfer_end(transfer);
    lock_release(&lock);
    return count;
}

void *cache_spare(uint32_t number)
{
    return block.session.base + (page_count + number) * PAGE_SIZE;
}

status_t cache_write_spare(uint32_t unit, uint32_t number, uint64_t sector, uint32_t sectors)
{
    lock_acquire(&lock);
    struct transfer *transfer = transfer_begin();
    transfer->request->pages[0] = (uint16_t)(page_count + number);
    status_t status = move(transfer, BLOCK_WRITE, unit, sector, sectors);
    transfer_end(transfer);
    lock_release(&lock);
    return status;
}

status_t cache_patch(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes)
{
    struct page *page;
    status_t status = get(unit, (uint32_t)(offset / PAGE_SIZE), true, 1, &page);
    if (status != OK)
        return status;
    memcpy(bytes_of(page) + offset % PAGE_SIZE, from, bytes);
    put(page, false);
    return OK;
}

static bool wait_for_copies(uint32_t unit)
{
    for (uint32_t i = 1; i < page_count; i++) {
        if (pages[i].used && pages[i].unit == unit && pages[i].pins) {
            let_others();
            return true;
        }
    }
    return false;
}

void cache_drop(uint32_t unit)
{
    lock_acquire(&lock);
    while (wait_for_writes(unit) || wait_for_copies(unit))
        continue;
    for (uint32_t i = 1; i < page_count; i++)
        if (pages[i].used && pages[i].unit == unit)
            forget(&pages[i]);
    lock_release(&lock);
}

/* ---- the block service was started again ---- */

static bool is_same(struct block_description now, const struct block_description *before)
{
    now.running_high = before->running_high;
    return memcmp(&now, before, sizeof(now)) == 0;
}

/* Requests that were under way are about to be made again. */
static void stop_requests(const struct unit *unit)
{
    for (uint32_t i = 0; i < BLOCK_REQUESTS; i++)
        if (transfers[i].request->unit == unit->number)
            transfers[i].request->unit = UINT32_MAX;
}

static status_t check_unit(struct unit *unit)
{
    struct block_request *request = transfers[OWN_REQUEST].request;
    bool known = unit->replaced;
    request->unit = unit->number;
    status_t status = block_describe(block.endpoint, OWN_REQUEST);
    if (status == E_PEER_DIED || status == E_BAD_STATE)
        return status;
    unit->replaced = status != OK || !is_same(request->description, &unit->description);
    if (unit->replaced)
        stop_requests(unit);
    if (unit->replaced && !known)
        print("ext2: unit 0x%x: it is not the disk that it was\n", unit->number);
    return OK;
}

/* What has the number of a unit now may be another disk: nothing meant for the one before may reach it. */
static status_t check_units(struct connection *connection)
{
    status_t status = OK;
    (void)connection;
    lock_acquire(&lock);
    for (uint32_t i = 0; i < unit_count && status == OK; i++)
        status = check_unit(&units[i]);
    lock_release(&lock);
    return status;
}

bool cache_is_lost(uint32_t unit)
{
    lock_acquire(&lock);
    bool lost = find_unit(unit)->replaced;
    lock_release(&lock);
    return lost;
}

/* ---- start ---- */

static status_t init_transfers(void)
{
    status_t status = OK;
    for (uint32_t i = 0; i < BLOCK_REQUESTS && status == OK; i++) {
        status = lock_init(&transfers[i].lock);
        transfers[i].number = i;
        transfers[i].request = (struct block_request *)block.session.base + i;
    }
    return status;
}

status_t cache_init(uint32_t kibibytes)
{
    page_count = kibibytes / (PAGE_SIZE / 1024) - CACHE_SPARE;
    status_t status = lock_init(&lock);
    if (status == OK)
        status = lock_init(&block.lock);
    block.slots = page_count + CACHE_SPARE;
    block.renewed = check_units;
    if (status == OK)
        status = connection_open(&block);
    if (status == OK)
        status = init_transfers();
    if (status != OK)
        return status;
    pages = pages_allocate(page_count * sizeof(*pages));
    if (!pages)
        return E_NO_MEMORY;
    memset(hash, 0xFF, sizeof(hash));
    for (uint32_t i = 1; i < page_count; i++)
        make_newest(&pages[i]);
    return OK;
}

static status_t describe(uint32_t unit, struct block_description *description)
{
    lock_acquire(&lock);
    struct transfer *transfer = transfer_begin();
    transfer->request->unit = unit;
    lock_release(&lock);
    status_t status = connection_repeat(&block, BLOCK_DESCRIBE, transfer->number, NULL);
    *description = transfer->request->description;
    lock_acquire(&lock);
    transfer_end(transfer);
    lock_release(&lock);
    return status;
}

static status_t remember_unit(uint32_t number, const struct block_description *description)
{
    struct unit *unit = find_unit(number);
    if (!unit && unit_count == UNITS)
        return E_NO_MEMORY;
    if (!unit)
        unit = &units[unit_count++];
    *unit = (struct unit){ .number = number, .description = *description };
    return OK;
}

/* disk<number>[p<number>] */
bool cache_parse_unit(const char *text, uint32_t *unit)
{
    uint32_t numbers[2] = { 0, 0 };
    if (strncmp(text, "disk", 4) != 0 || text[4] < '0' || text[4] > '9')
        return false;
    text += 4;
    for (uint32_t i = 0; i < 2; i++) {
        for (; *text >= '0' && *text <= '9'; text++)
            numbers[i] = numbers[i] * 10 + (uint32_t)(*text - '0');
        if (*text == 'p' && i == 0)
            text++;
    }
    *unit = numbers[0] << 8 | (numbers[1] & 0xFF);
    return *text == '\0';
}

status_t cache_find_unit(const char *text, uint32_t *unit, uint64_t *sectors, bool *read_only)
{
    struct block_description description;
    if (!cache_parse_unit(text, unit))
        return E_NOT_FOUND;
    status_t status = describe(*unit, &description);
    if (status != OK)
        return status;
    *sectors = description.sectors;
    *read_only = description.read_only;
    lock_acquire(&lock);
    status = remember_unit(*unit, &description);
    lock_release(&lock);
    return status;
}
