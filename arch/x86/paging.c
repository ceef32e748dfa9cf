/* Page tables in PAE format: the kernel's own, and those of the processes.
 *
 * The top GiB is the kernel's and shared by all: lowmem by 2 MiB global pages, the kernel image by 4 KiB pages with text
 * read-only and data no-execute, guard pages unmapped. The last 2 MiB below it hold the task state segment and behind it
 * the port bitmap, so that a CR3 switch switches the ports as well (see ports.c; idea: NOVA). */
#include "arch.h"
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
#define TABLE_ALIGNED __attribute__((aligned(PAGE_SIZE)))

uint32_t kernel_root;

static entry_t kernel_directory[ENTRIES] TABLE_ALIGNED; /* top GiB, in every space */
static entry_t idle_directory[ENTRIES] TABLE_ALIGNED;   /* third GiB of the kernel's own space: only the TSS */
static entry_t image_tables[IMAGE_TABLES][ENTRIES] TABLE_ALIGNED;
static entry_t window_table[ENTRIES] TABLE_ALIGNED;
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

bool arch_frame_is_ram(frame_t frame)
{
    for (uint32_t i = 0; i < ram_count; i++)
        if (frame >= ram[i].first && frame < ram[i].end)
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

/* The three directories are there from the start: a pointer that changes would need a CR3 reload to be seen. */
bool arch_space_create(struct address_space *space)
{
    entry_t *pointers = slab_allocate(&pointer_slots);
    if (!pointers)
        return false;
    *space = (struct address_space){ .root = physical_of(pointers), .tables = pointers };
    pointers[3] = physical_of(kernel_directory) | PRESENT;
    for (uint32_t i = 0; i < 3; i++) {
        entry_t *directory = kernel_frame_allocate();
        if (!directory) {
            arch_space_destroy(space);
            return false;
        }
        pointers[i] = physical_of(directory) | PRESENT;
    }
    table_at(pointers[2])[ENTRIES - 1] = ports_shared_table() | PRESENT | WRITABLE;
    return true;
}

static void free_tables(entry_t *directory, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (directory[i] & PRESENT)
            kernel_frame_free(table_at(directory[i]));
}

void arch_space_destroy(struct address_space *space)
{
    ports_release(space);
    for (uint32_t i = 0; i < 3; i++) {
        entry_t *directory = table_at(space->tables[i]);
        if (!directory)
            continue;
        free_tables(directory, i == 2 ? ENTRIES - 1 : ENTRIES);
        kernel_frame_free(directory);
    }
    slab_free(&pointer_slots, space->tables);
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

void paging_set_directory(struct address_space *space, uint32_t address, uint32_t table)
{
    *directory_entry(space, address) = table | PRESENT | WRITABLE;
    if (cr3_read() == space->root)
        cr3_write(space->root);
}

uint32_t arch_space_missing(struct address_space *space, uint32_t address, uint32_t pages)
{
    uint32_t missing = 0, last = address + (pages - 1) * PAGE_SIZE;
    for (uint32_t slot = address >> 21; slot <= last >> 21; slot++)
        missing += !(*directory_entry(space, slot << 21) & PRESENT);
    return missing;
}

bool arch_space_prepare(struct address_space *space, uint32_t address, uint32_t pages)
{
    uint32_t last = address + (pages - 1) * PAGE_SIZE;
    for (uint32_t slot = address >> 21; slot <= last >> 21; slot++) {
        entry_t *entry = directory_entry(space, slot << 21);
        if (*entry & PRESENT)
            continue;
        entry_t *table = kernel_frame_allocate();
        if (!table)
            return false;
        *entry = physical_of(table) | PRESENT | WRITABLE | USER;
    }
    return true;
}

static void flush(const struct address_space *space, uint32_t address)
{
    if (cr3_read() == space->root)
        page_invalidate(address);
}

void arch_map_page(struct address_space *space, uint32_t address, frame_t frame, uint32_t protection, bool device)
{
    assert(!((protection & PROTECT_WRITE) && (protection & PROTECT_EXECUTE)));
    *page_entry(space, address) = (entry_t)frame << PAGE_SHIFT | PRESENT | USER |
                                  (protection & PROTECT_WRITE ? WRITABLE : 0) |
                                  (protection & PROTECT_EXECUTE ? 0 : no_execute) | (device ? UNCACHED : 0);
    flush(space, address);
}

void arch_unmap_page(struct address_space *space, uint32_t address)
{
    *page_entry(space, address) = 0;
    flush(space, address);
}

bool arch_translate(struct address_space *space, uint32_t address, frame_t *frame)
{
    entry_t *entry = address < USER_TOP ? page_entry(space, address) : NULL;
    if (!entry || !(*entry & PRESENT))
        return false;
    *frame = (frame_t)((*entry & ADDRESS) >> PAGE_SHIFT);
    return true;
}
