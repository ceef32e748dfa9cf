/* sum: a service that adds up what it is given. */
#include "sum.h"

static _Atomic uint32_t sum;

static reply_t serve_sum_add(const request_t *rq) { return reply(sum += rq->word); }

static const method_t methods[] = METHODS_TABLE(SUM_METHODS);

int main(void) { return server_run(NULL, methods, COUNT(methods), .workers = 4); }
