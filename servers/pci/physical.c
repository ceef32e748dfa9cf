/* Views of physical memory that is not RAM: firmware's tables and the window to configuration space. */
#include "bus.h"

static uint32_t pages_covering(uint64_t address, uint32_t bytes)
{
    return (uint32_t)((address % PAGE_SIZE + bytes + PAGE_SIZE - 1) / PAGE_SIZE);
}

static status_t map(uint32_t window, uint64_t address, uint32_t pages)
{
    handle_t memory;
    status_t status = memory_create_device(startup_handle("device-memory"), (uint32_t)(address / PAGE_SIZE), pages, &memory);
    if (status != OK)
        return status;
    status = process_map(self_process(), memory, window, PROTECT_READ | PROTECT_WRITE, 0, pages);
    handle_close(memory);
    return status;
}

volatile void *physical_map(uint64_t address, uint32_t bytes)
{
    uint32_t pages = pages_covering(address, bytes);
    uint32_t window = address / PAGE_SIZE <= UINT32_MAX ? address_reserve(pages) : 0;
    if (window == 0)
        return NULL;
    if (map(window, address, pages) == OK)
        return (volatile uint8_t *)window + address % PAGE_SIZE;
    address_release(window, pages);
    return NULL;
}

void physical_unmap(volatile void *view, uint32_t bytes)
{
    uint32_t pages = pages_covering((uint32_t)view, bytes), window = (uint32_t)view & ~(PAGE_SIZE - 1);
    process_unmap(self_process(), window, pages);
    address_release(window, pages);
}
