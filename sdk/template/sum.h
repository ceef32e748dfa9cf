/* What sum offers: included by the service and by its clients. */
#ifndef SUM_H
#define SUM_H

#include <server.h>

#define SUM_METHODS(METHOD) \
    METHOD(SUM_ADD, sum_add, WORD(uint32_t, number), WORD(uint32_t, sum))
METHODS_DECLARE(SUM_METHODS)

#endif
