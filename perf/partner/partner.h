/* Methods of the partner of bench, and what is done with each message, whatever way it comes. */
#ifndef PARTNER_H
#define PARTNER_H

#include <server.h>

#define PARTNER_SESSION 0  /* server_session_open() */
#define PARTNER_STAMP 1    /* -> low half of the time stamp counter */
#define PARTNER_COPY 2     /* slot -> sum of the message there, which is copied out of the session memory first */
#define PARTNER_IN_PLACE 3 /* slot -> sum of the message there */
#define PARTNER_MAP 4      /* bytes, and a handle of memory to be mapped -> sum of the message at its beginning */
#define PARTNER_METHODS 5

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
