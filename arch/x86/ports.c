/* I/O port permissions by mapping: the bitmap behind the TSS is part of each address space. Everyone shares a page of
 * ones; a process that was granted ports has pages of its own, and the call path never thinks of them. Idea: NOVA. */
#include "ports.h"

#include "frames.h"
#include "x86.h"

#define PRESENT_WRITABLE 3ull
#define BITMAP_BYTES (PORT_BITMAP_PAGES * PAGE_SIZE)
_Static_assert(ARCH_PORT_PAGES == 1 + PORT_BITMAP_PAGES, "what is charged is what is taken: the table and the bitmap");

static uint8_t tss_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static uint8_t all_denied[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static uint64_t shared_table[512] __attribute__((aligned(PAGE_SIZE)));

struct tss *const main_tss = (struct tss *)(tss_page + PAGE_SIZE - sizeof(struct tss));
_Static_assert(sizeof(struct tss) == 104, "the size that the CPU expects");

static uint64_t page_entry(const void *page)
{
    return ((uint32_t)page - KERNEL_BASE) | PRESENT_WRITABLE;
}

/* Pages: TSS, two of bitmap, one whose first byte ends the bitmap. */
static void fill_table(uint64_t *table, const uint8_t *bitmap, uint32_t stride)
{
    table[0] = page_entry(tss_page);
    for (uint32_t i = 0; i < PORT_BITMAP_PAGES; i++)
        table[1 + i] = page_entry(bitmap + i * stride);
    table[1 + PORT_BITMAP_PAGES] = page_entry(all_denied);
}

uint32_t ports_shared_table(void)
{
    if (!shared_table[0]) {
        __builtin_memset(all_denied, 0xFF, sizeof(all_denied));
        fill_table(shared_table, all_denied, 0);
    }
    return (uint32_t)shared_table - KERNEL_BASE;
}

/* Kernel address of the private table: the frame in front of the bitmap's. */
static uint64_t *private_table(const struct address_space *space)
{
    return (uint64_t *)(space->port_bitmap - PAGE_SIZE);
}

static bool make_private(struct address_space *space)
{
    frame_t first = frame_allocate_low(&frames, 1 + PORT_BITMAP_PAGES);
    if (first == FRAME_NONE)
        return false;
    uint64_t *table = arch_lowmem(first);
    __builtin_memset(table, 0, PAGE_SIZE);
    space->port_bitmap = (uint8_t *)table + PAGE_SIZE;
    __builtin_memset(space->port_bitmap, 0xFF, BITMAP_BYTES);
    fill_table(table, space->port_bitmap, PAGE_SIZE);
    paging_set_directory(space, USER_TOP, (uint32_t)table - KERNEL_BASE);
    return true;
}

bool arch_ports_allow(struct address_space *space, uint32_t first, uint32_t count)
{
    if (!space->port_bitmap && !make_private(space))
        return false;
    for (uint32_t port = first; port < first + count; port++)
        space->port_bitmap[port / 8] &= (uint8_t)~(1u << port % 8);
    return true;
}

void ports_release(struct address_space *space)
{
    if (space->port_bitmap)
        frame_free(&frames, arch_lowmem_frame(private_table(space)), 1 + PORT_BITMAP_PAGES);
    space->port_bitmap = NULL;
}
