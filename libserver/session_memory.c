/* The memory of a session, and what client and service do with it alike. The fake of libserver (libserver/testing) has it too. */
#include "internal.h"

#define SLOT_BYTES_MIN 64u
#define SESSION_BYTES_MAX (16u << 20)
#define SLOTS_SHIFT 8 /* in session_word(): log2 of the slot size, and above it the number of slots */

static bool shape_is_good(uint32_t slots, uint32_t slot_size)
{
    return slots > 0 && slot_size >= SLOT_BYTES_MIN && (slot_size & (slot_size - 1)) == 0 &&
           slot_size <= SESSION_BYTES_MAX && slots <= SESSION_BYTES_MAX / slot_size;
}

static uint32_t session_pages(const session_t *session)
{
    return pages_of(session->slots * session->slot_size);
}

static status_t map(session_t *session)
{
    void *base;
    status_t status = pages_map(session->memory, session_pages(session), PROTECT_READ | PROTECT_WRITE, &base);
    if (status == OK)
        session->base = base;
    return status;
}

void session_unmap(session_t *session)
{
    pages_unmap(session->base, session_pages(session));
}

void session_drop(session_t *session)
{
    session_unmap(session);
    handle_close(session->memory);
}

void *session_slot(const session_t *session, uint32_t slot)
{
    return session && slot < session->slots ? session->base + slot * session->slot_size : NULL;
}

/* ---- client ---- */

uint32_t session_word(const session_t *session)
{
    return (uint32_t)__builtin_ctz(session->slot_size) | session->slots << SLOTS_SHIFT;
}

status_t session_create(session_t *session, uint32_t slots, uint32_t slot_size)
{
    *session = (session_t){ .slots = slots, .slot_size = slot_size };
    if (!shape_is_good(slots, slot_size))
        return E_BAD_ARGUMENT;
    status_t status = memory_create(session_pages(session), MEMORY_IRREVOCABLE, &session->memory);
    if (status != OK)
        return status;
    status = map(session);
    if (status != OK)
        handle_close(session->memory);
    return status;
}

/* ---- service ---- */

status_t memory_given(handle_t memory, uint32_t *pages)
{
    uint32_t flags;
    status_t status = memory_info(memory, MEMORY_INFO_FLAGS, &flags);
    if (status == OK && !(flags & MEMORY_IRREVOCABLE))
        status = E_BAD_TYPE;
    return status == OK ? memory_info(memory, MEMORY_INFO_PAGES, pages) : status;
}

static status_t check_shape(const request_t *request, session_t *session)
{
    uint32_t size_shift = request->word & ((1u << SLOTS_SHIFT) - 1), pages;
    *session = (session_t){ .memory = request->handle, .slots = request->word >> SLOTS_SHIFT };
    if (size_shift >= 32 || !shape_is_good(session->slots, 1u << size_shift))
        return E_BAD_ARGUMENT;
    session->slot_size = 1u << size_shift;
    status_t status = memory_given(session->memory, &pages);
    if (status != OK)
        return status;
    return pages < session_pages(session) ? E_BAD_ARGUMENT : OK;
}

status_t session_take(const request_t *request, session_t *session)
{
    status_t status = check_shape(request, session);
    return status == OK ? map(session) : status;
}

__attribute__((weak)) status_t server_session_began(uint32_t badge, session_t *session)
{
    (void)badge;
    (void)session;
    return OK;
}

__attribute__((weak)) void server_session_ended(uint32_t badge, session_t *session)
{
    (void)badge;
    (void)session;
}
