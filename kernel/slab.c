/* Pages cut into slots of one size; free slots are chained through their first word. */
#include "slab.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch.h"
#include "log.h"

static void push(struct slab *slab, void *slot)
{
    *(void **)slot = slab->free;
    slab->free = slot;
}

static bool grow(struct slab *slab)
{
    char *page = kernel_frame_allocate();
    if (!page)
        return false;
    for (uint32_t offset = 0; offset + slab->size <= PAGE_SIZE; offset += slab->size)
        push(slab, page + offset);
    return true;
}

void *slab_allocate(struct slab *slab)
{
    if (!slab->free && !grow(slab))
        return NULL;
    void *slot = slab->free;
    slab->free = *(void **)slot;
    slab->used++;
    __builtin_memset(slot, 0, slab->size);
    return slot;
}

void slab_free(struct slab *slab, void *slot)
{
    assert(slab->used > 0);
    slab->used--;
    push(slab, slot);
}
