/* What all unit tests share: cmocka, and random numbers whose seed is printed and can be given again. */
#ifndef TESTS_HOST_UNIT_H
#define TESTS_HOST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t random_state;

/* A fresh seed in each run finds more over time; UNIT_SEED=n repeats a run that failed. */
static inline void random_start(const char *what)
{
    const char *given = getenv("UNIT_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 0) : (uint32_t)time(NULL);
    print_message("%s: UNIT_SEED=%u\n", what, seed);
    random_state = seed * 2654435761u | 1;
}

/* xorshift32 */
static inline uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static inline uint32_t random_below(uint32_t limit) { return (uint32_t)((uint64_t)random_next() * limit >> 32); }

#endif
