/* Physical frames in a bitmap, and two bitmaps above it that lead a search to the next free one. */
#include "frames.h"

#include "log.h"

static uint32_t words(uint32_t bits)
{
    return bits / 32 + (bits % 32 != 0);
}

uint32_t frame_pool_bitmap_size(uint32_t end)
{
    uint32_t size = 0;
    for (uint32_t level = 0; level < FRAME_LEVELS; level++)
        size += 4 * (end = words(end));
    return size;
}

static bool is_free(const struct frame_pool *pool, uint32_t frame)
{
    return pool->levels[0][frame / 32] >> frame % 32 & 1;
}

/* A level above changes with the first bit of a word that is set, and the last that is not any more. */
static void mark(struct frame_pool *pool, uint32_t frame, bool free)
{
    pool->free += free ? 1 : -1u;
    for (uint32_t level = 0; level < FRAME_LEVELS; level++, frame /= 32) {
        uint32_t *word = &pool->levels[level][frame / 32], others = *word & ~(1u << frame % 32);
        *word = others | (uint32_t)free << frame % 32;
        if (others)
            return;
    }
}

void frame_pool_init(struct frame_pool *pool, uint32_t *bitmaps, uint32_t end, uint32_t lowmem_end)
{
    uint32_t total = frame_pool_bitmap_size(end) / 4, bits = end;
    if (lowmem_end > end)
        lowmem_end = end;
    *pool = (struct frame_pool){ .end = end, .lowmem_end = lowmem_end, .low_hint = 1 };
    for (uint32_t i = 0; i < total; i++)
        bitmaps[i] = 0;
    for (uint32_t level = 0; level < FRAME_LEVELS; level++) {
        pool->levels[level] = bitmaps;
        bitmaps += bits = words(bits);
    }
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

/* First free frame of [from, end), or `end`: up to a level with a bit at or behind the place, and down again. Only the highest
 * level is looked through word by word: each word of it stands for 128 MiB. */
static uint32_t find_free(const struct frame_pool *pool, uint32_t from, uint32_t end)
{
    uint32_t level = 0, at = from, bits = pool->end, word = 0;
    while (at < bits && !(word = pool->levels[level][at / 32] >> at % 32)) {
        at = at / 32 + 1;
        if (level == FRAME_LEVELS - 1)
            at *= 32;
        else
            level++, bits = words(bits);
    }
    if (at >= bits)
        return end;
    at += (uint32_t)__builtin_ctz(word);
    while (level--)
        at = at * 32 + (uint32_t)__builtin_ctz(pool->levels[level][at]);
    return at < end ? at : end;
}

static uint32_t take(struct frame_pool *pool, uint32_t frame, uint32_t end)
{
    if (frame == end)
        return FRAME_NONE;
    mark(pool, frame, false);
    return frame;
}

uint32_t frame_allocate_low(struct frame_pool *pool)
{
    uint32_t frame = find_free(pool, pool->low_hint, pool->lowmem_end);
    pool->low_hint = frame;
    return take(pool, frame, pool->lowmem_end);
}

uint32_t frame_allocate_any(struct frame_pool *pool)
{
    uint32_t frame = take(pool, find_free(pool, pool->lowmem_end, pool->end), pool->end);
    return frame == FRAME_NONE ? frame_allocate_low(pool) : frame;
}

bool frame_extend_run(struct frame_pool *pool, uint32_t *first, uint32_t *taken, uint32_t count)
{
    for (uint32_t i = 0; i < FRAMES_IN_A_STEP && *taken < count; i++) {
        uint32_t next = *first + *taken;
        if (next < pool->lowmem_end && is_free(pool, next)) {
            mark(pool, next, false);
            ++*taken;
        } else if (*taken) {
            frame_free(pool, (*first)++);
            --*taken;
        } else {
            *first = find_free(pool, next + 1, pool->lowmem_end);
            if (count > pool->lowmem_end - *first)
                return false;
        }
    }
    return true;
}

void frame_free(struct frame_pool *pool, uint32_t frame)
{
    assert(frame != FRAME_NONE && frame < pool->end && !is_free(pool, frame));
    mark(pool, frame, true);
    if (frame < pool->low_hint)
        pool->low_hint = frame;
}
