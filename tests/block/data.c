/* Data: every sector read, odd counts, writes that the host checks, many requests at once. */
#include "test.h"

#define POISON 0xA5A5A5A5A5A5A5A5ull
#define WRITE_FIRST 256u        /* sectors that are written: the host knows them too */
#define WRITE_END 1024u
#define WRITE_FACTOR 0x9E3779B97F4A7C15ull
#define THREADS 8u
#define ROUNDS 40u

/* The host fills each 8 bytes with the number of their sector on the disk. */
static uint64_t pattern(uint64_t sector)
{
    return unit.first + sector;
}

static bool sectors_hold(uint32_t page, uint64_t sector, uint32_t count)
{
    const uint64_t *word = page_words(page);
    for (uint32_t i = 0; i < count * SECTOR_WORDS; i++)
        if (word[i] != pattern(sector + i / SECTOR_WORDS))
            return false;
    return true;
}

/* The disk may have an end that is no multiple of what one request takes. */
static void read_everything(void)
{
    bool good = true;
    for (uint64_t sector = 0; sector < unit.sectors && good; sector += BLOCK_PAGES * PAGE_SECTORS) {
        uint64_t left = unit.sectors - sector;
        uint32_t count = left < BLOCK_PAGES * PAGE_SECTORS ? (uint32_t)left : BLOCK_PAGES * PAGE_SECTORS;
        good = run(0, BLOCK_READ, sector, count, 1) == OK && sectors_hold(1, sector, count);
    }
    report(good, "every sector is what the host wrote");
}

static void read_odd_counts(void)
{
    bool good = true;
    for (uint32_t count = 1; count <= 33 && good; count++) {
        uint32_t sector = count * 7 + 1, words = count * SECTOR_WORDS;
        for (uint32_t i = 0; i < 6 * PAGE_SIZE / 8; i++)
            page_words(1)[i] = POISON;
        good = run(0, BLOCK_READ, sector, count, 1) == OK && sectors_hold(1, sector, count);
        for (uint32_t i = words; i < 6 * PAGE_SIZE / 8; i++)
            good = good && page_words(1)[i] == POISON;
    }
    report(good, "odd counts at odd sectors, and nothing beyond them");
}

/* Pages in an order of the client's own. */
static void read_scattered(void)
{
    bool good = true;
    request_fill(0, BLOCK_READ, 64, 3 * PAGE_SECTORS, 1);
    request_at(0)->pages[0] = 200;
    request_at(0)->pages[1] = 7;
    request_at(0)->pages[2] = 100;
    good = transfer(0) == OK && sectors_hold(200, 64, PAGE_SECTORS) && sectors_hold(7, 64 + PAGE_SECTORS, PAGE_SECTORS) &&
           sectors_hold(100, 64 + 2 * PAGE_SECTORS, PAGE_SECTORS);
    report(good, "pages in any order");
}

static bool write_piece(uint32_t sector, uint32_t count)
{
    for (uint32_t i = 0; i < count * SECTOR_WORDS; i++)
        page_words(1)[i] = (sector + i / SECTOR_WORDS) * WRITE_FACTOR + i % SECTOR_WORDS;
    return run(0, BLOCK_WRITE, sector, count, 1) == OK;
}

static bool written_sectors_hold(uint32_t sector, uint32_t count)
{
    bool good = run(0, BLOCK_READ, sector, count, 100) == OK;
    for (uint32_t i = 0; i < count * SECTOR_WORDS && good; i++)
        good = page_words(100)[i] == (sector + i / SECTOR_WORDS) * WRITE_FACTOR + i % SECTOR_WORDS;
    return good;
}

static void write_and_read(void)
{
    bool good = true;
    uint32_t count = 1;
    for (uint32_t sector = WRITE_FIRST; sector < WRITE_END && good; sector += count) {
        count = count * 2 + 1 < BLOCK_PAGES * PAGE_SECTORS ? count * 2 + 1 : 3;
        count = count < WRITE_END - sector ? count : WRITE_END - sector;
        good = write_piece(sector, count) && written_sectors_hold(sector, count);
    }
    report(good, "what was written is read back");
    report(run(0, BLOCK_FLUSH, 0, 0, 0) == OK, "flush");
}

static void refuse_writes(void)
{
    report(run(0, BLOCK_WRITE, 0, 1, 1) == E_NOT_SUPPORTED, "a read-only disk takes no write");
    report(run(0, BLOCK_FLUSH, 0, 0, 0) == OK, "flush of a read-only disk");
}

/* ---- many at once ---- */

static struct {
    volatile uint32_t wrong, left;
    handle_t done;
} crowd;

/* Behind the written sectors, where the pattern still stands. */
static bool read_somewhere(uint32_t thread, uint32_t *random)
{
    uint32_t page = 1 + thread * 16;
    *random = *random * 1664525 + 1013904223;
    uint32_t count = 1 + (*random >> 8) % (16 * PAGE_SECTORS), room = (uint32_t)unit.sectors - WRITE_END - count;
    uint32_t sector = WRITE_END + (*random >> 4) % room;
    return run(thread, BLOCK_READ, sector, count, page) == OK && sectors_hold(page, sector, count);
}

static void read_often(void *argument)
{
    uint32_t thread = (uint32_t)argument, random = thread;
    for (uint32_t i = 0; i < ROUNDS; i++)
        if (!read_somewhere(thread, &random))
            crowd.wrong++;
    __atomic_sub_fetch(&crowd.left, 1, __ATOMIC_SEQ_CST);
    notification_signal(crowd.done, 1);
}

static void many_at_once(void)
{
    handle_t thread;
    uint32_t bits;
    crowd.left = THREADS;
    notification_create(&crowd.done);
    for (uint32_t i = 0; i < THREADS; i++)
        if (thread_spawn(read_often, (void *)i, 0, &thread) == OK)
            handle_close(thread);
    while (crowd.left && notification_wait(crowd.done, 1, 20000000, &bits) == OK)
        continue;
    report(crowd.left == 0 && crowd.wrong == 0, "reads by eight threads");
    describe(unit_number, &unit);
    print("# at most %u commands with the device at once\n", unit.running_high);
}

void data_cases(void)
{
    read_everything();
    read_odd_counts();
    read_scattered();
    if (unit.read_only)
        refuse_writes();
    else
        write_and_read();
    many_at_once();
}
