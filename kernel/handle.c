/* The handle table: a chain of free entries, oldest first, and generations against stale handles. */
#include "handle.h"

#include <stddef.h>

#include "endpoint.h"
#include "log.h"

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

static void make_range_free(struct handle_table *table, uint32_t from, uint32_t to)
{
    for (uint32_t index = from; index < to; index++)
        make_free(table, index, 0);
}

void handle_table_init(struct handle_table *table, struct handle_entry *entries, uint32_t count)
{
    *table = (struct handle_table){ .entries = entries, .count = count };
    entries[0] = (struct handle_entry){ .value = HANDLE_FREE, .endpoint = &null_endpoint };
    make_range_free(table, 1, count);
}

void handle_table_grow(struct handle_table *table, struct handle_entry *entries, uint32_t count)
{
    uint32_t old = table->count;
    for (uint32_t i = 0; i < old; i++)
        entries[i] = table->entries[i];
    table->entries = entries;
    table->count = count;
    make_range_free(table, old, count);
}

handle_t handle_insert(struct handle_table *table, struct object *object, uint32_t rights, uint32_t badge,
                       struct endpoint *callable)
{
    uint32_t index = table->first_free;
    if (index == 0)
        return HANDLE_NONE;
    struct handle_entry *entry = &table->entries[index];
    table->first_free = entry->next_free;
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
    uint32_t index = (handle & handle_mask(table)) >> HANDLE_INDEX_SHIFT;
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
