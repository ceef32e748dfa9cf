/* Three modest clients share a pool of four workers, each request of which waits for a device: alone, beside a greedy client
 * that keeps all workers busy, and with a cap on how many workers one client may hold. Time lost is time spent queued, for the
 * device leaves the CPU idle. */
#include "crowd.h"

#define WORKERS 4u
#define CAP 2u
#define MODEST 3u
#define GREEDY_THREADS 8u
#define CALLS 300u          /* of each modest client */
#define PAUSE 20u           /* microseconds between two calls of a modest client */
#define DEVICE_TIME 10u
#define WORK 400u           /* instructions */
#define PRIORITY 8

struct client {
    handle_t endpoint;      /* with a badge of its own */
    uint32_t *samples;
};

static volatile uint32_t modest_left;

static reply_t handler(const request_t *request)
{
    compute(WORK);
    must("sleep", sleep_microseconds(DEVICE_TIME));
    return reply(request->word);
}

static void call_with_pauses(void *argument)
{
    const struct client *client = argument;
    status_t failed = OK;
    uint32_t answer;
    for (uint32_t i = 0; i < CALLS; i++) {
        uint64_t begin = ticks();
        failed |= service_call(client->endpoint, 0, i, &answer);
        client->samples[i] = time_since(begin);
        failed |= sleep_microseconds(PAUSE);
    }
    must("fairness", failed);
    modest_left--;
}

/* One that the cap refuses lets others run, and tries again. */
static void call_without_pause(void *argument)
{
    const struct client *client = argument;
    uint32_t answer;
    while (modest_left) {
        status_t status = service_call(client->endpoint, 0, 0, &answer);
        if (status == E_BUSY)
            thread_yield();
        else
            must("fairness", status);
    }
}

static struct client client_of(handle_t endpoint, uint32_t badge)
{
    struct client client = { .samples = sample_store() + (badge - 1) * CALLS };
    must("handle_duplicate", handle_duplicate(endpoint, RIGHT_CALL, badge, &client.endpoint));
    return client;
}

static void measure_modest(const char *name, handle_t endpoint, uint32_t greedy_threads)
{
    struct client clients[MODEST + 1];  /* the last is the greedy one */
    struct crowd crowd;
    crowd_begin(&crowd);
    for (uint32_t i = 0; i <= MODEST; i++)
        clients[i] = client_of(endpoint, i + 1);
    for (uint32_t i = 0; i < MODEST; i++)
        crowd_add(&crowd, call_with_pauses, &clients[i], PRIORITY);
    for (uint32_t i = 0; i < greedy_threads; i++)
        crowd_add(&crowd, call_without_pause, &clients[MODEST], PRIORITY);
    thread_yield();
    modest_left = MODEST;
    crowd_run(&crowd);
    for (uint32_t i = 0; i <= MODEST; i++)
        handle_close(clients[i].endpoint);
    report(&(struct series){ name, sample_store(), MODEST * CALLS, .overhead = timer_overhead() });
}

void measure_fairness(void)
{
    static const method_t methods[] = { handler };
    handle_t open, capped;
    must("server_start", server_start(&open, methods, COUNT(methods), .workers = WORKERS));
    must("server_start", server_start(&capped, methods, COUNT(methods), .workers = WORKERS, .client_cap = CAP));
    measure_modest("fairness/alone", open, 0);
    measure_modest("fairness/greedy", open, GREEDY_THREADS);
    measure_modest("fairness/capped", capped, GREEDY_THREADS);
}
