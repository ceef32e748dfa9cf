/* Messages through memory: copied into the session's and out of it, worked on where they are, or handed over as memory that
 * the service maps. In every way the client writes a word of each cache line, and the service answers with their sum. */
#include "../partner/partner.h"
#include "measure.h"

#define WARMUP 4u

struct exchange {
    handle_t endpoint;
    session_t session;      /* of one slot, as long as a message */
    uint32_t *own;          /* where the client has its message when it is copied */
    handle_t memory;        /* and when it is handed over; mapped at `shared` */
    uint32_t *shared;
    uint32_t bytes;
    uint32_t word;          /* what the next message begins with */
};

static status_t check(status_t status, uint32_t sum, uint32_t expected)
{
    if (status == OK && sum != expected)
        fail("the sum of a message", E_BAD_ARGUMENT);
    return status;
}

static uint32_t write_to(struct exchange *exchange, uint32_t *message)
{
    return message_write(message, exchange->bytes, exchange->word += LINE_WORDS);
}

static status_t copied(struct exchange *exchange)
{
    uint32_t sum = 0, expected = write_to(exchange, exchange->own);
    memcpy(session_slot(&exchange->session, 0), exchange->own, exchange->bytes);
    status_t status = service_call(exchange->endpoint, PARTNER_COPY, 0, &sum);
    return check(status, sum, expected);
}

static status_t in_place(struct exchange *exchange)
{
    uint32_t sum = 0, expected = write_to(exchange, session_slot(&exchange->session, 0));
    status_t status = service_call(exchange->endpoint, PARTNER_IN_PLACE, 0, &sum);
    return check(status, sum, expected);
}

/* A handle that goes with a call is the service's from then on: each time it gets another one. */
static status_t mapped(struct exchange *exchange)
{
    uint32_t sum = 0, expected = write_to(exchange, exchange->shared);
    handle_t given;
    status_t status = handle_duplicate(exchange->memory, RIGHT_READ | RIGHT_TRANSFER, 0, &given);
    if (status == OK)
        status = service_call_full(exchange->endpoint, PARTNER_MAP, exchange->bytes, TIMEOUT_NEVER, given, &sum, NULL);
    return check(status, sum, expected);
}

#define BATCH(name, once)                                   \
    static status_t name(uint32_t calls, void *argument)    \
    {                                                       \
        status_t status;                                    \
        do                                                  \
            status = once(argument);                        \
        while (status == OK && --calls);                    \
        return status;                                      \
    }

BATCH(copy_batch, copied)
BATCH(map_batch, mapped)
BATCH(in_place_batch, in_place)

/* Small ones many at a time, so that reading the counter vanishes; large ones seldom, so that all of it stays short. */
static void measure_way(const char *way, const char *size, status_t (*batch)(uint32_t calls, void *argument),
                        struct exchange *exchange)
{
    char name[FIGURE_NAME];
    bool small = exchange->bytes <= 4096;
    figure_name(name, "message/%s/%s", way, size);
    measure_warm(&(struct measurement){ name, batch, exchange, small ? 200 : 50, small ? 8 : 1 }, WARMUP);
}

static void measure_size(handle_t endpoint, const char *size, uint32_t bytes)
{
    struct exchange exchange = { .endpoint = endpoint, .own = pages_allocate(bytes), .bytes = bytes };
    uint32_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    void *shared;
    if (!exchange.own)
        fail("memory for messages", E_NO_MEMORY);
    must("session_open", session_open(&exchange.session, endpoint, 1, bytes, 0));
    must("memory_create", memory_create(pages, MEMORY_IRREVOCABLE, &exchange.memory));
    must("pages_map", pages_map(exchange.memory, pages, PROTECT_READ | PROTECT_WRITE, &shared));
    exchange.shared = shared;
    measure_way("copy", size, copy_batch, &exchange);
    measure_way("map", size, map_batch, &exchange);
    measure_way("inplace", size, in_place_batch, &exchange);
    pages_unmap(shared, pages);
    handle_close(exchange.memory);
    session_close(&exchange.session, endpoint);
    pages_free(exchange.own, bytes);
}

void measure_messages(void)
{
    static const struct {
        const char *name;
        uint32_t bytes;
    } sizes[] = { { "64", 64 },         { "256", 256 },       { "1k", 1 << 10 },     { "4k", 4 << 10 },
                  { "16k", 16 << 10 }, { "64k", 64 << 10 }, { "256k", 256 << 10 }, { "1m", 1 << 20 } };
    handle_t endpoint = find("partner");
    for (uint32_t i = 0; i < COUNT(sizes); i++)
        measure_size(endpoint, sizes[i].name, sizes[i].bytes);
    handle_close(endpoint);
}
