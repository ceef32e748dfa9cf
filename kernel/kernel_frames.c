/* The one pool of physical frames, and single lowmem pages out of it for kernel structures. */
#include <stddef.h>

#include "arch.h"
#include "frames.h"

struct frame_pool frames;

void *kernel_frame_allocate(void)
{
    frame_t frame = frame_allocate_low(&frames, 1);
    if (frame == FRAME_NONE)
        return NULL;
    arch_page_clear(frame);
    return arch_lowmem(frame);
}

void kernel_frame_free(void *address)
{
    frame_free(&frames, arch_lowmem_frame(address), 1);
}
