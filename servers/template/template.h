/* What template offers. */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <server.h>

#define TEMPLATE_METHODS(METHOD) \
    /* The sum so far. */ \
    METHOD(TEMPLATE_SUM, template_sum, NOTHING, WORD(uint32_t, sum)) \
    /* Adds to it. E_BAD_ARGUMENT: it would not fit any more. */ \
    METHOD(TEMPLATE_ADD, template_add, WORD(uint32_t, number), WORD(uint32_t, sum))
METHODS_DECLARE(TEMPLATE_METHODS)

#endif
