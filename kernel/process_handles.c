/* The handle table of a process as an object table: growth, charges, references, checked look-up. */
#include "arch.h"
#include "endpoint.h"
#include "frames.h"
#include "log.h"
#include "process.h"
#include "thread.h"

#define ENTRIES_OF_PAGE (PAGE_SIZE / sizeof(struct handle_entry))
#define HANDLES_AT_ONCE 8u /* that are closed with interrupts off */
_Static_assert(HANDLE_TABLE_MAX / ENTRIES_OF_PAGE == ARCH_ARRAY_PAGES, "an array has room for the largest table");

static bool add_page(struct process *process, struct handle_entry *entries)
{
    if (!quota_charge(&process->quota, PAGE_SIZE))
        return false;
    if (arch_array_extend(entries, process->handles.count / ENTRIES_OF_PAGE))
        return true;
    quota_refund(&process->quota, PAGE_SIZE);
    return false;
}

bool process_handles_create(struct process *process)
{
    struct handle_entry *entries = arch_array_create();
    if (!entries)
        return false;
    if (add_page(process, entries)) {
        handle_table_init(&process->handles, entries, ENTRIES_OF_PAGE);
        return true;
    }
    arch_array_destroy(entries);
    return false;
}

static void table_free(struct process *process)
{
    arch_array_destroy(process->handles.entries);
    quota_refund(&process->quota, process->handles.count / ENTRIES_OF_PAGE * PAGE_SIZE);
    process->handles.count = 0;
}

/* From the last that was ever used on: nobody adds one any more. */
bool process_handles_destroy(struct process *process)
{
    struct handle_table *handles = &process->handles;
    for (uint32_t i = 0; i < HANDLES_AT_ONCE && handles->fresh > 1; i++) {
        struct handle_entry *entry = &handles->entries[--handles->fresh];
        if (entry->object)
            process_handle_close(process, entry);
    }
    if (handles->fresh > 1)
        return false;
    if (handles->count)
        table_free(process);
    return true;
}

static bool table_grow(struct process *process)
{
    bool grown = process->handles.count < HANDLE_TABLE_MAX && add_page(process, process->handles.entries);
    if (grown)
        process->handles.count += ENTRIES_OF_PAGE;
    return grown;
}

/* Who may be reached on the fast path through this handle. A capped endpoint counts its requests in C. */
static struct endpoint *callable(struct object *object, uint32_t rights)
{
    if (object->type != TYPE_ENDPOINT || !(rights & RIGHT_CALL) || endpoint_of(object)->cap)
        return &null_endpoint;
    return endpoint_of(object);
}

static bool serves(const struct object *object, uint32_t rights)
{
    return object->type == TYPE_ENDPOINT && (rights & RIGHT_SERVE);
}

handle_t process_handle_add(struct process *process, struct object *object, uint32_t rights, uint32_t badge)
{
    if (!process->alive)
        return HANDLE_NONE;
    struct endpoint *endpoint = callable(object, rights);
    handle_t handle = handle_insert(&process->handles, object, rights, badge, endpoint);
    if (handle == HANDLE_NONE && table_grow(process))
        handle = handle_insert(&process->handles, object, rights, badge, endpoint);
    if (handle == HANDLE_NONE)
        return HANDLE_NONE;
    object_hold(object);
    if (serves(object, rights))
        endpoint_count_server(endpoint_of(object), 1);
    return handle;
}

void process_handle_close(struct process *process, struct handle_entry *entry)
{
    bool served = serves(entry->object, entry->rights);
    struct object *object = handle_remove(&process->handles, entry);
    if (served)
        endpoint_count_server(endpoint_of(object), -1);
    object_release(object);
}

struct handle_entry *process_handle_find(struct process *process, handle_t handle, enum object_type type,
                                         uint32_t rights, status_t *status)
{
    struct handle_entry *entry = handle_find(&process->handles, handle);
    if (!entry)
        *status = E_BAD_HANDLE;
    else if (type != TYPE_NONE && entry->object->type != type)
        *status = E_BAD_TYPE;
    else if ((entry->rights & rights) != rights)
        *status = E_NO_RIGHT;
    else
        return entry;
    return NULL;
}
