/* Memory that devices reach, and waiting for a register. */
#include "device.h"

#define FIRST_SLEEP 20u         /* microseconds; doubled each time */
#define LAST_SLEEP 10000u

handle_t pci_service;

static status_t map(struct dma *dma, handle_t memory, uint32_t pages)
{
    uint32_t frame = 0, window = address_reserve(pages);
    if (window == 0)
        return E_NO_MEMORY;
    status_t status = memory_physical(memory, 0, &frame);
    if (status == OK)
        status = process_map(self_process(), memory, window, PROTECT_READ | PROTECT_WRITE, 0, pages);
    if (status == OK)
        *dma = (struct dma){ (uint8_t *)window, frame * PAGE_SIZE };
    else
        address_release(window, pages);
    return status;
}

status_t dma_allocate(struct dma *dma, uint32_t pages)
{
    handle_t memory;
    uint32_t number;
    status_t status = memory_create(pages, MEMORY_CONTIGUOUS, &memory);
    if (status != OK)
        return status;
    status = dma_keep(memory, &number);
    if (status == OK)
        status = map(dma, memory, pages);
    handle_close(memory); /* the mapping holds it */
    return status;
}

bool await_bits(uint32_t (*read)(const void *), const void *from, uint32_t mask, uint32_t wanted, uint32_t milliseconds)
{
    uint32_t waited = 0, step = FIRST_SLEEP;
    while ((read(from) & mask) != wanted) {
        if (waited >= milliseconds * 1000 || sleep_microseconds(step) != OK)
            return false;
        waited += step;
        step = step * 2 < LAST_SLEEP ? step * 2 : LAST_SLEEP;
    }
    return true;
}
