/* What echo offers: nothing but the way there and back. */
#ifndef ECHO_H
#define ECHO_H

#include <server.h>

#define ECHO_METHODS(METHOD) \
    METHOD(ECHO_WORD, echo_word, WORD(uint32_t, word), WORD(uint32_t, same))
METHODS_DECLARE(ECHO_METHODS)

#endif
