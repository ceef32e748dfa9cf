/* Physical frames in a bitmap; a search for low ones goes on where the last one ended, and begins again once. */
#include "frames.h"

#include "log.h"

uint32_t frame_pool_bitmap_size(uint32_t end)
{
    return (end + 31) / 32 * 4;
}

static bool is_free(const struct frame_pool *pool, uint32_t frame)
{
    return pool->bitmap[frame / 32] >> frame % 32 & 1;
}

static void mark(struct frame_pool *pool, uint32_t frame, bool free)
{
    if (free)
        pool->bitmap[frame / 32] |= 1u << frame % 32;
    else
        pool->bitmap[frame / 32] &= ~(1u << frame % 32);
    pool->free += free ? 1 : -1u;
}

void frame_pool_init(struct frame_pool *pool, uint32_t *bitmap, uint32_t end, uint32_t lowmem_end)
{
    if (lowmem_end > end)
        lowmem_end = end;
    *pool = (struct frame_pool){ .bitmap = bitmap, .end = end, .lowmem_end = lowmem_end, .high_hint = lowmem_end };
    for (uint32_t i = 0; i < frame_pool_bitmap_size(end) / 4; i++)
        bitmap[i] = 0;
}

void frame_pool_add(struct frame_pool *pool, uint32_t first, uint32_t end)
{
    for (uint32_t frame = first == FRAME_NONE ? 1 : first; frame < end && frame < pool->end; frame++)
        if (!is_free(pool, frame)) {
            mark(pool, frame, true);
            pool->total++;
        }
}

void frame_pool_reserve(struct frame_pool *pool, uint32_t first, uint32_t end)
{
    for (uint32_t frame = first; frame < end && frame < pool->end; frame++)
        if (is_free(pool, frame)) {
            mark(pool, frame, false);
            pool->total--;
        }
}

/* First free frame of [from, end), or `end`; whole words of taken frames are skipped. */
static uint32_t find_free(const struct frame_pool *pool, uint32_t from, uint32_t end)
{
    while (from < end) {
        uint32_t word = pool->bitmap[from / 32] >> from % 32;
        if (word) {
            from += (uint32_t)__builtin_ctz(word);
            return from < end ? from : end;
        }
        from = (from / 32 + 1) * 32;
    }
    return end;
}

static uint32_t take(struct frame_pool *pool, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        mark(pool, first + i, false);
    return first;
}

static uint32_t free_run_length(const struct frame_pool *pool, uint32_t first, uint32_t limit)
{
    uint32_t length = 0;
    while (length < limit && is_free(pool, first + length))
        length++;
    return length;
}

/* A run that is too short is skipped as a whole, so that each frame is looked at once: a fragmented pool must not make
 * the kernel, which cannot be interrupted, search for long. */
static uint32_t find_run(const struct frame_pool *pool, uint32_t from, uint32_t end, uint32_t count)
{
    uint32_t first = find_free(pool, from, end);
    while (first < end && count <= end - first) {
        uint32_t length = free_run_length(pool, first, count);
        if (length == count)
            return first;
        first = find_free(pool, first + length, end);
    }
    return FRAME_NONE;
}

uint32_t frame_allocate_low(struct frame_pool *pool, uint32_t count)
{
    uint32_t first = find_run(pool, pool->low_hint, pool->lowmem_end, count);
    if (first == FRAME_NONE)
        first = find_run(pool, 1, pool->lowmem_end, count);
    if (first == FRAME_NONE || count == 0)
        return FRAME_NONE;
    pool->low_hint = first + count;
    return take(pool, first, count);
}

uint32_t frame_allocate_any(struct frame_pool *pool)
{
    uint32_t frame = find_free(pool, pool->high_hint, pool->end);
    pool->high_hint = frame == pool->end ? frame : frame + 1; /* once there is none, nobody searches again */
    if (frame == pool->end)
        return frame_allocate_low(pool, 1);
    return take(pool, frame, 1);
}

void frame_free(struct frame_pool *pool, uint32_t first, uint32_t count)
{
    assert(first != FRAME_NONE && first < pool->end && count <= pool->end - first);
    for (uint32_t i = 0; i < count; i++) {
        assert(!is_free(pool, first + i));
        mark(pool, first + i, true);
    }
    if (first < pool->low_hint)
        pool->low_hint = first;
    else if (first >= pool->lowmem_end && first < pool->high_hint)
        pool->high_hint = first;
}
