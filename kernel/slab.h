/* Caches of kernel objects of one size. Pages without an object go back, so that what a quota got back is there for
 * others. Tested natively in tests/host. */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <stdint.h>

#include "list.h"

struct slab {
    uint32_t size;      /* bytes per slot, a multiple of 64 and less than a page */
    struct list pages;  /* those with a free slot; not a list before the first slot is asked for */
};

#define SLAB_INITIAL(bytes) { .size = ((bytes) + 63u) & ~63u }

/* A zeroed slot, aligned to 64 bytes; NULL when out of memory. Grows by one page from kernel_frame_take(). */
void *slab_allocate(struct slab *slab);
void slab_free(struct slab *slab, void *slot);

#endif
