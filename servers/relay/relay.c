/* relay: calls the relay that next=NAME names and passes its answer on; the last one, without next=, answers word + 1.
 * A chain of them shows what nested calls cost, each hop in a process of its own. */
#include "relay.h"

static handle_t next;

static inline reply_t answer(status_t kernel_status, status_t service_status, uint32_t word)
{
    status_t status = kernel_status ? kernel_status : service_status;
    return status ? reply_error(status) : reply(word);
}

static reply_t serve_relay_int(const request_t *rq)
{
    uint32_t word;
    status_t service_status;
    status_t status = gate_call_int(next, rq->method, rq->word, &word, &service_status);
    return answer(status, service_status, word);
}

static reply_t serve_relay_sysenter(const request_t *rq)
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

static reply_t serve_relay_echo(const request_t *rq)
{
    return reply(rq->word);
}

int main(void)
{
    static method_t methods[] = METHODS_TABLE(RELAY_METHODS);
    const char *name = argument("next");
    status_t status = name ? service_find(name, &next) : OK;
    if (status != OK) {
        print("%s: next=%s: %s\n", program_name(), name, status_text(status));
        return status;
    }
    if (!name)
        methods[RELAY_SYSENTER] = methods[RELAY_INT] = increment;
    else if (!gate_sysenter_usable())
        methods[RELAY_SYSENTER] = serve_relay_int;
    return server_run(NULL, methods, COUNT(methods));
}
