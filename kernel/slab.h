/* Caches of kernel objects of one size. Pages without an object go back, so that what a quota got back is there for
 * others. Tested natively in tests/host. */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <stdint.h>

#include "list.h"

struct slab {
    uint32_t size;      /* bytes per slot, less than a page */
    struct list pages;  /* those with a free slot; not a list before the first slot is asked for */
};

/* Slots in whole cache lines; and, for what the fast path does not touch, close together. */
#define SLAB_INITIAL(bytes) { .size = ((bytes) + 63u) & ~63u }
#define SLAB_PACKED(bytes) { .size = ((bytes) + 7u) & ~7u }

/* A zeroed slot, aligned as its slab says; NULL when out of memory. Grows by one page from kernel_frame_take(). */
void *slab_allocate(struct slab *slab);
void slab_free(struct slab *slab, void *slot);

#endif
