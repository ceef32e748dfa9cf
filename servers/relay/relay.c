/* relay: calls the relay that next=NAME names and passes its answer on; the last one, without next=, answers word + 1.
 * A chain of them shows what nested calls cost, each hop in a process of its own. */
#include <server.h>

#include "relay.h"

static handle_t next;

static inline reply_t answer(status_t kernel_status, status_t service_status, uint32_t word)
{
    status_t status = kernel_status ? kernel_status : service_status;
    return status ? reply_error(status) : reply(word);
}

static reply_t relay_by_int(const request_t *rq)
{
    uint32_t word;
    status_t service_status;
    status_t status = gate_call_int(next, rq->method, rq->word, &word, &service_status);
    return answer(status, service_status, word);
}

static reply_t relay_by_sysenter(const request_t *rq)
{
    uint32_t word;
    status_t service_status;
    status_t status = gate_call_sysenter(next, rq->method, rq->word, &word, &service_status);
    return answer(status, service_status, word);
}

static reply_t increment(const request_t *rq)
{
    return reply(rq->word + 1);
}

static reply_t echo(const request_t *rq)
{
    return reply(rq->word);
}

static int serve(method_t by_sysenter, method_t by_int)
{
    const method_t methods[RELAY_METHODS] = { [RELAY_SYSENTER] = by_sysenter, [RELAY_INT] = by_int, [RELAY_ECHO] = echo };
    return server_run(NULL, methods, RELAY_METHODS);
}

int main(void)
{
    const char *name = argument("next");
    if (!name)
        return serve(increment, increment);
    status_t status = service_find(name, &next);
    if (status != OK) {
        print("%s: next=%s: %s\n", program_name(), name, status_text(status));
        return status;
    }
    return serve(gate_sysenter_usable() ? relay_by_sysenter : relay_by_int, relay_by_int);
}
