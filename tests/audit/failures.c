/* Memory that runs out when it is told to: the n-th allocation from now fails, once. Where it was asked for is logged, so
 * that a test can see which places it has reached. */
#include "audit.h"

#include "frames.h"
#include "log.h"
#include "request.h"
#include "slab.h"

#define PLACES 128u

static uint32_t countdown = AUDIT_FAIL_NONE, failures;

void *__real_slab_allocate(struct slab *slab);
uint32_t __real_frame_allocate_low(struct frame_pool *pool);
bool __real_frame_extend_run(struct frame_pool *pool, uint32_t *first, uint32_t *taken, uint32_t count);
uint32_t __real_frame_allocate_any(struct frame_pool *pool);
void *__wrap_slab_allocate(struct slab *slab);
uint32_t __wrap_frame_allocate_low(struct frame_pool *pool);
bool __wrap_frame_extend_run(struct frame_pool *pool, uint32_t *first, uint32_t *taken, uint32_t count);
uint32_t __wrap_frame_allocate_any(struct frame_pool *pool);

void failures_arm(uint32_t allocations)
{
    countdown = allocations;
}

uint32_t failures_so_far(void)
{
    return failures;
}

static void tell(const void *place)
{
    static const void *told[PLACES];
    for (uint32_t i = 0; i < PLACES; i++) {
        if (told[i] == place)
            return;
        if (!told[i]) {
            told[i] = place;
            log_print("# allocation failed at %p\n", place);
            return;
        }
    }
}

static bool is_to_fail(const void *place)
{
    if (countdown == AUDIT_FAIL_NONE || countdown-- > 0)
        return false; /* 0 becomes AUDIT_FAIL_NONE: it fails once */
    failures++;
    tell(place);
    return true;
}

void *__wrap_slab_allocate(struct slab *slab)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __real_slab_allocate(slab);
}

uint32_t __wrap_frame_allocate_low(struct frame_pool *pool)
{
    return is_to_fail(__builtin_return_address(0)) ? FRAME_NONE : __real_frame_allocate_low(pool);
}

bool __wrap_frame_extend_run(struct frame_pool *pool, uint32_t *first, uint32_t *taken, uint32_t count)
{
    return !is_to_fail(__builtin_return_address(0)) && __real_frame_extend_run(pool, first, taken, count);
}

uint32_t __wrap_frame_allocate_any(struct frame_pool *pool)
{
    return is_to_fail(__builtin_return_address(0)) ? FRAME_NONE : __real_frame_allocate_any(pool);
}
