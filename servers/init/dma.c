/* Memory that devices reach: it outlives the driver, until the driver's next life has made the devices quiet. It is kept here,
 * since of all processes only init cannot end before that: the machine ends with it. */
#include "service.h"

#define KEPT_MAX 192u

static struct {
    handle_t memory;            /* HANDLE_NONE: free */
    const struct process *driver;
    uint32_t life;              /* of the driver: its restarts by then */
} kept[KEPT_MAX];

/* NULL: the list gives it no device. */
static const struct process *driver_of(const request_t *rq)
{
    const struct process *client = process_of_number(rq->badge);
    return client && is_service(client) && client->service->pci ? client : NULL;
}

static uint32_t life_of(const struct process *driver)
{
    return entry_of(driver)->restarts;
}

static void let_go(uint32_t number)
{
    handle_close(kept[number].memory);
    kept[number].memory = HANDLE_NONE;
}

static status_t keep(const struct process *driver, handle_t memory, uint32_t *number)
{
    for (*number = 0; *number < KEPT_MAX && kept[*number].memory != HANDLE_NONE; (*number)++)
        continue;
    if (*number == KEPT_MAX)
        return E_NO_MEMORY;
    handle_t copy;
    status_t status = handle_duplicate(memory, 0, 0, &copy);
    if (status != OK)
        return status;
    kept[*number].memory = copy;
    kept[*number].driver = driver;
    kept[*number].life = life_of(driver);
    return OK;
}

reply_t serve_init_dma_keep(const request_t *rq)
{
    const struct process *driver = driver_of(rq);
    uint32_t number = 0;
    if (!driver)
        return reply_error(E_NO_RIGHT);
    if (rq->handle == HANDLE_NONE)
        return reply_error(E_BAD_HANDLE);
    status_t status = keep(driver, rq->handle, &number);
    return status == OK ? reply(number) : reply_error(status);
}

reply_t serve_init_dma_drop(const request_t *rq)
{
    const struct process *driver = driver_of(rq);
    if (!driver)
        return reply_error(E_NO_RIGHT);
    if (rq->word >= KEPT_MAX || kept[rq->word].memory == HANDLE_NONE || kept[rq->word].driver != driver ||
        kept[rq->word].life != life_of(driver))
        return reply_error(E_NOT_FOUND);
    let_go(rq->word);
    return reply(0);
}

/* Its own memory is not meant: it has only begun to use that. */
reply_t serve_init_dma_quiet(const request_t *rq)
{
    const struct process *driver = driver_of(rq);
    if (!driver)
        return reply_error(E_NO_RIGHT);
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (kept[i].memory != HANDLE_NONE && kept[i].driver == driver && kept[i].life != life_of(driver))
            let_go(i);
    return reply(0);
}
