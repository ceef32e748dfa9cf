/* The table of processes, which clients may read, and the boot modules that it names. */
#include "service.h"

#define TABLE_PAGES ((sizeof(struct process_table) + PAGE_SIZE - 1) / PAGE_SIZE)

struct process_table *table;
static handle_t table_memory;

static void name_modules(void)
{
    table->module_count = boot_info()->module_count;
    for (uint32_t i = 0; i < table->module_count; i++) {
        memcpy(table->modules[i].name, boot_info()->modules[i].name, BOOT_NAME);
        table->modules[i].size = boot_info()->modules[i].size;
    }
}

status_t table_create(void)
{
    void *address;
    status_t status = memory_create(TABLE_PAGES, MEMORY_IRREVOCABLE, &table_memory);
    if (status == OK)
        status = pages_map(table_memory, TABLE_PAGES, PROTECT_READ | PROTECT_WRITE, &address);
    if (status != OK)
        return status;
    table = address;
    name_modules();
    return OK;
}

reply_t give_readable(uint32_t word, handle_t memory)
{
    handle_t readable;
    status_t status = handle_duplicate(memory, RIGHT_READ | RIGHT_TRANSFER, 0, &readable);
    return status == OK ? reply_handle(word, readable) : reply_error(status);
}

reply_t serve_init_ask_table(const request_t *rq)
{
    (void)rq;
    return give_readable(0, table_memory);
}

reply_t serve_init_module(const request_t *rq)
{
    const struct process *client = process_of_number(rq->badge);
    if (!client || !is_service(client) || !client->service->modules)
        return reply_error(E_NO_RIGHT);
    if (rq->word >= boot_info()->module_count)
        return reply_error(E_NOT_FOUND);
    return give_readable(boot_info()->modules[rq->word].size, boot_info()->modules[rq->word].memory);
}

/* ---- figures ---- */

static uint32_t process_fact(const struct process *process, uint32_t which)
{
    uint32_t value = 0;
    process_info(process->handle, which, &value);
    return value;
}

uint32_t endpoint_fact(const struct process *process, uint32_t which)
{
    uint32_t value = 0;
    endpoint_info(process->endpoint, which, &value);
    return value;
}

/* What the process itself has counted. */
static uint32_t statistic(const struct process *process, uint32_t offset)
{
    uint32_t value = 0;
    process_read_word(process->handle, STATISTICS_ADDRESS + offset, &value);
    return value;
}

static void refresh_process(const struct process *process)
{
    struct process_entry *entry = entry_of(process);
    entry->threads = process_fact(process, PROCESS_THREADS);
    entry->quota_kib = process_fact(process, PROCESS_QUOTA_LIMIT) / 1024;
    entry->used_kib = process_fact(process, PROCESS_QUOTA_USED) / 1024;
    entry->cpu_microseconds = process_fact(process, PROCESS_CPU);
    entry->busy_high = statistic(process, offsetof(struct startup_statistics, busy_high));
    entry->calls = statistic(process, offsetof(struct startup_statistics, calls));
}

static void refresh_endpoint(const struct process *process)
{
    struct process_entry *entry = entry_of(process);
    entry->workers = endpoint_fact(process, ENDPOINT_WORKERS);
    entry->idle = endpoint_fact(process, ENDPOINT_IDLE);
    entry->queue = endpoint_fact(process, ENDPOINT_QUEUE);
    entry->queue_high = endpoint_fact(process, ENDPOINT_QUEUE_HIGH);
    entry->waits = endpoint_fact(process, ENDPOINT_WAITS);
    entry->refusals = endpoint_fact(process, ENDPOINT_REFUSALS);
}

reply_t serve_init_refresh(const request_t *rq)
{
    (void)rq;
    for (const struct process *process = processes; process < &processes[PROCESSES_MAX]; process++) {
        if (process->handle != HANDLE_NONE)
            refresh_process(process);
        if (process->endpoint != HANDLE_NONE)
            refresh_endpoint(process);
    }
    return reply(0);
}
