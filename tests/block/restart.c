/* Services that end while they work: init starts them again, and the disk must be what it was. */
#include "test.h"

#include <init.h>

#define PCI_NUMBER 1u           /* places in the list */
#define BLOCK_NUMBER 2u
#define READERS 4u
#define TRIES 60u
#define TRY_PERIOD 50000u       /* microseconds */

static volatile uint32_t reading;

static void read_until_it_fails(void *argument)
{
    uint32_t thread = (uint32_t)argument;
    status_t status = OK;
    for (uint32_t i = 0; status == OK; i++)
        status = run(thread, BLOCK_READ, (i * 64 + thread * 500) % 2000, 64, 1 + thread * 16);
    __atomic_sub_fetch(&reading, 1, __ATOMIC_SEQ_CST);
}

static void start_readers(void)
{
    handle_t thread;
    reading = READERS;
    for (uint32_t i = 0; i < READERS; i++)
        if (thread_spawn(read_until_it_fails, (void *)i, 0, &thread) == OK)
            handle_close(thread);
}

static bool readers_end(void)
{
    for (uint32_t i = 0; i < TRIES && reading; i++)
        sleep_microseconds(TRY_PERIOD);
    return reading == 0;
}

/* The session is gone with the service that had it. */
static bool works_again(void)
{
    status_t status = E_PEER_DIED;
    for (uint32_t i = 0; i < TRIES && status != OK; i++) {
        session_close(&session, block);
        status = session_open(&session, block, SESSION_PAGES, PAGE_SIZE, RIGHT_DMA);
        if (status == OK)
            status = run(0, BLOCK_READ, 0, BLOCK_PAGES * PAGE_SECTORS, 1);
        if (status != OK)
            sleep_microseconds(TRY_PERIOD);
    }
    return status == OK && page_words(1)[PAGE_SIZE / 8] == PAGE_SECTORS;
}

static bool kill(uint32_t number)
{
    return init_kill(init_endpoint(), number) == OK;
}

/* init makes each restart wait longer than the last. Then `another` ends at once, unless it is 0. */
static void end_service(uint32_t number, uint32_t another, uint32_t times, const char *name)
{
    bool good = true;
    for (uint32_t i = 0; i < times && good; i++) {
        start_readers();
        sleep_microseconds(20000);
        good = kill(number) && (another == 0 || kill(another)) && readers_end() && works_again();
    }
    report(good, name);
}

/* ---- PCI ends once more while the block service starts ---- */

#define ROUNDS 40u
#define STEP 100u               /* microseconds by which each round's second end is later than the last one's */

static void await_restart(const struct process_entry *entry, uint32_t restarts)
{
    for (uint32_t i = 0; i < TRIES * TRY_PERIOD / STEP && entry->restarts == restarts; i++)
        sleep_microseconds(STEP);
}

/* Each disk is where it was: clients know them by their numbers. */
static bool same_disk(void)
{
    struct block_description description;
    return works_again() && describe(unit_number, &description) == OK && description.sectors == unit.sectors;
}

static bool end_pci_twice(const struct process_entry *service, uint32_t later)
{
    uint32_t restarts = service->restarts;
    kill(PCI_NUMBER);
    run(0, BLOCK_READ, 0, 1, 1); /* by which it learns of that */
    await_restart(service, restarts);
    sleep_microseconds(later);
    kill(PCI_NUMBER);
    return same_disk();
}

void start_cases(void)
{
    const struct process_table *table;
    bool good = init_table(&table) == OK;
    for (uint32_t i = 0; i < ROUNDS && good; i++)
        good = end_pci_twice(&table->entries[BLOCK_NUMBER - 1], i * STEP);
    report(good, "the PCI service ends while the block service starts");
}

void restart_cases(void)
{
    end_service(BLOCK_NUMBER, 0, 2, "the block service ends while it works");
    end_service(PCI_NUMBER, 0, 1, "the PCI service ends below it");
    end_service(PCI_NUMBER, BLOCK_NUMBER, 1, "the PCI service ends, and the block service before it is back");
}
