/* I/O port permissions by mapping: the bitmap behind the TSS is part of each address space. Everyone shares a page of
 * ones; a process that was granted ports has pages of its own, and the call path never thinks of them. Idea: NOVA. */
#include "ports.h"

#include "x86.h"

#define PRESENT_WRITABLE 3ull
#define PORTS_OF_PAGE (8 * PAGE_SIZE)
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
static void fill_table(uint64_t *table, void *const bitmap[PORT_BITMAP_PAGES])
{
    table[0] = page_entry(tss_page);
    for (uint32_t i = 0; i < PORT_BITMAP_PAGES; i++)
        table[1 + i] = page_entry(bitmap[i]);
    table[1 + PORT_BITMAP_PAGES] = page_entry(all_denied);
}

uint32_t ports_shared_table(void)
{
    if (!shared_table[0]) {
        __builtin_memset(all_denied, 0xFF, sizeof(all_denied));
        fill_table(shared_table, (void *[]){ all_denied, all_denied });
    }
    return (uint32_t)shared_table - KERNEL_BASE;
}

bool arch_ports_create(struct address_space *space)
{
    for (uint32_t i = 0; i < ARCH_PORT_PAGES; i++) {
        if (!(space->ports[i] = kernel_frame_take())) {
            ports_release(space);
            return false;
        }
        __builtin_memset(space->ports[i], i == 0 ? 0 : 0xFF, PAGE_SIZE);
    }
    fill_table(space->ports[0], &space->ports[1]);
    paging_set_directory(space, USER_TOP, (uint32_t)space->ports[0] - KERNEL_BASE);
    return true;
}

/* The ports of [first, end), all on one page of the bitmap. */
static void allow(uint8_t *page, uint32_t first, uint32_t end)
{
    for (; first < end && first % 8; first++)
        page[first / 8] &= (uint8_t)~(1u << first % 8);
    if (first < end)
        __builtin_memset(page + first / 8, 0, (end - first) / 8);
    for (first += (end - first) & ~7u; first < end; first++)
        page[first / 8] &= (uint8_t)~(1u << first % 8);
}

void arch_ports_allow(struct address_space *space, uint32_t first, uint32_t count)
{
    for (uint32_t page = 0, end = first + count; page < PORT_BITMAP_PAGES; page++) {
        uint32_t begins = page * PORTS_OF_PAGE, from = first > begins ? first : begins;
        uint32_t to = end < begins + PORTS_OF_PAGE ? end : begins + PORTS_OF_PAGE;
        if (from < to)
            allow(space->ports[1 + page], from - begins, to - begins);
    }
}

void ports_release(struct address_space *space)
{
    for (uint32_t i = 0; i < ARCH_PORT_PAGES; i++) {
        if (space->ports[i])
            kernel_frame_free(space->ports[i]);
        space->ports[i] = NULL;
    }
}
