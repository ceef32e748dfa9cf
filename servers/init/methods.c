/* What init's endpoint answers: look-ups, announcements, the end of the machine. The words are described in init.h. */
#include <init.h>

#include "service.h"

static struct service *service_of_hash(uint32_t hash)
{
    for (uint32_t i = 0; i < service_count; i++)
        if (name_hash(services[i].name, NAME_HASH_ASK) == hash)
            return &services[i];
    return NULL;
}

/* Early clients are told to ask again, so that they never keep a worker. */
static status_t readiness(const struct service *service)
{
    static const status_t answers[] = {
        [SERVICE_STARTING] = E_BUSY, [SERVICE_ANNOUNCED] = OK, [SERVICE_ENDED] = E_PEER_DIED,
    };
    return service ? answers[service->state] : E_NOT_FOUND;
}

static reply_t find(const request_t *rq)
{
    struct service *service = service_of_hash(rq->word);
    handle_t badged;
    status_t status = readiness(service);
    if (status == OK)
        status = handle_duplicate(service->endpoint, RIGHT_CALL | RIGHT_TRANSFER, rq->badge, &badged);
    if (status != OK)
        return reply_error(status);
    return reply_handle(name_hash(service->name, NAME_HASH_ANSWER), badged);
}

/* Nobody has a handle to the old endpoint yet but the service itself. */
static reply_t endpoint(const request_t *rq)
{
    struct service *service = service_of_badge(rq->badge);
    handle_t created, copy;
    if (!service || service->state != SERVICE_STARTING)
        return reply_error(E_BAD_STATE);
    status_t status = endpoint_create(rq->word & 0xFF, rq->word >> 8, &created);
    if (status != OK)
        return reply_error(status);
    status = handle_duplicate(created, RIGHTS_ALL, 0, &copy);
    if (status != OK) {
        handle_close(created);
        return reply_error(status);
    }
    handle_close(service->endpoint);
    service->endpoint = created;
    return reply_handle(0, copy);
}

static reply_t announce(const request_t *rq)
{
    struct service *service = service_of_badge(rq->badge);
    if (!service || service->state != SERVICE_STARTING)
        return reply_error(E_BAD_STATE);
    service->state = SERVICE_ANNOUNCED;
    return reply(0);
}

static reply_t end_machine(const request_t *rq)
{
    machine_end(rq->word);
}

const method_t init_methods[INIT_METHODS] = {
    [INIT_FIND] = find,
    [INIT_ENDPOINT] = endpoint,
    [INIT_ANNOUNCE] = announce,
    [INIT_MACHINE_EXIT] = end_machine,
};
