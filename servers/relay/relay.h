/* Methods of a relay: by which gate it calls the next one, if at all. */
#ifndef RELAY_H
#define RELAY_H

#include <server.h>

#define RELAY_METHODS(METHOD) \
    METHOD(RELAY_SYSENTER, relay_sysenter, WORD(uint32_t, word), WORD(uint32_t, more)) /* word + 1, from the end of the chain */ \
    METHOD(RELAY_INT, relay_int, WORD(uint32_t, word), WORD(uint32_t, more))    /* the same through INT 250 all the way */ \
    METHOD(RELAY_ECHO, relay_echo, WORD(uint32_t, word), WORD(uint32_t, same))  /* from the very relay that is called */
METHODS_DECLARE(RELAY_METHODS)

#endif
