/* Clients that share a pool of four workers. The handler works, gives up the CPU once and works again, so that calls
 * overlap and eight clients have to wait for workers. */
#include "measure.h"

#define WORKERS 4
#define CLIENTS_MAX 8u
#define CALLS_PER_CLIENT 250u
#define WORK 200u
#define PRIORITY 8
#define ALL_DONE 0xFFu

struct client {
    uint32_t number;
    handle_t endpoint, start, done;
    uint32_t *samples;
};

static void work(void)
{
    for (uint32_t i = 0; i < WORK; i++)
        __asm__ volatile("");
}

static reply_t work_and_yield(const request_t *request)
{
    work();
    thread_yield();
    work();
    return reply(request->word);
}

static void call_often(void *argument)
{
    const struct client *client = argument;
    uint32_t bits, answer;
    status_t failed = notification_wait(client->start, 1u << client->number, TIMEOUT_NEVER, &bits);
    for (uint32_t i = 0; i < CALLS_PER_CLIENT; i++) {
        uint64_t begin = ticks();
        failed |= service_call(client->endpoint, 0, i, &answer);
        client->samples[i] = time_since(begin);
    }
    must("pool", failed);
    notification_signal(client->done, 1u << client->number);
}

static void wait_for_all(handle_t done, uint32_t missing)
{
    while (missing) {
        uint32_t bits = 0;
        must("notification_wait", notification_wait(done, missing, TIMEOUT_NEVER, &bits));
        missing &= ~bits;
    }
}

static void measure_clients(const char *name, handle_t endpoint, uint32_t count)
{
    struct client clients[CLIENTS_MAX];
    handle_t start = HANDLE_NONE, done = HANDLE_NONE, thread = HANDLE_NONE;
    must("notification_create", notification_create(&start));
    must("notification_create", notification_create(&done));
    for (uint32_t i = 0; i < count; i++) {
        clients[i] = (struct client){ i, endpoint, start, done, sample_store() + i * CALLS_PER_CLIENT };
        must("thread_spawn", thread_spawn(call_often, &clients[i], PRIORITY, &thread));
        handle_close(thread);
    }
    thread_yield();
    count_threads_begin();
    notification_signal(start, ALL_DONE);
    wait_for_all(done, (1u << count) - 1);
    count_threads_end();
    report(&(struct series){ name, sample_store(), count * CALLS_PER_CLIENT, .overhead = timer_overhead() });
    handle_close(start);
    handle_close(done);
}

void measure_pool(void)
{
    static const method_t methods[] = { work_and_yield };
    handle_t endpoint;
    must("server_start", server_start(&endpoint, methods, COUNT(methods), .workers = WORKERS));
    thread_yield();
    measure_clients("pool/1clients", endpoint, 1);
    measure_clients("pool/2clients", endpoint, 2);
    measure_clients("pool/4clients", endpoint, 4);
    measure_clients("pool/8clients", endpoint, 8);
}
