/* Methods of the partner of bench, and what is done with each message, whatever way it comes. */
#ifndef PARTNER_H
#define PARTNER_H

#include <server.h>

#define PARTNER_METHODS(METHOD) \
    METHOD(PARTNER_SESSION, partner_open_session, SESSION, NOTHING) \
    /* Low half of the time stamp counter. */ \
    METHOD(PARTNER_STAMP, partner_stamp, NOTHING, WORD(uint32_t, ticks)) \
    /* Sum of the message in the slot, which is copied out of the session memory first; and which is not. */ \
    METHOD(PARTNER_COPY, partner_copy, WORD(uint32_t, slot), WORD(uint32_t, sum)) \
    METHOD(PARTNER_IN_PLACE, partner_in_place, WORD(uint32_t, slot), WORD(uint32_t, sum)) \
    /* Sum of the message at the beginning of memory that is to be mapped. */ \
    METHOD(PARTNER_MAP, partner_map, WORD_AND_HANDLE(uint32_t, bytes, memory), WORD(uint32_t, sum))
METHODS_NUMBERS(PARTNER_METHODS) /* alone: what is measured is the bare call */

#define MESSAGE_MAX (1u << 20)
#define LINE_WORDS 16u     /* of a cache line: the first is written and read, so every line is touched on both sides */

/* The client's part: another message each time, of another sum. */
static inline uint32_t message_write(uint32_t *message, uint32_t bytes, uint32_t word)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes / 4; i += LINE_WORDS)
        sum += message[i] = word++;
    return sum;
}

/* The service's part. */
static inline uint32_t message_sum(const uint32_t *message, uint32_t bytes)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes / 4; i += LINE_WORDS)
        sum += message[i];
    return sum;
}

#endif
