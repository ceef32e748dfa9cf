/* A driver dies while its device is about to write to memory: that goes nowhere, and the memory is kept until the driver's next
 * life says that the device is quiet. When the PCI service is dead as well, nobody keeps the device from writing: what it writes
 * to is nobody else's.
 *
 * QEMU's edu device moves data 100 ms after it was told to. Its buffer is zero. */
#include "test.h"
#include "../../servers/pci/driver/driver.h"

#include <init.h>

enum { HOLD, DIE, QUIET, METHODS };  /* of the victim */
enum { SHARED, UNSHARED };      /* the word of HOLD */

#define EDU_SOURCE 0x80u        /* registers */
#define EDU_TARGET 0x88u
#define EDU_COUNT 0x90u
#define EDU_COMMAND 0x98u
#define EDU_BUFFER 0x40000u
#define EDU_START_TO_MEMORY 3u
#define CONFIG_COMMAND 4u
#define EDU_BYTES 2048u         /* QEMU refuses the whole buffer */
#define DMA_OVER 300000u        /* microseconds */
#define HELD_PAGES 64u
#define OTHER_PAGES 6u          /* the one that is written to, and those that list them */
#define UNTOUCHED 0xA5u

/* ---- the victim ---- */

static handle_t pci;
static struct pci_device edu;
static struct pci_range registers;
static uint32_t target;         /* physical */

static status_t take_device(void)
{
    status_t status = service_find("pci", &pci);
    if (status == OK)
        status = pci_find_mine(pci, 0, &edu);
    return status == OK ? pci_claim(&edu) : status;
}

static status_t make_kept(uint32_t pages, handle_t *memory)
{
    uint32_t number;
    status_t status = memory_create(pages, 0, memory);
    return status == OK ? dma_keep(*memory, &number) : status;
}

/* Replies with the device's address and the page that it will be told to write to, unless `word` says that this is for nobody;
 * more memory is kept beside it. */
static reply_t hold(const request_t *rq)
{
    handle_t held = HANDLE_NONE, page = HANDLE_NONE;
    uint32_t frame = 0;
    status_t status = take_device();
    if (status == OK)
        status = pci_enable(&edu, PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER);
    if (status == OK)
        status = pci_open_bar(&edu, 0, &registers);
    if (status == OK)
        status = make_kept(HELD_PAGES, &held);
    if (status == OK)
        status = make_kept(1, &page);
    if (status == OK)
        status = memory_physical(page, 0, &frame);
    target = frame * PAGE_SIZE;
    if (status != OK)
        return reply_error(status);
    return rq->word == SHARED ? reply_handle(edu.address, page) : reply(edu.address);
}

static void set(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(registers.memory + offset) = value;
}

static reply_t die(const request_t *rq)
{
    (void)rq;
    set(EDU_SOURCE, EDU_BUFFER);
    set(EDU_TARGET, target);
    set(EDU_COUNT, EDU_BYTES);
    set(EDU_COMMAND, EDU_START_TO_MEMORY);
    process_exit(1);
}

static reply_t make_quiet(const request_t *rq)
{
    (void)rq;
    status_t status = take_device();
    if (status == OK)
        dma_quiet();
    return reply_error(status);
}

int quiet_victim(void)
{
    static const method_t methods[METHODS] = { [HOLD] = hold, [DIE] = die, [QUIET] = make_quiet };
    return server_run(NULL, methods, METHODS);
}

/* ---- the test ---- */

static uint32_t free_frames(void)
{
    uint32_t frames = 0;
    system_info(INFO_FRAMES_FREE, &frames);
    return frames;
}

static bool is_untouched(const uint8_t *page)
{
    uint32_t i = 0;
    while (i < PAGE_SIZE && page[i] == UNTOUCHED)
        i++;
    return i == PAGE_SIZE;
}

static bool is_master(uint32_t address)
{
    const struct pci_device device = { pci, address };
    return pci_read(&device, CONFIG_COMMAND) & PCI_ENABLE_MASTER;
}

static handle_t victim;

/* The victim's next life: what the last one left behind is free from then on, and not before. */
static void check_quiet(uint32_t before)
{
    report(service_call(victim, QUIET, 0, NULL) == OK, "the next life claims the device and makes it quiet");
    uint32_t freed = free_frames() - before;
    print("%u frames were freed\n", freed);
    report(freed >= HELD_PAGES && freed < HELD_PAGES + OTHER_PAGES, "what was kept is free from then on, and was not before");
}

static void driver_dies(void)
{
    handle_t memory;
    uint32_t address, page = address_reserve(1);
    status_t status = service_call_full(victim, HOLD, SHARED, TIMEOUT_NEVER, HANDLE_NONE, &address, &memory);
    if (status == OK)
        status = process_map(self_process(), memory, page, PROTECT_READ | PROTECT_WRITE, 0, 1);
    report(status == OK && is_master(address), "a driver with memory that its device reaches");
    if (status != OK)
        return;
    memset((void *)page, UNTOUCHED, PAGE_SIZE);
    report(service_call(victim, DIE, 0, NULL) == E_PEER_DIED, "it dies when the device has been told to write there");
    sleep_microseconds(DMA_OVER);
    report(!is_master(address), "the device is off the bus");
    report(is_untouched((const uint8_t *)page), "nothing was written");
    check_quiet(free_frames());
    process_unmap(self_process(), page, 1);
    handle_close(memory);
}

/* ---- without the PCI service ---- */

#define PCI_NUMBER 1u           /* place in the list */
#define PCI_ENDS 4u             /* the last time it stays away for 400 ms: longer than the transfer takes */
#define FILLED_PAGES 600u       /* more than the driver had */

static status_t end_pci(void)
{
    return init_kill(init_endpoint(), PCI_NUMBER);
}

static uint8_t *fill(void)
{
    handle_t memory;
    uint8_t *base = (uint8_t *)address_reserve(FILLED_PAGES);
    status_t status = memory_create(FILLED_PAGES, 0, &memory);
    if (status == OK)
        status = process_map(self_process(), memory, (uint32_t)base, PROTECT_READ | PROTECT_WRITE, 0, FILLED_PAGES);
    if (status != OK)
        return NULL;
    memset(base, UNTOUCHED, FILLED_PAGES * PAGE_SIZE);
    return base;
}

static uint32_t touched_pages(const uint8_t *base)
{
    uint32_t touched = 0;
    for (uint32_t i = 0; i < FILLED_PAGES; i++)
        touched += !is_untouched(base + i * PAGE_SIZE);
    return touched;
}

static void both_die(void)
{
    uint32_t address;
    for (uint32_t i = 1; i < PCI_ENDS; i++)
        if (end_pci() != OK || service_call(pci, PCI_FIND, 0, &address) != OK)
            return;
    report(service_call(victim, HOLD, UNSHARED, NULL) == OK, "a driver with memory of its own");
    status_t status = end_pci();
    report(status == OK && service_call(victim, DIE, 0, NULL) == E_PEER_DIED, "it dies after PCI, its device told to write");
    uint8_t *base = fill();
    sleep_microseconds(DMA_OVER);
    report(base && touched_pages(base) == 0, "whoever takes memory now keeps it");
    service_call(victim, METHODS, 0, NULL); /* there is no such method: so says its next life, which waits for that of PCI */
    check_quiet(free_frames());
}

void quiet_cases(void)
{
    if (service_find("pci", &pci) != OK || service_find("victim", &victim) != OK)
        return;
    driver_dies();
    both_die();
}
