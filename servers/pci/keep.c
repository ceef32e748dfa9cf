/* Memory that devices reach: it outlives its driver, until the next one has made the devices quiet. */
#include "bus.h"

#define KEPT_MAX 192u

static struct {
    handle_t memory;
    uint32_t badge;             /* of the driver; 0: free */
    bool orphan;                /* the driver has died */
} kept[KEPT_MAX];

static bool drives_something(uint32_t badge)
{
    for (uint32_t i = 0; i < device_count; i++)
        if (devices[i].owner == badge)
            return true;
    return false;
}

status_t keep(uint32_t badge, handle_t memory, uint32_t *number)
{
    status_t status = drives_something(badge) ? E_NO_MEMORY : E_NO_RIGHT;
    if (memory == HANDLE_NONE)
        return E_BAD_HANDLE;
    for (uint32_t i = 0; status == E_NO_MEMORY && i < KEPT_MAX; i++) {
        if (kept[i].badge)
            continue;
        kept[i].memory = memory;
        kept[i].badge = badge;
        kept[i].orphan = false;
        *number = i;
        return OK;
    }
    handle_close(memory);
    return status;
}

static void let_go(uint32_t number)
{
    handle_close(kept[number].memory);
    kept[number].badge = 0;
}

status_t keep_drop(uint32_t badge, uint32_t number)
{
    if (number >= KEPT_MAX || kept[number].badge != badge || kept[number].orphan)
        return E_NOT_FOUND;
    let_go(number);
    return OK;
}

void keep_orphans(uint32_t badge)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (kept[i].badge == badge)
            kept[i].orphan = true;
}

void keep_quiet(uint32_t badge)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (kept[i].badge == badge && kept[i].orphan)
            let_go(i);
}
