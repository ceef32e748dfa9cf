/* The handle table: entries never used, then a chain of free ones, oldest first; and generations against stale handles. */
#include "handle.h"

#include <stddef.h>

#include "endpoint.h"
#include "log.h"

void handle_table_init(struct handle_table *table, struct handle_entry *entries, uint32_t count)
{
    *table = (struct handle_table){ .entries = entries, .count = count, .fresh = 1 };
    entries[0] = (struct handle_entry){ .value = HANDLE_FREE, .endpoint = &null_endpoint };
}

/* One that was never used, else the one that is free for longest. 0: none. */
static uint32_t take_free(struct handle_table *table)
{
    if (table->fresh < table->count)
        return table->fresh++;
    uint32_t index = table->first_free;
    table->first_free = table->entries[index].next_free;
    return index;
}

/* At the end of the chain: a slot is used again as late as can be. */
static void make_free(struct handle_table *table, uint32_t index, uint32_t generation)
{
    table->entries[index] = (struct handle_entry){ .value = HANDLE_FREE, .endpoint = &null_endpoint, .generation = generation };
    if (table->first_free == 0)
        table->first_free = index;
    else
        table->entries[table->last_free].next_free = index;
    table->last_free = index;
}

handle_t handle_insert(struct handle_table *table, struct object *object, uint32_t rights, uint32_t badge,
                       struct endpoint *callable)
{
    uint32_t index = take_free(table);
    if (index == 0)
        return HANDLE_NONE;
    struct handle_entry *entry = &table->entries[index];
    table->used++;
    entry->value = entry->generation << HANDLE_GENERATION_SHIFT | index << HANDLE_INDEX_SHIFT;
    entry->endpoint = callable;
    entry->badge = badge;
    entry->object = object;
    entry->rights = rights;
    return entry->value;
}

struct handle_entry *handle_find(const struct handle_table *table, handle_t handle)
{
    uint32_t index = (handle & HANDLE_MASK) >> HANDLE_INDEX_SHIFT;
    struct handle_entry *entry = &table->entries[index];
    return entry->value == handle && handle != HANDLE_FREE ? entry : NULL;
}

struct object *handle_remove(struct handle_table *table, struct handle_entry *entry)
{
    uint32_t index = (uint32_t)(entry - table->entries);
    struct object *object = entry->object;
    assert(object);
    table->used--;
    make_free(table, index, (entry->generation + 1) & HANDLE_GENERATION_MAX);
    return object;
}
