/* echo: the smallest service, and the one to copy: a handler, a table of methods, and workers=N in the system list. */
#include <server.h>

static reply_t echo(const request_t *rq) { return reply(rq->word); }

static const method_t methods[] = { echo };

int main(void) { return server_run(NULL, methods, COUNT(methods)); }
