/* The heap: one range of addresses, mapped in pieces as it grows. */
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <unistd.h>

#include "../internal.h"
#include "files.h"

#define RANGE (256u << 20)
#define PIECE 65536u
#define PIECES(bytes) (((bytes) + PIECE - 1) / PIECE)

/* malloc calls sbrk with its lock held, and nobody else does. */
static struct {
    uint32_t start;     /* 0: not reserved yet */
    uint32_t used;      /* bytes below the break */
    uint32_t mapped;    /* bytes, in whole pieces */
} heap;

static bool reserve(void)
{
    if (heap.start == 0)
        heap.start = address_reserve(RANGE / PAGE_SIZE);
    return heap.start != 0;
}

static bool grow(uint32_t used)
{
    while (heap.mapped < used) {
        if (memory_map_new(heap.start + heap.mapped, PIECE / PAGE_SIZE) != OK)
            return false;
        heap.mapped += PIECE;
    }
    return true;
}

/* malloc takes what lies above the break for zeroed, which is true of new pieces. */
static void shrink(uint32_t used)
{
    uint32_t kept = PIECES(used) * PIECE;
    for (; heap.mapped > kept; heap.mapped -= PIECE)
        process_unmap(self_process(), heap.start + heap.mapped - PIECE, PIECE / PAGE_SIZE);
    if (used < heap.mapped)
        memset((uint8_t *)heap.start + used, 0, (heap.used < heap.mapped ? heap.used : heap.mapped) - used);
}

void *sbrk(ptrdiff_t increment)
{
    uint32_t before = heap.used, used = before + (uint32_t)increment;
    if (!reserve() || used > RANGE || (used < before) != (increment < 0) || !grow(used)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (used < before)
        shrink(used);
    heap.used = used;
    return (uint8_t *)heap.start + before;
}

/* newlib's own multiplies without a look at the result. */
void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        return _calloc_r(_REENT, 1, bytes);
    errno = ENOMEM;
    return NULL;
}
