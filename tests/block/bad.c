/* Requests that must be refused, each with its own error, and none with harm. */
#include "test.h"

static void expect(status_t wanted, const char *name)
{
    status_t status = transfer(0);
    report(status == wanted, name);
    if (status != wanted)
        print("# %s, not %s\n", status_text(status), status_text(wanted));
}

static void bad_numbers(void)
{
    report(transfer(BLOCK_REQUESTS) == E_BAD_ARGUMENT, "no such request");
    report(transfer(0xFFFFFFFF) == E_BAD_ARGUMENT, "no such request by far");
    request_fill(0, BLOCK_READ, 0, 1, 1);
    request_at(0)->unit = 0xFF00;
    expect(E_NOT_FOUND, "no such unit");
    request_fill(0, 3, 0, 1, 1);
    expect(E_BAD_ARGUMENT, "no such operation");
}

static void bad_sectors(void)
{
    request_fill(0, BLOCK_READ, 0, 0, 1);
    expect(E_BAD_ARGUMENT, "no sector at all");
    request_fill(0, BLOCK_READ, 0, BLOCK_PAGES * PAGE_SECTORS + 1, 1);
    expect(E_BAD_ARGUMENT, "more sectors than pages");
    request_fill(0, BLOCK_READ, 0, 0xFFFFFFFF, 1);
    expect(E_BAD_ARGUMENT, "2^32 - 1 sectors");
    request_fill(0, BLOCK_READ, unit.sectors, 1, 1);
    expect(E_BAD_ARGUMENT, "behind the end");
    request_fill(0, BLOCK_READ, unit.sectors - 1, 2, 1);
    expect(E_BAD_ARGUMENT, "across the end");
    request_fill(0, BLOCK_READ, 0xFFFFFFFFFFFFFFFFull, 2, 1);
    expect(E_BAD_ARGUMENT, "around the end of numbers");
    request_fill(0, BLOCK_READ, unit.sectors - 1, 1, 1);
    expect(OK, "the last sector");
}

static void bad_pages(void)
{
    request_fill(0, BLOCK_READ, 0, 2 * PAGE_SECTORS, 1);
    request_at(0)->pages[1] = 0;
    expect(E_BAD_ARGUMENT, "into the page of requests");
    request_fill(0, BLOCK_READ, 0, 2 * PAGE_SECTORS, 1);
    request_at(0)->pages[1] = SESSION_PAGES;
    expect(E_BAD_ARGUMENT, "behind the memory");
    request_fill(0, BLOCK_READ, 0, 1, 1);
    request_at(0)->pages[0] = 0xFFFF;
    expect(E_BAD_ARGUMENT, "far behind the memory");
}

/* The library keeps one session for each client: these end the one that the other cases have. */
static void bad_sessions(void)
{
    session_close(&session, block);
    report(transfer(0) == E_BAD_STATE, "no session");
    report(session_open(&session, block, 64, 64, RIGHT_DMA) == E_BAD_ARGUMENT, "slots that are no pages");
    report(session_open(&session, block, 4, PAGE_SIZE, 0) == OK, "a session without the right to DMA");
    report(run(0, BLOCK_READ, 0, 1, 1) == E_NO_RIGHT, "no transfer without it");
    report(run(0, BLOCK_READ, 0, 1, 4) == E_BAD_ARGUMENT, "behind a small memory");
    session_close(&session, block);
    report(session_open(&session, block, SESSION_PAGES, PAGE_SIZE, RIGHT_DMA) == OK, "a good session again");
    report(run(0, BLOCK_READ, 0, 1, 1) == OK, "a good request again");
}

/* ---- clients that are worse than wrong ---- */

#define CHANGES 3000u
#define SESSIONS 70u            /* more than the service can have at once */
#define SMALL_SESSION 2u        /* pages */

static volatile bool changing;

/* A request that is good or bad, depending on when one looks. */
static void keep_changing(void *unused)
{
    volatile struct block_request *request = request_at(0);
    (void)unused;
    for (uint32_t i = 0; changing; i++) {
        request->pages[i % 3] = i % 4 ? 2 : i % 8 ? 0xFFFF : 0;
        request->sector = i % 7 ? i % 64 : 0xFFFFFFFFFFFFFFF0ull;
        request->count = i % 5 ? 1 + i % 24 : 0xFFFFFFFF;
        request->unit = i % 11 ? unit_number : 0xFFFFFFFF;
        if (i % 61 == 0)
            thread_yield();
    }
}

static void changed_requests(void)
{
    uint32_t good = 0, bad = 0;
    handle_t thread;
    changing = true;
    request_fill(0, BLOCK_READ, 0, 1, 1);
    if (thread_spawn(keep_changing, NULL, 0, &thread) != OK)
        return;
    for (uint32_t i = 0; i < CHANGES; i++) {
        status_t status = transfer(0);
        good += status == OK;
        bad += status == E_BAD_ARGUMENT || status == E_NOT_FOUND;
        thread_yield();
    }
    changing = false;
    handle_close(thread);
    sleep_microseconds(10000);
    print("# of %u requests that changed meanwhile %u were good\n", CHANGES, good);
    report(good + bad == CHANGES, "requests that change while they are served");
}

/* More of them than the library has places for. */
static void many_sessions(void)
{
    bool good = true;
    for (uint32_t i = 0; i < SESSIONS && good; i++) {
        session_close(&session, block);
        good = session_open(&session, block, SMALL_SESSION, PAGE_SIZE, RIGHT_DMA) == OK;
    }
    report(good && memory_revoke(session.memory) == E_BAD_STATE, "memory cannot be taken away");
    session_close(&session, block);
    good = good && session_open(&session, block, SESSION_PAGES, PAGE_SIZE, RIGHT_DMA) == OK;
    report(good && run(0, BLOCK_READ, 0, 1, 1) == OK, "a session after many others");
}

void bad_cases(void)
{
    uint32_t number;
    report(block_units(block, 0xFFFFFFFF, &number) == E_NOT_FOUND, "no unit of that number");
    report(service_call(block, METHODS_COUNT(BLOCK_METHODS), 0, NULL) == E_NO_METHOD, "no such method");
    bad_numbers();
    bad_sectors();
    bad_pages();
    bad_sessions();
    changed_requests();
    many_sessions();
}
