/* echo: a service that does nothing, so that what a call costs can be measured; workers=N in the system list. */
#include "echo.h"

static reply_t serve_echo_word(const request_t *rq) { return reply(rq->word); }

static const method_t methods[] = METHODS_TABLE(ECHO_METHODS);

int main(void) { return server_run(NULL, methods, COUNT(methods)); }
