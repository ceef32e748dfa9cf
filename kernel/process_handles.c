/* The handle table of a process as an object table: growth, charges, references, checked look-up. */
#include "arch.h"
#include "endpoint.h"
#include "frames.h"
#include "log.h"
#include "process.h"
#include "thread.h"

#define TABLE_FIRST (PAGE_SIZE / sizeof(struct handle_entry))

static uint32_t table_pages(uint32_t count)
{
    return count * sizeof(struct handle_entry) / PAGE_SIZE;
}

static struct handle_entry *table_allocate(struct process *process, uint32_t count)
{
    uint32_t pages = table_pages(count);
    if (!quota_charge(&process->quota, pages * PAGE_SIZE))
        return NULL;
    frame_t first = frame_allocate_low(&frames, pages);
    if (first == FRAME_NONE) {
        quota_refund(&process->quota, pages * PAGE_SIZE);
        return NULL;
    }
    return arch_lowmem(first);
}

static void table_free(struct process *process, struct handle_entry *entries, uint32_t count)
{
    uint32_t pages = table_pages(count);
    frame_free(&frames, arch_lowmem_frame(entries), pages);
    quota_refund(&process->quota, pages * PAGE_SIZE);
}

bool process_handles_create(struct process *process)
{
    struct handle_entry *entries = table_allocate(process, TABLE_FIRST);
    if (entries)
        handle_table_init(&process->handles, entries, TABLE_FIRST);
    return entries != NULL;
}

/* Closing a handle may close others in turn, but never adds one. */
void process_handles_destroy(struct process *process)
{
    for (uint32_t i = 1; i < process->handles.count; i++)
        if (process->handles.entries[i].object)
            process_handle_close(process, &process->handles.entries[i]);
    table_free(process, process->handles.entries, process->handles.count);
}

/* The threads hold copies for the fast path. No last_entry points into a table that was freed: all are set here when a table
 * grows, before anything else runs; and the last table goes with its process, to which each thread holds a reference. */
static void tell_threads(struct process *process)
{
    LIST_FOREACH(link, &process->threads) {
        struct thread *thread = LIST_ENTRY(link, struct thread, in_process);
        thread->handles = thread->last_entry = process->handles.entries;
        thread->handle_mask = handle_mask(&process->handles);
    }
}

static bool table_grow(struct process *process)
{
    struct handle_entry *old = process->handles.entries;
    uint32_t count = process->handles.count;
    if (count >= HANDLE_TABLE_MAX)
        return false;
    struct handle_entry *entries = table_allocate(process, 2 * count);
    if (!entries)
        return false;
    handle_table_grow(&process->handles, entries, 2 * count);
    table_free(process, old, count);
    tell_threads(process);
    return true;
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
