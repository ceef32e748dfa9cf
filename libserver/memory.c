/* Our own address space: free ranges, handed out from the top down, each with an unmapped page below it. */
#include "internal.h"

#define RANGES 128

struct range {
    uint32_t address, pages;
};

/* Free ranges, lowest first, never adjacent. */
static struct range ranges[RANGES];
static uint32_t range_count;

void memory_init(void)
{
    ranges[0] = (struct range){ ALLOCATION_BOTTOM, (ALLOCATION_TOP - ALLOCATION_BOTTOM) / PAGE_SIZE };
    range_count = 1;
}

uint32_t pages_of(uint32_t bytes)
{
    if (bytes > ALLOCATION_TOP - ALLOCATION_BOTTOM)
        return 0;
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static uint32_t range_end(const struct range *range)
{
    return range->address + range->pages * PAGE_SIZE;
}

static void range_remove(uint32_t index)
{
    range_count--;
    memmove(&ranges[index], &ranges[index + 1], (range_count - index) * sizeof(ranges[0]));
}

static uint32_t take(uint32_t pages)
{
    for (uint32_t i = range_count; i-- > 0;) {
        if (ranges[i].pages < pages)
            continue;
        ranges[i].pages -= pages;
        uint32_t address = range_end(&ranges[i]);
        if (ranges[i].pages == 0)
            range_remove(i);
        return address;
    }
    return 0;
}

/* With a full table of ranges the addresses are lost, which does no other harm. */
static void range_insert(uint32_t index, uint32_t address, uint32_t pages)
{
    if (range_count == RANGES)
        return;
    memmove(&ranges[index + 1], &ranges[index], (range_count - index) * sizeof(ranges[0]));
    ranges[index] = (struct range){ address, pages };
    range_count++;
}

static void give_back(uint32_t address, uint32_t pages)
{
    uint32_t index = 0;
    while (index < range_count && ranges[index].address < address)
        index++;
    bool joins_lower = index > 0 && range_end(&ranges[index - 1]) == address;
    bool joins_upper = index < range_count && address + pages * PAGE_SIZE == ranges[index].address;
    if (joins_lower) {
        ranges[index - 1].pages += pages + (joins_upper ? ranges[index].pages : 0);
        if (joins_upper)
            range_remove(index);
    } else if (joins_upper) {
        ranges[index].address = address;
        ranges[index].pages += pages;
    } else {
        range_insert(index, address, pages);
    }
}

/* The page below is the range's guard; the page above is the guard of the range above. */
uint32_t address_reserve(uint32_t pages)
{
    if (pages == 0 || pages > pages_of(ALLOCATION_TOP - ALLOCATION_BOTTOM))
        return 0;
    lock_acquire(&library_lock);
    uint32_t address = take(pages + 1);
    lock_release(&library_lock);
    return address ? address + PAGE_SIZE : 0;
}

void address_release(uint32_t address, uint32_t pages)
{
    lock_acquire(&library_lock);
    give_back(address - PAGE_SIZE, pages + 1);
    lock_release(&library_lock);
}

/* The mapping holds the memory object, so the handle need not stay. */
status_t memory_map_new(uint32_t address, uint32_t pages)
{
    handle_t memory;
    status_t status = memory_create(pages, 0, &memory);
    if (status != OK)
        return status;
    status = process_map(self_process(), memory, address, PROTECT_READ | PROTECT_WRITE, 0, pages);
    handle_close(memory);
    return status;
}

status_t pages_map(handle_t memory, uint32_t pages, uint32_t protection, void **address)
{
    uint32_t reserved = address_reserve(pages);
    if (reserved == 0)
        return E_NO_MEMORY;
    status_t status = process_map(self_process(), memory, reserved, protection, 0, pages);
    if (status == OK)
        *address = (void *)reserved;
    else
        address_release(reserved, pages);
    return status;
}

void pages_unmap(void *address, uint32_t pages)
{
    if (process_unmap(self_process(), (uint32_t)address, pages) == OK)
        address_release((uint32_t)address, pages);
}

void *pages_allocate(uint32_t bytes)
{
    uint32_t pages = pages_of(bytes);
    uint32_t address = address_reserve(pages);
    if (address == 0)
        return NULL;
    if (memory_map_new(address, pages) == OK)
        return (void *)address;
    address_release(address, pages);
    return NULL;
}

void pages_free(void *address, uint32_t bytes)
{
    pages_unmap(address, pages_of(bytes));
}
