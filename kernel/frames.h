/* Physical frames: one bit each, in a bitmap; 1 means free. Two smaller bitmaps above it say which words have a bit set, so that
 * a search is short whatever is free. Pure code: tested natively in tests/host. */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_NONE 0u /* frame 0 belongs to the BIOS and is never handed out */

#define FRAME_LEVELS 3
#define FRAMES_IN_A_STEP 32u /* that frame_extend_run() looks at */

struct frame_pool {
    uint32_t *levels[FRAME_LEVELS]; /* a bit of level n + 1 for each word of level n */
    uint32_t end;        /* frames [0, end) have a bit */
    uint32_t lowmem_end; /* frames below can be reached through the direct map */
    uint32_t low_hint;   /* no frame of [1, low_hint) is free */
    uint32_t free;
    uint32_t total;
};

/* The pool of all physical memory: kernel_frames.c. */
extern struct frame_pool frames;

/* Bytes of bitmaps that frames [0, end) need. */
uint32_t frame_pool_bitmap_size(uint32_t end);
/* Starts with every frame taken; the bitmaps are cleared here. */
void frame_pool_init(struct frame_pool *pool, uint32_t *bitmaps, uint32_t end, uint32_t lowmem_end);
/* Adds free frames [first, end) to the pool (boot only); a frame already free is not counted twice, frame 0 never. */
void frame_pool_add(struct frame_pool *pool, uint32_t first, uint32_t end);
/* Takes frames [first, end) out (boot only): kernel image, modules, bitmap itself. */
void frame_pool_reserve(struct frame_pool *pool, uint32_t first, uint32_t end);
/* One frame of lowmem, or FRAME_NONE. */
uint32_t frame_allocate_low(struct frame_pool *pool);
/* The next step towards `count` consecutive frames of lowmem, of which [*first, *first + *taken) are taken: takes some more, or
 * gives some back because the run is too short, and looks for the next. False: there is no such run, and nothing is taken. */
bool frame_extend_run(struct frame_pool *pool, uint32_t *first, uint32_t *taken, uint32_t count);
/* One frame, from high memory first so that lowmem stays free for the kernel, or FRAME_NONE. */
uint32_t frame_allocate_any(struct frame_pool *pool);
/* Freeing a free frame, or one outside the pool, is a kernel bug: assertion. */
void frame_free(struct frame_pool *pool, uint32_t frame);

#endif
