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

/* init makes each restart wait longer than the last. */
static void end_service(uint32_t number, uint32_t times, const char *name)
{
    bool good = true;
    for (uint32_t i = 0; i < times && good; i++) {
        start_readers();
        sleep_microseconds(20000);
        good = service_call(init_endpoint(), INIT_KILL, number, NULL) == OK && readers_end() && works_again();
    }
    report(good, name);
}

void restart_cases(void)
{
    end_service(BLOCK_NUMBER, 2, "the block service ends while it works");
    end_service(PCI_NUMBER, 1, "the PCI service ends below it");
}
