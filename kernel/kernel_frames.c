/* The one pool of physical frames, and single lowmem pages out of it for kernel structures. */
#include <stddef.h>

#include "arch.h"
#include "frames.h"

#define STOCK_MAX 2u

struct frame_pool frames;

void *kernel_frame_take(void)
{
    frame_t frame = frame_allocate_low(&frames);
    return frame == FRAME_NONE ? NULL : arch_lowmem(frame);
}

static void *clear_one(void)
{
    void *page = kernel_frame_take();
    if (page)
        arch_page_clear(arch_lowmem_frame(page));
    return page;
}

static void *stock[STOCK_MAX];
static uint32_t stocked;

status_t kernel_frame_stock(uint32_t wanted)
{
    if (stocked >= wanted)
        return OK;
    void *page = clear_one();
    if (!page)
        return E_NO_MEMORY;
    stock[stocked++] = page;
    return CALL_AGAIN;
}

void *kernel_frame_allocate(void)
{
    return stocked ? stock[--stocked] : clear_one();
}

void kernel_frame_free(void *address)
{
    frame_free(&frames, arch_lowmem_frame(address));
}
