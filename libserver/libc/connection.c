/* A session with a service, opened at its first use and again after a restart of the service. */
#include "files.h"

static status_t find_service(struct connection *connection)
{
    handle_t found;
    status_t status = service_find(connection->service, &found);
    if (status != OK)
        return status;
    if (connection->endpoint != HANDLE_NONE)
        handle_close(connection->endpoint);
    connection->endpoint = found;
    return OK;
}

static status_t open_first(struct connection *connection)
{
    status_t status = find_service(connection);
    if (status == OK)
        status = session_open(&connection->session, connection->endpoint, connection->slots, connection->slot_size, 0);
    if (status == OK)
        connection->generation = 1;
    return status;
}

status_t libc_connection_open(struct connection *connection)
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
        status = find_service(connection);
        if (status == OK)
            status = session_offer(&connection->session, connection->endpoint, 0);
        if (status == OK)
            connection->generation++;
    }
    lock_release(&connection->lock);
    return status;
}

/* E_BAD_STATE is how a service says that it knows of no session with us. */
status_t libc_connection_call(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply)
{
    uint32_t generation = connection->generation;
    status_t status = service_call(connection->endpoint, method, word, reply);
    if (status != E_PEER_DIED && status != E_BAD_STATE)
        return status;
    status = renew(connection, generation);
    return status == OK ? E_PEER_DIED : status;
}
