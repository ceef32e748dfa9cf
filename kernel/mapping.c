/* Mappings of memory objects into processes. Page tables are made before anything changes, one in each kernel entry, so that
 * nothing can fail half-way. They stay until the process ends, charged to it: 4 KiB for each 2 MiB, and for each GiB, in which
 * it ever mapped something. */
#include "arch.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "slab.h"

#define PROTECT_ALL (PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE)
#define PAGES_AT_ONCE 32u       /* whose entries are written with interrupts off */

static struct slab mappings = SLAB_PACKED(sizeof(struct mapping));

/* x86 cannot withhold reading from a page that may be written or executed, so the right to read is asked for always. */
static bool protection_is_sane(uint32_t protection)
{
    bool both = (protection & PROTECT_WRITE) && (protection & PROTECT_EXECUTE);
    return (protection & PROTECT_READ) && !(protection & ~PROTECT_ALL) && !both;
}

static status_t check_range(uint32_t address, uint32_t pages)
{
    if (address % PAGE_SIZE || address < USER_BOTTOM || address >= USER_TOP)
        return E_BAD_ADDRESS;
    if (pages == 0)
        return E_BAD_ARGUMENT;
    return pages <= (USER_TOP - address) / PAGE_SIZE ? OK : E_BAD_ADDRESS;
}

/* First mapping that ends behind `address`, in the list; the list's head when there is none. */
static struct list *first_behind(struct process *process, uint32_t address)
{
    struct mapping *mapping = mapping_behind(process, address);
    return mapping ? &mapping->in_process : &process->mappings;
}

static bool is_occupied(struct process *process, struct list *link, uint32_t end)
{
    return link != &process->mappings && LIST_ENTRY(link, struct mapping, in_process)->address < end;
}

static struct mapping *new_mapping(struct process *payer)
{
    if (!quota_charge(&payer->quota, mappings.size))
        return NULL;
    struct mapping *mapping = slab_allocate(&mappings);
    if (!mapping) {
        quota_refund(&payer->quota, mappings.size);
        return NULL;
    }
    mapping->payer = payer;
    object_hold(&payer->object);
    return mapping;
}

static void free_mapping(struct mapping *mapping)
{
    struct process *payer = mapping->payer;
    slab_free(&mappings, mapping);
    quota_refund(&payer->quota, mappings.size);
    object_release(&payer->object);
}

/* ---- page table entries, a piece at a time ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A piece lies in one page table. */
static void settle(struct mapping *mapping)
{
    uint32_t done = mapping->settled, address = mapping->address + done * PAGE_SIZE;
    uint32_t of_table = ARCH_TABLE_PAGES - address / PAGE_SIZE % ARCH_TABLE_PAGES, page = mapping->first + done;
    uint32_t count = least(least(mapping->pages - done, PAGES_AT_ONCE), of_table);
    if (mapping->protection) {
        const frame_t *list;
        count = memory_frames(mapping->memory, page, count, &list);
        arch_map_pages(&mapping->process->space, address, count, list, memory_frame(mapping->memory, page), mapping->protection,
                       mapping->memory->device);
    } else {
        arch_unmap_pages(&mapping->process->space, address, count);
    }
    mapping->settled = (done + count) & (2 * MAP_PAGES_MAX - 1);
}

static void forget(struct mapping *mapping)
{
    struct memory *memory = mapping->memory;
    list_remove(&mapping->in_process);
    list_remove(&mapping->in_memory);
    mapping_take_out(mapping->process, mapping);
    free_mapping(mapping);
    object_release(&memory->object);
}

static void settle_step(struct work *work)
{
    struct mapping *mapping = LIST_ENTRY(work, struct mapping, work);
    settle(mapping);
    if (mapping->settled < mapping->pages) {
        work_add(work, settle_step);
        return;
    }
    if (work->step)
        work_done(work);
    if (!mapping->protection)
        forget(mapping);
}

void mapping_remove(struct mapping *mapping)
{
    if (mapping->protection)
        mapping->settled = 0;
    mapping->protection = 0;
    settle_step(&mapping->work);
}

/* What is to become of one of several mappings, none of which is settled at once. */
static void change(struct mapping *mapping, uint32_t protection)
{
    mapping->protection = protection & PROTECT_ALL;
    mapping->settled = 0;
    work_add(&mapping->work, settle_step);
}

/* ---- calls ---- */

/* Makes one of the tables that are missing. */
static status_t make_table(struct process *process, uint32_t missing)
{
    if (!quota_charge(&process->quota, PAGE_SIZE))
        return E_NO_MEMORY;
    if (!arch_space_extend(&process->space, missing)) {
        quota_refund(&process->quota, PAGE_SIZE);
        return E_NO_MEMORY;
    }
    process->table_pages++;
    return CALL_AGAIN;
}

status_t process_map(struct process *process, struct memory *memory, uint32_t address, uint32_t protection,
                     uint32_t rights, uint32_t first, uint32_t pages, struct process *payer)
{
    status_t status = check_range(address, pages);
    if (status != OK)
        return status;
    if (!protection_is_sane(protection) || pages > MAP_PAGES_MAX || first >= memory->pages || pages > memory->pages - first)
        return E_BAD_ARGUMENT;
    struct list *position = first_behind(process, address);
    if (is_occupied(process, position, address + pages * PAGE_SIZE))
        return E_BAD_ADDRESS;
    uint32_t missing = arch_space_missing(&process->space, address, pages);
    if (missing)
        return make_table(process, missing);
    struct mapping *mapping = new_mapping(payer);
    if (!mapping)
        return E_NO_MEMORY;
    mapping->process = process;
    mapping->memory = memory;
    mapping->address = address;
    mapping->pages = pages;
    mapping->first = first;
    mapping->protection = protection & PROTECT_ALL;
    mapping->rights = rights & PROTECT_ALL;
    object_hold(&memory->object);
    list_insert(position, &mapping->in_process);
    list_insert(&memory->mappings, &mapping->in_memory);
    mapping_insert(process, mapping);
    settle_step(&mapping->work);
    return OK;
}

/* E_BAD_ADDRESS unless [address, address + pages) is made of whole mappings, with no hole. */
static status_t check_whole(struct process *process, uint32_t address, uint32_t pages)
{
    status_t status = check_range(address, pages);
    if (status != OK)
        return status;
    uint32_t end = address + pages * PAGE_SIZE, count = 0;
    for (struct list *link = first_behind(process, address); address != end; link = link->next) {
        const struct mapping *mapping = LIST_ENTRY(link, struct mapping, in_process);
        if (link == &process->mappings || mapping->address != address || mapping_end(mapping) > end || !mapping->protection)
            return E_BAD_ADDRESS;
        if (++count > MAPPINGS_AT_ONCE)
            return E_BAD_ARGUMENT;
        address = mapping_end(mapping);
    }
    return OK;
}

status_t process_unmap(struct process *process, uint32_t address, uint32_t pages)
{
    struct mapping *mapping = mapping_behind(process, address);
    if (mapping && mapping->address == address && mapping->pages == pages && mapping->protection) {
        mapping_remove(mapping);
        return OK;
    }
    status_t status = check_whole(process, address, pages);
    if (status != OK)
        return status;
    for (struct list *link = &mapping->in_process; is_occupied(process, link, address + pages * PAGE_SIZE); link = link->next)
        change(LIST_ENTRY(link, struct mapping, in_process), 0);
    return OK;
}

status_t process_protect(struct process *process, uint32_t address, uint32_t pages, uint32_t protection)
{
    if (!protection_is_sane(protection))
        return E_BAD_ARGUMENT;
    status_t status = check_whole(process, address, pages);
    if (status != OK)
        return status;
    uint32_t end = address + pages * PAGE_SIZE;
    struct list *first = first_behind(process, address);
    for (struct list *link = first; is_occupied(process, link, end); link = link->next)
        if (protection & ~LIST_ENTRY(link, struct mapping, in_process)->rights)
            return E_NO_RIGHT;
    for (struct list *link = first; is_occupied(process, link, end); link = link->next)
        change(LIST_ENTRY(link, struct mapping, in_process), protection);
    return OK;
}
