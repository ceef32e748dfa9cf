/* Mappings of memory objects into processes. Page tables are made before anything changes, so that nothing can fail
 * half-way. They stay until the process ends, charged to it: 4 KiB for each 2 MiB in which it ever mapped something. */
#include "arch.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "slab.h"

#define PROTECT_ALL (PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE)

static struct slab mappings = SLAB_INITIAL(sizeof(struct mapping));

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

static uint32_t end_of(const struct mapping *mapping)
{
    return mapping->address + mapping->pages * PAGE_SIZE;
}

/* First mapping of the process that ends behind `address`; the list's head when there is none. */
static struct list *first_behind(struct process *process, uint32_t address)
{
    struct list *link = process->mappings.next;
    while (link != &process->mappings && end_of(LIST_ENTRY(link, struct mapping, in_process)) <= address)
        link = link->next;
    return link;
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

static void set_pages(struct mapping *mapping)
{
    for (uint32_t i = 0; i < mapping->pages; i++)
        arch_map_page(&mapping->process->space, mapping->address + i * PAGE_SIZE,
                      memory_frame(mapping->memory, mapping->first + i), mapping->protection, mapping->memory->device);
}

/* False when quota or memory is used up; tables that were made by then stay, and stay charged. */
static bool make_tables(struct process *process, uint32_t address, uint32_t pages)
{
    uint32_t missing = arch_space_missing(&process->space, address, pages);
    if (!quota_charge(&process->quota, missing * PAGE_SIZE))
        return false;
    bool made = arch_space_prepare(&process->space, address, pages);
    uint32_t left = made ? 0 : arch_space_missing(&process->space, address, pages);
    quota_refund(&process->quota, left * PAGE_SIZE);
    process->table_pages += missing - left;
    return made;
}

status_t process_map(struct process *process, struct memory *memory, uint32_t address, uint32_t protection,
                     uint32_t rights, uint32_t first, uint32_t pages, struct process *payer)
{
    status_t status = check_range(address, pages);
    if (status != OK)
        return status;
    if (!protection_is_sane(protection) || first >= memory->pages || pages > memory->pages - first)
        return E_BAD_ARGUMENT;
    struct list *position = first_behind(process, address);
    if (is_occupied(process, position, address + pages * PAGE_SIZE))
        return E_BAD_ADDRESS;
    struct mapping *mapping = new_mapping(payer);
    if (!mapping)
        return E_NO_MEMORY;
    if (!make_tables(process, address, pages)) {
        free_mapping(mapping);
        return E_NO_MEMORY;
    }
    mapping->process = process;
    mapping->memory = memory;
    mapping->address = address;
    mapping->pages = pages;
    mapping->first = first;
    mapping->protection = protection;
    mapping->rights = rights;
    object_hold(&memory->object);
    list_insert(position, &mapping->in_process);
    list_insert(&memory->mappings, &mapping->in_memory);
    set_pages(mapping);
    return OK;
}

void mapping_remove(struct mapping *mapping)
{
    for (uint32_t i = 0; i < mapping->pages; i++)
        arch_unmap_page(&mapping->process->space, mapping->address + i * PAGE_SIZE);
    list_remove(&mapping->in_process);
    list_remove(&mapping->in_memory);
    struct memory *memory = mapping->memory;
    free_mapping(mapping);
    object_release(&memory->object);
}

/* E_BAD_ADDRESS unless [address, address + pages) is made of whole mappings, with no hole. */
static status_t check_whole(struct process *process, uint32_t address, uint32_t pages)
{
    status_t status = check_range(address, pages);
    if (status != OK)
        return status;
    uint32_t end = address + pages * PAGE_SIZE;
    for (struct list *link = first_behind(process, address); address != end; link = link->next) {
        const struct mapping *mapping = LIST_ENTRY(link, struct mapping, in_process);
        if (link == &process->mappings || mapping->address != address || end_of(mapping) > end)
            return E_BAD_ADDRESS;
        address = end_of(mapping);
    }
    return OK;
}

status_t process_unmap(struct process *process, uint32_t address, uint32_t pages)
{
    status_t status = check_whole(process, address, pages);
    if (status != OK)
        return status;
    for (struct list *link = first_behind(process, address), *next; is_occupied(process, link, address + pages * PAGE_SIZE);
         link = next) {
        next = link->next;
        mapping_remove(LIST_ENTRY(link, struct mapping, in_process));
    }
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
    for (struct list *link = first; is_occupied(process, link, end); link = link->next) {
        struct mapping *mapping = LIST_ENTRY(link, struct mapping, in_process);
        mapping->protection = protection;
        set_pages(mapping);
    }
    return OK;
}

void process_unmap_all(struct process *process)
{
    while (!list_empty(&process->mappings))
        mapping_remove(LIST_ENTRY(process->mappings.next, struct mapping, in_process));
}
