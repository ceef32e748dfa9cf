/* Caches of kernel objects of one size. Memory of a cache is type-stable: a slot that held a thread only ever holds
 * threads again. Free slots are chained through their first word. Tested natively in tests/host. */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <stdint.h>

struct slab {
    uint32_t size;      /* bytes per slot, a multiple of 64 and at most one page */
    void *free;         /* chain of free slots */
    uint32_t used;      /* slots handed out */
};

#define SLAB_INITIAL(bytes) { .size = ((bytes) + 63u) & ~63u }

/* A zeroed slot, aligned to 64 bytes; NULL when out of memory. Grows by one page from kernel_frame_allocate(). */
void *slab_allocate(struct slab *slab);
void slab_free(struct slab *slab, void *slot);

#endif
