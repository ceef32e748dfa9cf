/* What init's endpoint answers: look-ups, announcements, the end of the machine. The words are described in init.h. */
#include "service.h"

struct lock state_lock;

bool may_control(const request_t *rq)
{
    const struct process *client = process_of_number(rq->badge);
    return client && client->service->control;
}

static const struct process *process_of_hash(uint32_t hash)
{
    for (const struct process *process = processes; is_service(process); process++)
        if (name_hash(entry_of(process)->name, NAME_HASH_ASK) == hash)
            return process;
    return NULL;
}

/* Early clients are told to ask again, so that they never keep a worker. */
static status_t readiness(const struct process *process)
{
    static const status_t answers[] = {
        [PROCESS_STARTING] = E_BUSY, [PROCESS_RUNNING] = OK, [PROCESS_WAITING] = E_BUSY, [PROCESS_ENDED] = E_PEER_DIED,
    };
    return process ? answers[entry_of(process)->state] : E_NOT_FOUND;
}

static status_t check_look_up(const struct process *client, const struct process *found)
{
    if (found && (!client || !may_look_up(client->service, entry_of(found)->name)))
        return E_NO_RIGHT;
    return readiness(found);
}

static reply_t find(const request_t *rq)
{
    const struct process *found = process_of_hash(rq->word);
    handle_t badged;
    status_t status = check_look_up(process_of_number(rq->badge), found);
    if (status == OK)
        status = handle_duplicate(found->endpoint, RIGHT_CALL | RIGHT_TRANSFER, rq->badge, &badged);
    if (status != OK)
        return reply_error(status);
    return reply_handle(name_hash(entry_of(found)->name, NAME_HASH_ANSWER), badged);
}

/* NULL unless the client is a service that has not announced itself yet. */
static struct process *starting_service(const request_t *rq)
{
    struct process *client = process_of_number(rq->badge);
    return client && is_service(client) && entry_of(client)->state == PROCESS_STARTING ? client : NULL;
}

/* After a restart its clients have handles to the endpoint: it stays, unless the program has changed its mind. */
static status_t renew_endpoint(struct process *client, uint32_t properties)
{
    struct service *service = &services[client - processes];
    handle_t created;
    if (properties == service->endpoint_properties)
        return OK;
    uint32_t cap = properties >> INIT_CAP_SHIFT & INIT_CAP_MAX;
    status_t status = endpoint_create(properties & ~(INIT_CAP_MAX << INIT_CAP_SHIFT), cap, &created);
    if (status != OK)
        return status;
    handle_close(client->endpoint);
    client->endpoint = created;
    service->endpoint_properties = properties;
    return OK;
}

static reply_t endpoint(const request_t *rq)
{
    struct process *client = starting_service(rq);
    handle_t copy;
    if (!client)
        return reply_error(E_BAD_STATE);
    status_t status = renew_endpoint(client, rq->word);
    if (status == OK)
        status = handle_duplicate(client->endpoint, RIGHTS_ALL, 0, &copy);
    return status == OK ? reply_handle(0, copy) : reply_error(status);
}

static reply_t announce(const request_t *rq)
{
    const struct process *client = starting_service(rq);
    if (!client)
        return reply_error(E_BAD_STATE);
    entry_of(client)->state = PROCESS_RUNNING;
    notification_signal(events, 1); /* somebody may have waited for it */
    return reply(0);
}

static reply_t end_machine(const request_t *rq)
{
    if (!may_control(rq))
        return reply_error(E_NO_RIGHT);
    machine_end(rq->word);
}

static reply_t give_trace(const request_t *rq)
{
    const struct process *client = process_of_number(rq->badge);
    handle_t authority;
    if (!client || !client->service->traces)
        return reply_error(E_NO_RIGHT);
    status_t status = handle_duplicate(boot_info()->trace, RIGHT_CONTROL | RIGHT_TRANSFER, 0, &authority);
    return status == OK ? reply_handle(0, authority) : reply_error(status);
}

static const method_t methods[INIT_METHODS] = {
    [INIT_FIND] = find,
    [INIT_ENDPOINT] = endpoint,
    [INIT_ANNOUNCE] = announce,
    [INIT_MACHINE_EXIT] = end_machine,
    [INIT_CHILD] = child_create,
    [INIT_ADOPT] = child_adopt,
    [INIT_TABLE] = table_give,
    [INIT_REFRESH] = table_refresh,
    [INIT_KILL] = process_kill,
    [INIT_MODULE] = module_give,
    [INIT_DMA_KEEP] = dma_keep,
    [INIT_DMA_DROP] = dma_drop,
    [INIT_DMA_QUIET] = dma_quiet,
    [INIT_TRACE] = give_trace,
    [INIT_WAITS] = waits_tell,
};

/* A service has the same badge in all its lives: what an earlier one asked for must not happen to the next, which begins with the
 * state locked. */
bool begin_request(void)
{
    lock_acquire(&state_lock);
    if (!request_cancelled())
        return true;
    lock_release(&state_lock);
    return false;
}

/* Every request passes here: one at a time, and with no handle left behind by those that want none. */
static reply_t serve(const request_t *rq)
{
    bool begun = begin_request();
    reply_t answer = begun ? methods[rq->method](rq) : reply_error(E_CANCELLED);
    if (begun)
        lock_release(&state_lock);
    if (rq->handle != HANDLE_NONE && !(begun && rq->method == INIT_ADOPT))
        handle_close(rq->handle);
    return answer;
}

const method_t init_methods[INIT_METHODS] = { [0 ... INIT_METHODS - 1] = serve };
