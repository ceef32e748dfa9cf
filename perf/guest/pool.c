/* Pools of one to eight workers under one to sixteen clients that call without pause: the time for each completed call, and how
 * long a call waits until its handler begins.
 *
 * One handler computes, gives up the CPU once in between and computes again. On one CPU more workers cannot speed that up. The
 * other waits for a device instead, as a driver or a file system does: there a second worker is worth having. */
#include "crowd.h"

#define WORKERS_MAX 8u
#define CLIENTS_MAX 16u
#define CALLS 480u          /* of all clients together: each makes as many */
#define WORK 400u           /* instructions, before and after */
#define DEVICE_TIME 10u     /* microseconds */
#define PRIORITY 8

enum { COMPUTE, DEVICE, KINDS };

struct client {
    handle_t endpoint;
    uint32_t kind, first, calls;    /* its samples */
};

/* A call names the sample in which it left the time: the handler turns it into how long the call has waited. */
static void note_wait(const request_t *request)
{
    uint32_t *sample = &sample_store()[request->word];
    *sample = time_since(*sample);
}

static reply_t handler_computes(const request_t *request)
{
    note_wait(request);
    compute(WORK);
    thread_yield();
    compute(WORK);
    return reply(request->word);
}

static reply_t handler_waits(const request_t *request)
{
    note_wait(request);
    compute(WORK);
    must("sleep", sleep_microseconds(DEVICE_TIME));
    compute(WORK);
    return reply(request->word);
}

static void call_often(void *argument)
{
    const struct client *client = argument;
    status_t failed = OK;
    uint32_t answer;
    for (uint32_t i = client->first; i < client->first + client->calls; i++) {
        sample_store()[i] = (uint32_t)ticks();
        failed |= service_call(client->endpoint, client->kind, i, &answer);
    }
    must("pool", failed);
}

static void add_clients(struct crowd *crowd, struct client *clients, handle_t endpoint, uint32_t kind, uint32_t count)
{
    crowd_begin(crowd);
    for (uint32_t i = 0; i < count; i++) {
        clients[i] = (struct client){ endpoint, kind, i * (CALLS / count), CALLS / count };
        crowd_add(crowd, call_often, &clients[i], PRIORITY);
    }
    thread_yield();
}

static void measure_clients(handle_t endpoint, uint32_t kind, uint32_t workers, uint32_t count)
{
    struct client clients[CLIENTS_MAX];
    struct crowd crowd;
    char figure[FIGURE_NAME];
    const char *name = kind == COMPUTE ? "compute" : "device";
    add_clients(&crowd, clients, endpoint, kind, count);
    count_threads_begin();
    uint64_t begin = ticks();
    crowd_run(&crowd);
    uint32_t passed = time_since(begin) / CALLS;
    count_threads_end();
    figure_name(figure, "pool/%s/%uworkers/%uclients/wait", name, workers, count);
    report(&(struct series){ figure, sample_store(), CALLS, .overhead = timer_overhead() });
    figure_name(figure, "pool/%s/%uworkers/%uclients/throughput", name, workers, count);
    report(&(struct series){ figure, &passed, 1, CALLS, .overhead = timer_overhead() });
}

void measure_pool(void)
{
    static const method_t methods[] = { [COMPUTE] = handler_computes, [DEVICE] = handler_waits };
    for (uint32_t workers = 1; workers <= WORKERS_MAX; workers *= 2) {
        handle_t endpoint;
        must("server_start", server_start(&endpoint, methods, COUNT(methods), .workers = workers));
        for (uint32_t kind = 0; kind < KINDS; kind++)
            for (uint32_t clients = 1; clients <= CLIENTS_MAX; clients *= 2)
                measure_clients(endpoint, kind, workers, clients);
    }
}
