/* Page tables in PAE format: the kernel's own, and those of the processes.
 *
 * The top GiB is the kernel's and shared by all: lowmem by 2 MiB global pages, the kernel image by 4 KiB pages with text
 * read-only and data no-execute, guard pages unmapped. The last 2 MiB below it hold the task state segment and behind it
 * the port bitmap, so that a CR3 switch switches the ports as well (see ports.c; idea: NOVA). */
#include "arch.h"
#include "arrays.h"
#include "frames.h"
#include "io.h"
#include "log.h"
#include "ports.h"
#include "slab.h"
#include "x86.h"

typedef uint64_t entry_t;

#define ENTRIES 512
#define PRESENT 0x001ull
#define WRITABLE 0x002ull
#define USER 0x004ull
#define UNCACHED 0x018ull
#define LARGE 0x080ull
#define GLOBAL 0x100ull
#define NO_EXECUTE (1ull << 63)
#define ADDRESS 0x000FFFFFFFFFF000ull
#define IMAGE_TABLES 4              /* 8 MiB for the kernel image */
#define WINDOW_SLOT 510             /* 2 MiB for the high-memory window and the local APIC */
#define WINDOW_ADDRESS (KERNEL_BASE + WINDOW_SLOT * 0x200000u)
#define APIC_ADDRESS (WINDOW_ADDRESS + PAGE_SIZE)
#define SLOTS_AT_ONCE 32u          /* of directories, freed with interrupts off */
#define TABLE_ALIGNED __attribute__((aligned(PAGE_SIZE)))

uint32_t kernel_root;

static entry_t kernel_directory[ENTRIES] TABLE_ALIGNED; /* top GiB, in every space */
static entry_t idle_directory[ENTRIES] TABLE_ALIGNED;   /* third GiB of the kernel's own space: only the TSS */
static entry_t image_tables[IMAGE_TABLES][ENTRIES] TABLE_ALIGNED;
static entry_t window_table[ENTRIES] TABLE_ALIGNED;
const uint8_t zero_page[PAGE_SIZE] TABLE_ALIGNED = { 0 }; /* as a directory: for all that have nothing in that GiB */
static entry_t kernel_pointers[4] __attribute__((aligned(32)));
static struct slab pointer_slots = SLAB_INITIAL(4 * sizeof(entry_t));

static uint32_t lowmem_end;
static entry_t no_execute, global;
static struct boot_region ram[BOOT_REGIONS];
static uint32_t ram_count;

extern const char kernel_text_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

/* ---- physical memory ---- */

static uint32_t physical_of(const void *address)
{
    return (uint32_t)address - KERNEL_BASE;
}

void *arch_lowmem(frame_t frame)
{
    return frame < lowmem_end ? (void *)((frame << PAGE_SHIFT) + KERNEL_BASE) : NULL;
}

frame_t arch_lowmem_frame(const void *address)
{
    return physical_of(address) >> PAGE_SHIFT;
}

bool arch_frames_are_ram(frame_t first, uint32_t count)
{
    for (uint32_t i = 0; i < ram_count; i++)
        if (first < ram[i].end && ram[i].first < first + count)
            return true;
    return false;
}

/* A kernel address for any frame, good until the next call. */
static uint8_t *reach(frame_t frame)
{
    uint8_t *low = arch_lowmem(frame);
    if (low)
        return low;
    window_table[0] = (entry_t)frame << PAGE_SHIFT | PRESENT | WRITABLE | no_execute;
    page_invalidate(WINDOW_ADDRESS);
    return (uint8_t *)WINDOW_ADDRESS;
}

void arch_page_clear(frame_t frame)
{
    void *page = reach(frame);
    uint32_t words = PAGE_SIZE / 4;
    __asm__ volatile("rep stosl" : "+D"(page), "+c"(words) : "a"(0) : "memory");
}

void arch_page_copy_in(frame_t to, uint32_t offset, const void *kernel_source, uint32_t bytes)
{
    __builtin_memcpy(reach(to) + offset, kernel_source, bytes);
}

uint32_t arch_frame_read_word(frame_t frame, uint32_t offset)
{
    return *(const uint32_t *)(reach(frame) + offset);
}

/* ---- the kernel's tables ---- */

static entry_t image_protection(uint32_t address)
{
    if (address >= (uint32_t)kernel_text_start && address < (uint32_t)kernel_text_end)
        return 0;
    if (address >= (uint32_t)kernel_text_end && address < (uint32_t)kernel_rodata_end)
        return no_execute;
    return WRITABLE | no_execute;
}

static void map_image(void)
{
    for (uint32_t frame = 0; frame < IMAGE_TABLES * ENTRIES; frame++) {
        uint32_t address = KERNEL_BASE + (frame << PAGE_SHIFT);
        image_tables[frame / ENTRIES][frame % ENTRIES] =
            (entry_t)frame << PAGE_SHIFT | PRESENT | global | image_protection(address);
    }
    for (uint32_t i = 0; i < IMAGE_TABLES; i++)
        kernel_directory[i] = physical_of(image_tables[i]) | PRESENT | WRITABLE;
}

static void map_lowmem(void)
{
    for (uint32_t i = IMAGE_TABLES; i << 9 < lowmem_end; i++)
        kernel_directory[i] = (entry_t)i << 21 | PRESENT | WRITABLE | LARGE | global | no_execute;
}

uint64_t paging_kernel_entry(const void *page, bool writable)
{
    return physical_of(page) | PRESENT | (writable ? WRITABLE : 0) | global | no_execute;
}

void paging_guard(const void *page)
{
    uint32_t frame = arch_lowmem_frame(page);
    image_tables[frame / ENTRIES][frame % ENTRIES] = 0;
    page_invalidate((uint32_t)page);
}

volatile uint32_t *paging_map_apic(uint32_t physical)
{
    window_table[1] = physical | PRESENT | WRITABLE | UNCACHED | no_execute;
    page_invalidate(APIC_ADDRESS);
    return (volatile uint32_t *)APIC_ADDRESS;
}

void paging_start(const struct boot_data *boot)
{
    lowmem_end = boot->lowmem_end;
    ram_count = boot->region_count;
    for (uint32_t i = 0; i < ram_count; i++)
        ram[i] = boot->regions[i];
    no_execute = cpu_features & CPU_FEATURE_NX ? NO_EXECUTE : 0;
    global = cpu_features & CPU_FEATURE_PGE ? GLOBAL : 0;
    assert((uint32_t)kernel_end - KERNEL_BASE <= IMAGE_TABLES * ENTRIES * PAGE_SIZE);
    map_image();
    map_lowmem();
    kernel_directory[WINDOW_SLOT] = physical_of(window_table) | PRESENT | WRITABLE;
    for (uint32_t i = 0; i < ARRAY_TABLES; i++)
        kernel_directory[ARRAYS_SLOT + i] = arrays_table(i) | PRESENT | WRITABLE;
    idle_directory[ENTRIES - 1] = ports_shared_table() | PRESENT | WRITABLE;
    kernel_pointers[2] = physical_of(idle_directory) | PRESENT;
    kernel_pointers[3] = physical_of(kernel_directory) | PRESENT;
    kernel_root = physical_of(kernel_pointers);
    cr3_write(kernel_root);
    cr4_write(cr4_read() & ~(1u << 7)); /* PGE off and on: drops what the early tables left in the TLB */
    cr4_write(cr4_read() | (global ? 1u << 7 : 0));
    paging_guard(cpu_area.guard);
}

/* ---- the tables of a process ---- */

void arch_kernel_space(struct address_space *space)
{
    *space = (struct address_space){ .root = kernel_root, .tables = kernel_pointers };
}

static entry_t *table_at(entry_t entry)
{
    return entry & PRESENT ? arch_lowmem((frame_t)((entry & ADDRESS) >> PAGE_SHIFT)) : NULL;
}

/* The third directory holds the TSS; the others begin as the empty one. */
bool arch_space_create(struct address_space *space)
{
    entry_t *pointers = slab_allocate(&pointer_slots);
    if (!pointers)
        return false;
    entry_t *directory = kernel_frame_allocate();
    if (!directory) {
        slab_free(&pointer_slots, pointers);
        return false;
    }
    *space = (struct address_space){ .root = physical_of(pointers), .tables = pointers };
    pointers[0] = pointers[1] = physical_of(zero_page) | PRESENT;
    pointers[2] = physical_of(directory) | PRESENT;
    pointers[3] = physical_of(kernel_directory) | PRESENT;
    directory[ENTRIES - 1] = ports_shared_table() | PRESENT | WRITABLE;
    return true;
}

static bool is_empty(entry_t pointer)
{
    return table_at(pointer) == (const void *)zero_page;
}

static void free_table(entry_t *entry)
{
    if (*entry & PRESENT)
        kernel_frame_free(table_at(*entry));
    *entry = 0;
}

/* A piece of one directory, and after the last the directory itself. */
static void free_directory(entry_t *pointer, uint32_t from, uint32_t to)
{
    if (is_empty(*pointer))
        return;
    for (uint32_t i = from; i < to; i++)
        free_table(&table_at(*pointer)[i]);
    if (to == ENTRIES)
        free_table(pointer);
}

/* The last entry is not freed: it leads to what ports.c has. */
bool arch_space_destroy(struct address_space *space)
{
    uint32_t from = space->freed % ENTRIES, to = from + SLOTS_AT_ONCE;
    entry_t *pointer = &space->tables[space->freed / ENTRIES];
    space->freed += SLOTS_AT_ONCE;
    if (space->freed == 3 * ENTRIES)
        table_at(*pointer)[ENTRIES - 1] = 0;
    free_directory(pointer, from, to);
    if (space->freed < 3 * ENTRIES)
        return false;
    ports_release(space);
    slab_free(&pointer_slots, space->tables);
    return true;
}

static entry_t *directory_entry(struct address_space *space, uint32_t address)
{
    return &table_at(space->tables[address >> 30])[address >> 21 & (ENTRIES - 1)];
}

static entry_t *page_entry(struct address_space *space, uint32_t address)
{
    entry_t *table = table_at(*directory_entry(space, address));
    return table ? &table[address >> PAGE_SHIFT & (ENTRIES - 1)] : NULL;
}

/* A loaded space has its pointers, and may have any entry, in the CPU. */
static void reload(const struct address_space *space)
{
    if (cr3_read() == space->root)
        cr3_write(space->root);
}

void paging_set_directory(struct address_space *space, uint32_t address, uint32_t table)
{
    *directory_entry(space, address) = table | PRESENT | WRITABLE;
    reload(space);
}

uint32_t arch_space_missing(struct address_space *space, uint32_t address, uint32_t pages)
{
    uint32_t last = (address + (pages - 1) * PAGE_SIZE) >> 21;
    for (uint32_t slot = address >> 21; slot <= last; slot++)
        if (!(*directory_entry(space, slot << 21) & PRESENT))
            return slot << 21 | PAGE_SIZE;
    return 0;
}

bool arch_space_extend(struct address_space *space, uint32_t address)
{
    entry_t *pointer = &space->tables[address >> 30];
    entry_t *table = kernel_frame_allocate();
    if (!table)
        return false;
    if (is_empty(*pointer)) {
        *pointer = physical_of(table) | PRESENT;
        reload(space);
    } else {
        *directory_entry(space, address) = physical_of(table) | PRESENT | WRITABLE | USER;
    }
    return true;
}

static void set_entry(entry_t *entry, uint32_t address, entry_t value, bool loaded)
{
    *entry = value;
    if (loaded)
        page_invalidate(address);
}

void arch_map_pages(struct address_space *space, uint32_t address, uint32_t count, const frame_t *list, frame_t first,
                    uint32_t protection, bool device)
{
    assert(!((protection & PROTECT_WRITE) && (protection & PROTECT_EXECUTE)));
    entry_t bits = PRESENT | USER | (protection & PROTECT_WRITE ? WRITABLE : 0) | (device ? UNCACHED : 0) |
                   (protection & PROTECT_EXECUTE ? 0 : no_execute);
    entry_t *entry = page_entry(space, address);
    bool loaded = cr3_read() == space->root;
    for (uint32_t i = 0; i < count; i++)
        set_entry(entry + i, address + i * PAGE_SIZE, (entry_t)(list ? list[i] : first + i) << PAGE_SHIFT | bits, loaded);
}

void arch_unmap_pages(struct address_space *space, uint32_t address, uint32_t count)
{
    entry_t *entry = page_entry(space, address);
    bool loaded = cr3_read() == space->root;
    for (uint32_t i = 0; i < count; i++)
        set_entry(entry + i, address + i * PAGE_SIZE, 0, loaded);
}

bool arch_translate(struct address_space *space, uint32_t address, frame_t *frame)
{
    entry_t *entry = address < USER_TOP ? page_entry(space, address) : NULL;
    if (!entry || !(*entry & PRESENT))
        return false;
    *frame = (frame_t)((*entry & ADDRESS) >> PAGE_SHIFT);
    return true;
}
