/* Services: a pool of workers made before the first request, refilled in the background, and its figures. */
#include <init.h>

#include "pool.h"

#define STACK_DEFAULT 8192u
#define REFILL_PERIOD 100000u   /* microseconds: how long a dead worker may go unnoticed */
#define SETTLE_PERIOD 500u      /* microseconds between two looks at workers that start */
#define SETTLE_TRIES 4000u

static struct pool *pools;

__attribute__((weak)) reply_t server_unknown_method(const request_t *request)
{
    if (request->handle != HANDLE_NONE)
        handle_close(request->handle);
    return reply_error(E_NO_METHOD);
}

/* ---- workers ---- */

static uint32_t slot_bytes(const struct pool *pool)
{
    return pool->slot_pages * PAGE_SIZE;
}

static uint32_t block_bytes(uint32_t method_count)
{
    return sizeof(struct worker_block) + method_count * sizeof(method_t);
}

static struct worker_block *slot_block(const struct pool *pool, uint32_t slot)
{
    uint32_t end = pool->region + (slot + 1) * slot_bytes(pool);
    return (struct worker_block *)(end - block_bytes(pool->method_count));
}

static status_t map_stack(const struct pool *pool, uint32_t slot)
{
    return memory_map_new(pool->region + slot * slot_bytes(pool) + PAGE_SIZE, pool->slot_pages - 1);
}

/* A missing method fails like one out of range, with no test on the way. */
static void fill_block(struct pool *pool, struct worker_block *block)
{
    *block = (struct worker_block){ HANDLE_NONE, pool->method_count, HANDLE_NONE, pool->received, pool->endpoint, pool };
    for (uint32_t i = 0; i < pool->method_count; i++)
        block->methods[i] = pool->methods[i] ? pool->methods[i] : server_unknown_method;
}

static status_t start_worker(struct pool *pool, uint32_t slot)
{
    struct worker_block *block = slot_block(pool, slot);
    handle_t thread;
    fill_block(pool, block);
    status_t status = thread_create(self_process(), (uint32_t)worker_start, (uint32_t)block, 0, pool->priority,
                                    &thread);
    if (status != OK)
        return status;
    pool->threads[slot] = thread;
    return thread_start(thread);
}

static status_t add_worker(struct pool *pool)
{
    status_t status = map_stack(pool, pool->count);
    if (status == OK)
        status = start_worker(pool, pool->count);
    if (status == OK)
        pool->count++;
    return status;
}

/* Called by each worker once, so that the loop need not count anything. */
void worker_first_request(struct pool *pool)
{
    __asm__ volatile("lock incl %0" : "+m"(pool->busy_high) : : "cc");
    if (pool->announced)
        startup_statistics()->busy_high = pool->busy_high;
    if (pool->wake != HANDLE_NONE)
        notification_signal(pool->wake, 1);
}

/* ---- reserve ---- */

static uint32_t endpoint_fact(handle_t endpoint, uint32_t which)
{
    uint32_t value = 0;
    endpoint_info(endpoint, which, &value);
    return value;
}

/* Waits until as many threads serve it. Yielding alone would wait for ever for workers of a lower priority. */
static status_t settle(handle_t endpoint, uint32_t workers)
{
    thread_yield();
    for (uint32_t i = 0; i < SETTLE_TRIES; i++) {
        if (endpoint_fact(endpoint, ENDPOINT_WORKERS) >= workers)
            return OK;
        sleep_microseconds(SETTLE_PERIOD);
    }
    return E_TIMED_OUT;
}

static bool worker_died(const struct pool *pool, uint32_t slot)
{
    uint32_t ignored;
    return pool->threads[slot] != HANDLE_NONE &&
           thread_read_register(pool->threads[slot], REGISTER_EIP, &ignored) == E_BAD_STATE;
}

static void release_held(struct pool *pool, uint32_t slot)
{
    session_t *held = pool->held[slot];
    pool->held[slot] = NULL;
    if (held)
        session_abandon(held);
}

/* A worker that faulted is replaced, on the same stack. */
static void replace_dead_workers(struct pool *pool)
{
    for (uint32_t slot = 0; slot < pool->count; slot++) {
        if (!worker_died(pool, slot))
            continue;
        handle_close(pool->threads[slot]);
        pool->threads[slot] = HANDLE_NONE;
        release_held(pool, slot);
        pool->busy_high--; /* the new one will count itself */
        start_worker(pool, slot);
    }
}

static _Noreturn void refill(struct pool *pool)
{
    uint32_t bits;
    for (;;) {
        notification_wait(pool->wake, 1, REFILL_PERIOD, &bits);
        replace_dead_workers(pool);
        while (pool->count < pool->slots && endpoint_fact(pool->endpoint, ENDPOINT_IDLE) < pool->reserve)
            if (add_worker(pool) != OK || settle(pool->endpoint, pool->count) != OK)
                break;
    }
}

static void refill_thread(void *argument)
{
    refill(argument);
}

static status_t start_refill(struct pool *pool)
{
    handle_t thread;
    status_t status = thread_spawn(refill_thread, pool, pool->priority, &thread);
    if (status == OK)
        handle_close(thread);
    return status;
}

/* ---- pools ---- */

static void pool_publish(struct pool *pool)
{
    lock_acquire(&library_lock);
    pool->next = pools;
    pools = pool;
    lock_release(&library_lock);
}

static void pool_free(struct pool *pool)
{
    if (pool->region)
        address_release(pool->region, pool->slots * pool->slot_pages);
    pages_free(pool, sizeof(*pool));
}

static uint32_t wanted_workers(const struct server_options *options)
{
    return options->workers ? options->workers : argument_number("workers", 1);
}

static void (*loop_for(const struct server_options *options))(void)
{
    bool counted = options->count_calls || argument_number("count-calls", 0);
    if (!gate_sysenter_usable() || options->int_gate || argument_number("int-gate", 0))
        return counted ? worker_received_int_counted : worker_received_int;
    if (options->handles)
        return counted ? worker_received_sysenter_handles_counted : worker_received_sysenter_handles;
    return counted ? worker_received_sysenter_counted : worker_received_sysenter;
}

/* A pool without workers; NULL when an option is out of range (E_BAD_ARGUMENT) or memory is used up. */
static status_t pool_create(const method_t *methods, uint32_t count, const struct server_options *options,
                            struct pool **created)
{
    uint32_t stack_pages = pages_of(options->stack ? options->stack : STACK_DEFAULT);
    uint32_t workers = wanted_workers(options);
    if (workers == 0 || workers > POOL_WORKERS_MAX || stack_pages == 0 || count > PAGE_SIZE ||
        block_bytes(count) > stack_pages * PAGE_SIZE / 2)
        return E_BAD_ARGUMENT;
    struct pool *pool = pages_allocate(sizeof(*pool));
    if (!pool)
        return E_NO_MEMORY;
    pool->methods = methods;
    pool->method_count = count;
    pool->reserve = options->reserve;
    pool->priority = options->priority ? options->priority : (uint8_t)startup_priority();
    pool->received = loop_for(options);
    pool->slots = options->reserve ? POOL_WORKERS_MAX : workers;
    pool->slot_pages = stack_pages + 1;
    pool->region = address_reserve(pool->slots * pool->slot_pages);
    if (pool->region == 0) {
        pool_free(pool);
        return E_NO_MEMORY;
    }
    *created = pool;
    return OK;
}

static void end_workers(struct pool *pool)
{
    for (uint32_t slot = 0; slot < pool->count; slot++) {
        thread_destroy(pool->threads[slot]);
        handle_close(pool->threads[slot]);
        process_unmap(self_process(), pool->region + slot * slot_bytes(pool) + PAGE_SIZE, pool->slot_pages - 1);
    }
}

/* Makes `workers` workers at once and sees them waiting. */
static status_t pool_start(struct pool *pool, uint32_t workers, uint32_t handles)
{
    status_t status = handles ? sessions_init() : OK;
    for (uint32_t i = 0; i < workers && status == OK; i++)
        status = add_worker(pool);
    if (status == OK)
        status = settle(pool->endpoint, workers);
    if (status == OK && pool->reserve)
        status = notification_create(&pool->wake);
    return status;
}

static uint32_t endpoint_flags(const struct server_options *options)
{
    return (options->when_busy == REFUSE_BUSY ? ENDPOINT_NO_QUEUE : 0) | options->handles;
}

status_t server_start_options(handle_t *endpoint, const method_t *methods, uint32_t count,
                              const struct server_options *options)
{
    struct pool *pool;
    status_t status = pool_create(methods, count, options, &pool);
    if (status != OK)
        return status;
    status = endpoint_create(endpoint_flags(options), options->client_cap, &pool->endpoint);
    if (status == OK) {
        status = pool_start(pool, wanted_workers(options), options->handles);
        if (status == OK && pool->reserve)
            status = start_refill(pool);
        if (status == OK) {
            pool_publish(pool);
            *endpoint = pool->endpoint;
            return OK;
        }
        end_workers(pool);
        handle_close(pool->endpoint);
    }
    pool_free(pool);
    return status;
}

/* The endpoint that init made for us; one with other properties if our options ask for them. */
static status_t own_endpoint(const struct server_options *options, handle_t *endpoint)
{
    uint32_t properties = endpoint_flags(options) | options->client_cap << INIT_CAP_SHIFT;
    if (options->client_cap > INIT_CAP_MAX)
        return E_BAD_ARGUMENT;
    *endpoint = startup_endpoint();
    if (properties == 0)
        return OK;
    return init_ask_endpoint(init_endpoint(), properties, endpoint);
}

/* The calling thread will be the last worker. Where dead ones are replaced it refills the pool instead: nobody has a handle of
 * it, by which its death could be seen. */
static status_t prepare_main(struct pool *pool)
{
    status_t status = map_stack(pool, pool->count);
    if (status == OK)
        fill_block(pool, slot_block(pool, pool->count));
    return status;
}

int server_run_options(const char *name, const method_t *methods, uint32_t count, const struct server_options *options)
{
    struct pool *pool;
    if (name && strcmp(name, program_name()) != 0) {
        print("%s: this program announces itself as \"%s\"; the system list must call it so\n", program_name(), name);
        return E_BAD_ARGUMENT;
    }
    status_t status = pool_create(methods, count, options, &pool);
    if (status == OK) {
        pool->announced = true;
        status = own_endpoint(options, &pool->endpoint);
    }
    if (status == OK)
        status = pool_start(pool, wanted_workers(options) - !options->reserve, options->handles);
    if (status == OK && !options->reserve)
        status = prepare_main(pool);
    if (status == OK) {
        pool_publish(pool); /* before the first client: handlers look up their worker */
        status = init_announce(init_endpoint());
    }
    if (status != OK) {
        print("%s: cannot serve: %s\n", program_name(), status_text(status));
        return status;
    }
    if (options->reserve)
        refill(pool);
    worker_become(slot_block(pool, pool->count++));
}

/* ---- what a handler asks of its worker ---- */

static struct worker_block *block_at(uint32_t address)
{
    struct worker_block *block = NULL;
    lock_acquire(&library_lock);
    for (const struct pool *pool = pools; pool && !block; pool = pool->next)
        if (address - pool->region < pool->slots * slot_bytes(pool))
            block = slot_block(pool, (address - pool->region) / slot_bytes(pool));
    lock_release(&library_lock);
    return block;
}

const void *worker_stack_of(uint32_t address)
{
    return block_at(address);
}

/* The loop has no instruction to spare for a test, so the handler returns to another place instead. */
reply_t reply_handle(uint32_t word, handle_t handle)
{
    struct worker_block *block = block_at((uint32_t)__builtin_frame_address(0));
    if (!block)
        return reply_error(E_BAD_STATE);
    struct worker_call *call = (struct worker_call *)((uint32_t)block - WORKER_CALL_BYTES);
    block->reply_handle = handle;
    call->return_address = worker_reply_with_handle;
    return reply(word);
}

bool request_cancelled(void)
{
    return request_status() != OK;
}

const void *request_pool(const request_t *request)
{
    return ((const struct worker_block *)&request->handle)->pool;
}

session_t **pool_held(const void *of, uint32_t address)
{
    struct pool *pool = (struct pool *)of;
    return &pool->held[(address - pool->region) / slot_bytes(pool)];
}

static const struct pool *pool_of(handle_t endpoint)
{
    lock_acquire(&library_lock);
    const struct pool *pool = pools;
    while (pool && pool->endpoint != endpoint)
        pool = pool->next;
    lock_release(&library_lock);
    return pool;
}

status_t server_statistics(handle_t endpoint, struct server_statistics *statistics)
{
    const struct pool *pool = pool_of(endpoint);
    if (!pool)
        return E_NOT_FOUND;
    *statistics = (struct server_statistics){
        .workers = pool->count,
        .busy_high = pool->busy_high,
        .queue = endpoint_fact(endpoint, ENDPOINT_QUEUE),
        .queue_high = endpoint_fact(endpoint, ENDPOINT_QUEUE_HIGH),
        .waits = endpoint_fact(endpoint, ENDPOINT_WAITS),
        .refusals = endpoint_fact(endpoint, ENDPOINT_REFUSALS),
    };
    return OK;
}
