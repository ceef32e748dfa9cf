/* partner: the service at the other end of one-way times and of messages. It has one worker. */
#include "partner.h"

static uint32_t own[MESSAGE_MAX / 4];

static reply_t serve_partner_stamp(const request_t *request)
{
    (void)request;
    return reply((uint32_t)ticks());
}

static uint32_t copy_and_sum(const uint32_t *message, uint32_t bytes)
{
    memcpy(own, message, bytes);
    return message_sum(own, bytes);
}

/* In each session a message is as long as a slot. */
static inline __attribute__((always_inline))
reply_t answer(const request_t *request, uint32_t (*sum_of)(const uint32_t *message, uint32_t bytes))
{
    session_t *session = session_hold(request);
    if (!session)
        return reply_error(E_BAD_STATE);
    const uint32_t *message = session_slot(session, request->word);
    bool good = message && session->slot_size <= MESSAGE_MAX;
    uint32_t sum = good ? sum_of(message, session->slot_size) : 0;
    session_release(session);
    return good ? reply(sum) : reply_error(E_BAD_ARGUMENT);
}

static reply_t serve_partner_copy(const request_t *request)
{
    return answer(request, copy_and_sum);
}

static reply_t serve_partner_in_place(const request_t *request)
{
    return answer(request, message_sum);
}

static reply_t serve_partner_map(const request_t *request)
{
    void *message;
    uint32_t pages, sum = 0;
    status_t status = memory_given(request->handle, &pages);
    if (status == OK && request->word > pages * PAGE_SIZE)
        status = E_BAD_ARGUMENT;
    if (status == OK)
        status = pages_map(request->handle, pages, PROTECT_READ, &message);
    if (status == OK) {
        sum = message_sum(message, request->word);
        pages_unmap(message, pages);
    }
    handle_close(request->handle);
    return status == OK ? reply(sum) : reply_error(status);
}

static const method_t methods[] = METHODS_TABLE(PARTNER_METHODS);

int main(void)
{
    return server_run(NULL, methods, COUNT(methods), .handles = METHODS_HANDLES(PARTNER_METHODS));
}
