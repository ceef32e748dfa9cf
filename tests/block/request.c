/* Requests to the block service. */
#include "test.h"

struct block_request *request_at(uint32_t index)
{
    return (struct block_request *)session.base + index;
}

uint64_t *page_words(uint32_t page)
{
    return (uint64_t *)(session.base + page * PAGE_SIZE);
}

void request_fill(uint32_t index, uint32_t operation, uint64_t sector, uint32_t count, uint32_t page)
{
    struct block_request *request = request_at(index);
    *request = (struct block_request){ .unit = unit_number, .operation = operation, .sector = sector, .count = count };
    for (uint32_t i = 0; i < BLOCK_PAGES; i++)
        request->pages[i] = (uint16_t)(page + i);
}

status_t transfer(uint32_t index)
{
    return block_transfer(block, index);
}

status_t run(uint32_t index, uint32_t operation, uint64_t sector, uint32_t count, uint32_t page)
{
    request_fill(index, operation, sector, count, page);
    return transfer(index);
}

status_t describe(uint32_t number, struct block_description *description)
{
    struct block_request *request = request_at(BLOCK_REQUESTS - 1);
    request->unit = number;
    status_t status = block_describe(block, BLOCK_REQUESTS - 1);
    *description = request->description;
    return status;
}
