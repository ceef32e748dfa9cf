/* Page tables against mappings, entry by entry: nothing more than what was mapped, nothing both writable and executable,
 * no kernel page open to users. */
#include "audit.h"

#include "arch.h"
#include "arrays.h"
#include "frames.h"
#include "memory.h"
#include "process.h"
#include "thread.h"
#include "x86.h"

#define ENTRIES 512u
#define PRESENT 0x001ull
#define WRITABLE 0x002ull
#define USER 0x004ull
#define LARGE 0x080ull
#define NO_EXECUTE (1ull << 63)
#define ADDRESS 0x000FFFFFFFFFF000ull
#define USER_DIRECTORIES 3u

typedef uint64_t entry_t;

static const entry_t *table_of(entry_t entry)
{
    return arch_lowmem((frame_t)((entry & ADDRESS) >> PAGE_SHIFT));
}

static bool is_open(entry_t entry)
{
    return (entry & (PRESENT | USER)) == (PRESENT | USER);
}

static bool frame_is_free(frame_t frame)
{
    return frame < frames.end && (frames.levels[0][frame / 32] >> frame % 32 & 1);
}

/* ---- user space ---- */

static entry_t entry_at(const struct process *process, uint32_t address)
{
    const entry_t *directory = table_of(process->space.tables[address >> 30]);
    entry_t table = directory[address >> 21 & (ENTRIES - 1)];
    return is_open(table) ? table_of(table)[address >> PAGE_SHIFT & (ENTRIES - 1)] : 0;
}

static void check_page(const struct mapping *mapping, uint32_t page)
{
    uint32_t address = mapping->address + page * PAGE_SIZE;
    entry_t entry = entry_at(mapping->process, address);
    frame_t frame = memory_frame(mapping->memory, mapping->first + page);
    bool executes = (cpu_features & CPU_FEATURE_NX) ? !(entry & NO_EXECUTE) : (mapping->protection & PROTECT_EXECUTE) != 0;
    check(is_open(entry) && (entry & ADDRESS) >> PAGE_SHIFT == frame, "process %u: 0x%08x is not mapped as it should be",
          mapping->process->supervisor_badge, address);
    check(!(entry & WRITABLE) == !(mapping->protection & PROTECT_WRITE) && executes == !!(mapping->protection & PROTECT_EXECUTE),
          "process %u: 0x%08x has another protection", mapping->process->supervisor_badge, address);
    check(!((entry & WRITABLE) && executes), "process %u: 0x%08x is writable and executable", mapping->process->supervisor_badge,
          address);
    check(mapping->memory->kind == MEMORY_BORROWED || !frame_is_free(frame), "process %u: frame %u is mapped and free",
          mapping->process->supervisor_badge, frame);
}

static uint32_t check_mappings(const struct process *process)
{
    uint32_t pages = 0, last = 0;
    LIST_FOREACH(link, &process->mappings) {
        const struct mapping *mapping = LIST_ENTRY(link, struct mapping, in_process);
        check(mapping->address >= last, "process %u: mappings overlap at 0x%08x", process->supervisor_badge, mapping->address);
        last = mapping->address + mapping->pages * PAGE_SIZE;
        pages += mapping->pages;
        for (uint32_t i = 0; i < mapping->pages; i++)
            check_page(mapping, i);
    }
    return pages;
}

static uint32_t count_open(const entry_t *table)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < ENTRIES; i++)
        open += is_open(table[i]);
    return open;
}

/* Counts what users can reach, and the tables that it takes. */
static uint32_t count_pages(const struct process *process, uint32_t *tables)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < USER_DIRECTORIES; i++) {
        const entry_t *directory = table_of(process->space.tables[i]);
        *tables += directory != (const entry_t *)zero_page;
        for (uint32_t j = 0; j < ENTRIES; j++)
            if (is_open(directory[j])) {
                open += count_open(table_of(directory[j]));
                ++*tables;
            }
    }
    return open;
}

void audit_process_memory(struct process *process)
{
    if (!process->alive || process == this_cpu()->kernel)
        return;
    uint32_t tables = 0, mapped = check_mappings(process), open = count_pages(process, &tables);
    check(mapped == open, "process %u has %u pages mapped, and can reach %u", process->supervisor_badge, mapped, open);
    if (process->space.ports[0])
        tables += ARCH_PORT_PAGES;
    check(tables == process->table_pages, "process %u has %u page tables, and pays for %u", process->supervisor_badge, tables,
          process->table_pages);
    check(table_of(process->space.tables[USER_DIRECTORIES]) == table_of(this_cpu()->kernel->space.tables[USER_DIRECTORIES]),
          "process %u has another kernel", process->supervisor_badge);
}

/* ---- kernel space ---- */

static void check_kernel_entry(entry_t entry, uint32_t address)
{
    bool executes = (cpu_features & CPU_FEATURE_NX) && !(entry & NO_EXECUTE);
    check(!(entry & PRESENT) || !(entry & USER), "the kernel's 0x%08x is open to users", address);
    check(!(entry & PRESENT) || !((entry & WRITABLE) && executes), "the kernel's 0x%08x is writable and executable", address);
}

static void check_kernel_table(const entry_t *table, uint32_t address)
{
    for (uint32_t i = 0; i < ENTRIES; i++)
        check_kernel_entry(table[i], address + i * PAGE_SIZE);
}

void audit_kernel_memory(void)
{
    const entry_t *directory = table_of(this_cpu()->kernel->space.tables[USER_DIRECTORIES]);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint32_t address = KERNEL_BASE + (i << 21);
        check(!(directory[i] & PRESENT) || !(directory[i] & USER), "the kernel's 0x%08x is open to users", address);
        if ((directory[i] & PRESENT) && !(directory[i] & LARGE))
            check_kernel_table(table_of(directory[i]), address);
        else
            check_kernel_entry(directory[i], address);
    }
    uint32_t free = 0;
    for (uint32_t i = 0; i < (frames.end + 31) / 32; i++)
        for (uint32_t bits = frames.levels[0][i]; bits; bits &= bits - 1)
            free++;
    check(free == frames.free, "%u frames are free, and %u are counted", free, frames.free);
}
