/* A session that outlives its service: opened at the first use, and again when the service was started again. */
#include "internal.h"

#define TRIES 8u        /* of a request that the service's end has interrupted: it may be the request that ends it */
#define RENEWALS 100u   /* of the session for one request */

/* The service ended while we spoke with it; there may be a new one by now. */
static bool was_interrupted(status_t status)
{
    return status == E_PEER_DIED || status == E_BAD_STATE;
}

static status_t open_first(struct connection *connection)
{
    status_t status = service_find(connection->service, &connection->endpoint);
    for (uint32_t i = 0; status == OK && i < TRIES; i++) {
        status = session_open(&connection->session, connection->endpoint, connection->slots, connection->slot_size,
                              connection->rights);
        if (!was_interrupted(status))
            break;
        status = i + 1 < TRIES ? OK : status;
    }
    if (status == OK)
        connection->generation = 1;
    else if (connection->endpoint != HANDLE_NONE)
        handle_close(connection->endpoint);
    return status;
}

status_t connection_open(struct connection *connection)
{
    if (connection->generation)
        return OK;
    lock_acquire(&connection->lock);
    status_t status = connection->generation ? OK : open_first(connection);
    lock_release(&connection->lock);
    return status;
}

/* The same memory is used again, since other threads may be looking at their slots. The first of them to come renews it. */
static status_t renew(struct connection *connection, uint32_t generation)
{
    status_t status = OK;
    lock_acquire(&connection->lock);
    if (connection->generation == generation) {
        status = session_offer(&connection->session, connection->endpoint, connection->rights);
        if (status == OK && connection->renewed)
            status = connection->renewed(connection);
        if (status == OK)
            connection->generation++;
    }
    lock_release(&connection->lock);
    return was_interrupted(status) ? OK : status; /* the next attempt will tell */
}

/* E_BAD_STATE is how a service says that it knows of no session with us, and has done nothing. */
status_t connection_renew(struct connection *connection, uint32_t generation, uint32_t method, uint32_t word, uint32_t *reply)
{
    status_t status = renew(connection, generation);
    for (uint32_t i = 0; i < RENEWALS && status == OK; i++) {
        generation = connection->generation;
        status = service_call(connection->endpoint, method, word, reply);
        if (status != E_BAD_STATE)
            return status;
        status = renew(connection, generation);
    }
    return status == OK ? E_PEER_DIED : status;
}

status_t connection_repeat(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply)
{
    status_t status = E_PEER_DIED;
    for (uint32_t i = 0; i < TRIES && status == E_PEER_DIED; i++)
        status = connection_call(connection, method, word, reply);
    return status;
}
