/* What the cases about init and its processes share. */
#include "supervision.h"

status_t ask_init(uint32_t method, uint32_t word, handle_t attach, uint32_t *reply, handle_t *handle)
{
    return service_call_full(init_endpoint(), method, word, TIMEOUT_NEVER, attach, reply, handle);
}

const struct process_table *table(void)
{
    static uint32_t address;
    const uint32_t pages = (sizeof(struct process_table) + PAGE_SIZE - 1) / PAGE_SIZE;
    handle_t memory;
    if (!address && ask_init(INIT_TABLE, 0, HANDLE_NONE, NULL, &memory) == OK) {
        address = address_reserve(pages);
        if (process_map(HANDLE_NONE, memory, address, PROTECT_READ, 0, pages) != OK)
            address = 0;
        handle_close(memory);
    }
    ask_init(INIT_REFRESH, 0, HANDLE_NONE, NULL, NULL);
    return (const struct process_table *)address;
}

const struct process_entry *entry_of(const char *name)
{
    const struct process_table *now = table();
    for (uint32_t i = 0; now && i < PROCESSES_MAX; i++)
        if (now->entries[i].number && strcmp(now->entries[i].name, name) == 0)
            return &now->entries[i];
    return NULL;
}

bool reaches(const volatile uint32_t *figure, uint32_t value)
{
    for (uint32_t i = 0; i < 1000; i++) {
        if (table() && *figure == value)
            return true;
        sleep_microseconds(1000);
    }
    return false;
}

bool disappears(const char *name)
{
    for (uint32_t i = 0; i < 1000 && entry_of(name); i++)
        sleep_microseconds(1000);
    return !entry_of(name);
}
