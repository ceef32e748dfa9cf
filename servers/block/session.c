/* Sessions: what the block service keeps beside the memory of each, the physical pages that devices are told. */
#include "session.h"

static uint32_t table_bytes(const session_t *session)
{
    return session->slots * (uint32_t)sizeof(uint32_t);
}

static status_t read_frames(const session_t *session, uint32_t *frames)
{
    status_t status = OK;
    for (uint32_t i = 0; i < session->slots && status == OK; i++)
        status = memory_physical(session->memory, i, &frames[i]);
    return status;
}

/* Memory that is offered without the right to learn where it lies serves for descriptions alone. */
status_t server_session_began(uint32_t badge, session_t *session)
{
    (void)badge;
    if (session->slot_size != PAGE_SIZE)
        return E_BAD_ARGUMENT;
    uint32_t *frames = pages_allocate(table_bytes(session));
    if (!frames)
        return E_NO_MEMORY;
    status_t status = read_frames(session, frames);
    if (status == OK)
        session->context = frames;
    else
        pages_free(frames, table_bytes(session));
    return status == E_NO_RIGHT ? OK : status;
}

void server_session_ended(uint32_t badge, session_t *session)
{
    (void)badge;
    if (session->context)
        pages_free(session->context, table_bytes(session));
}

struct block_request *session_request(const session_t *session, uint32_t index)
{
    return session->base && index < BLOCK_REQUESTS ? (struct block_request *)session->base + index : NULL;
}

status_t session_page(const session_t *session, uint32_t page, uint32_t *frame, uint8_t **data)
{
    const uint32_t *frames = session->context;
    if (page == 0 || page >= session->slots)
        return E_BAD_ARGUMENT;
    if (!frames)
        return E_NO_RIGHT;
    *frame = frames[page];
    *data = session->base + page * PAGE_SIZE;
    return OK;
}
