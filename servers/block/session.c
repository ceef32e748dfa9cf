/* Sessions: what the block service keeps beside the memory of each, the physical pages that devices are told. */
#include "session.h"
#include "device.h"
#include "disk.h"

struct pages {
    uint32_t number;            /* by which init keeps the memory */
    uint32_t frames[];
};

static uint32_t bytes_of(const session_t *session)
{
    return (uint32_t)sizeof(struct pages) + session->slots * (uint32_t)sizeof(uint32_t);
}

static status_t read_pages(const session_t *session, struct pages *pages)
{
    status_t status = OK;
    for (uint32_t i = 0; i < session->slots && status == OK; i++)
        status = memory_physical(session->memory, i, &pages->frames[i]);
    if (status != OK)
        return status;
    return dma_keep(session->memory, &pages->number);
}

/* Memory that is offered without the right to learn where it lies serves for descriptions alone, as does any without a disk. */
status_t server_session_began(uint32_t badge, session_t *session)
{
    (void)badge;
    if (session->slot_size != PAGE_SIZE)
        return E_BAD_ARGUMENT;
    struct pages *pages = pages_allocate(bytes_of(session));
    if (!pages)
        return E_NO_MEMORY;
    status_t status = read_pages(session, pages);
    if (status == OK)
        session->context = pages;
    else
        pages_free(pages, bytes_of(session));
    return status == E_NO_RIGHT ? OK : status;
}

/* Nobody holds it any more, so no device has a command that reaches it. */
void server_session_ended(uint32_t badge, session_t *session)
{
    struct pages *pages = session->context;
    (void)badge;
    if (!pages)
        return;
    dma_drop(pages->number);
    pages_free(pages, bytes_of(session));
}

struct block_request *session_request(const session_t *session, uint32_t index)
{
    return index < BLOCK_REQUESTS ? (struct block_request *)session->base + index : NULL;
}

status_t session_page(const session_t *session, uint32_t page, uint32_t *frame, uint8_t **data)
{
    const struct pages *pages = session->context;
    *data = session_slot(session, page);
    if (page == 0 || !*data)
        return E_BAD_ARGUMENT;
    if (!pages)
        return E_NO_RIGHT;
    *frame = pages->frames[page];
    return OK;
}
