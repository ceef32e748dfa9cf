/* Who waits for whom: what the kernel tells of each thread, put together to chains of calls and shown as text. A service that
 * hangs and pools that are all busy do not keep init from telling: it asks the kernel alone. */
#include <stdarg.h>

#include "service.h"

#include "libserver/pool.h"

#define THREADS 512u
#define TEXT_PAGES 2u
#define LINKS_AT_MOST 64u       /* of a chain: others run while the threads are looked at */

struct waiting {
    uint32_t process;           /* its number; 0: init */
    struct thread_facts facts;
};

static struct waiting threads[THREADS];
static uint32_t thread_count, used;
static handle_t text_memory;    /* HANDLE_NONE: nobody has asked yet */
static char *text;

/* ---- text ---- */

static status_t prepare_text(void)
{
    void *address;
    if (text_memory != HANDLE_NONE)
        return OK;
    status_t status = memory_create(TEXT_PAGES, MEMORY_IRREVOCABLE, &text_memory);
    if (status == OK && (status = pages_map(text_memory, TEXT_PAGES, PROTECT_READ | PROTECT_WRITE, &address)) == OK) {
        text = address;
    } else if (text_memory != HANDLE_NONE) {
        handle_close(text_memory);
        text_memory = HANDLE_NONE;
    }
    return status;
}

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    used += text_format(text + used, TEXT_PAGES * PAGE_SIZE - used, format, &arguments);
    va_end(arguments);
}

/* ---- what the kernel says ---- */

static handle_t handle_of(uint32_t number)
{
    const struct process *process = process_of_number(number);
    return process ? process->handle : HANDLE_NONE; /* which is ourselves */
}

static const char *name_of(uint32_t number)
{
    const struct process *process = process_of_number(number);
    return process ? entry_of(process)->name : "init";
}

static void look_at(uint32_t number)
{
    uint32_t last = 0;
    while (thread_count < THREADS && process_thread(handle_of(number), last, &threads[thread_count].facts) == OK) {
        last = threads[thread_count].facts.number;
        threads[thread_count++].process = number;
    }
}

static void look_at_all(void)
{
    thread_count = 0;
    look_at(0);
    for (const struct process *process = processes; process < &processes[PROCESSES_MAX]; process++)
        if (process->handle != HANDLE_NONE)
            look_at(entry_of(process)->number);
}

static const struct waiting *thread_of_number(uint32_t number)
{
    for (uint32_t i = 0; i < thread_count; i++)
        if (threads[i].facts.number == number)
            return &threads[i];
    return NULL;
}

/* ---- calls ---- */

/* The worker that serves the thread's call; NULL: none. */
static const struct waiting *worker_of(const struct waiting *thread)
{
    return thread->facts.state == THREAD_FACT_ACTIVE && thread->facts.peer ? thread_of_number(thread->facts.peer) : NULL;
}

/* By numbers, not by worker_of(): with many threads a search within a search would keep the state locked for long. */
static bool is_served(const struct waiting *worker)
{
    for (uint32_t i = 0; i < thread_count; i++)
        if (threads[i].facts.state == THREAD_FACT_ACTIVE && threads[i].facts.peer == worker->facts.number)
            return true;
    return false;
}

static uint32_t read_word(const struct waiting *thread, uint32_t address)
{
    uint32_t word = 0;
    process_read_word(handle_of(thread->process), address, &word);
    return word;
}

/* The library's loop leaves the request below the worker's block, and the functions of the methods are in it. */
static void add_method(const struct waiting *worker)
{
    uint32_t block = worker->facts.wait_esp, offset;
    uint32_t method = read_word(worker, block + sizeof(handle_t) - sizeof(request_t) + offsetof(request_t, method));
    if (method >= read_word(worker, block + offsetof(struct worker_block, method_count)))
        return;
    uint32_t handler = read_word(worker, block + offsetof(struct worker_block, methods) + method * sizeof(method_t));
    const char *name = symbol_find(handler, &offset);
    add(" (method %u%s%s)", method, name ? ", " : "", name ? name : "");
}

static void add_place(const struct waiting *thread)
{
    uint32_t offset;
    const char *name = symbol_find(thread->facts.eip, &offset);
    if (name)
        add(" in %s+0x%x", name, offset);
}

/* What the last thread of a chain does for all the others. */
static void add_state(const struct waiting *thread)
{
    static const char *const texts[] = { "runs", "is stopped", "waits for the CPU", "", "waits for a notification", "ends" };
    if (thread->facts.state == THREAD_FACT_QUEUED) {
        const struct waiting *peer = thread_of_number(thread->facts.peer);
        add(", in the queue of %s\n", peer ? name_of(peer->process) : "a service without workers");
        return;
    }
    add("  %s", thread->facts.state < COUNT(texts) ? texts[thread->facts.state] : "?");
    add_place(thread);
    add("\n");
}

static void add_chain(const struct waiting *thread)
{
    add("  %s", name_of(thread->process));
    for (uint32_t links = 0; links < LINKS_AT_MOST; links++) {
        const struct waiting *worker = worker_of(thread);
        if (!worker)
            break;
        add(" -> %s", name_of(worker->process));
        add_method(worker);
        thread = worker;
    }
    add_state(thread);
}

/* Whoever asks is served by us at this moment, which is nothing to tell. */
static bool asks_now(const struct waiting *thread)
{
    const struct waiting *worker = worker_of(thread);
    return worker && worker->process == 0 && worker->facts.state == THREAD_FACT_ACTIVE;
}

static void add_chains(void)
{
    for (uint32_t i = 0; i < thread_count; i++) {
        bool waits = worker_of(&threads[i]) || threads[i].facts.state == THREAD_FACT_QUEUED;
        if (waits && !is_served(&threads[i]) && !asks_now(&threads[i]))
            add_chain(&threads[i]);
    }
    if (thread_count == THREADS)
        add("  ... and more than %u threads are not looked at\n", THREADS);
}

/* Pools without an idle worker. */
static void add_queues(void)
{
    for (const struct process *process = processes; is_service(process); process++) {
        uint32_t workers = process->endpoint == HANDLE_NONE ? 0 : endpoint_fact(process, ENDPOINT_WORKERS);
        if (workers && endpoint_fact(process, ENDPOINT_IDLE) == 0)
            add("  %s: all %u workers are busy, %u callers in the queue\n", entry_of(process)->name, workers,
                endpoint_fact(process, ENDPOINT_QUEUE));
    }
}

reply_t serve_init_waits(const request_t *rq)
{
    (void)rq;
    status_t status = prepare_text();
    if (status != OK)
        return reply_error(status);
    used = 0;
    look_at_all();
    add("who waits for whom:\n");
    add_chains();
    add_queues();
    return give_readable(used, text_memory);
}
