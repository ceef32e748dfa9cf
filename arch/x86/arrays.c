/* Arrays of the kernel that grow in place: each has 32 KiB of addresses of its own, in every address space. Where it has no page
 * yet it reads as zero, so whoever looks for something in it need not know how far it reaches. */
#include "arrays.h"

#include "io.h"
#include "x86.h"

#define WRITABLE 0x002ull
#define ADDRESS 0x000FFFFFFFFFF000ull
#define ENTRIES 512u
#define OF_TABLE (ENTRIES / ARCH_ARRAY_PAGES)
#define ARRAYS (ARRAY_TABLES * OF_TABLE)
#define ARRAY_BYTES (ARCH_ARRAY_PAGES * PAGE_SIZE)

static uint64_t tables[ARRAY_TABLES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static uint32_t used[ARRAYS / 32]; /* a bit each */

uint32_t arrays_table(uint32_t table)
{
    return (uint32_t)tables[table] - KERNEL_BASE;
}

static uint64_t *entry_of(const char *page)
{
    uint32_t number = (uint32_t)(page - (char *)ARRAYS_ADDRESS) / PAGE_SIZE;
    return &tables[number / ENTRIES][number % ENTRIES];
}

static void set(const char *page, uint64_t entry)
{
    *entry_of(page) = entry;
    page_invalidate((uint32_t)page);
}

void *arch_array_create(void)
{
    uint32_t word = 0;
    while (word < ARRAYS / 32 && used[word] == UINT32_MAX)
        word++;
    if (word == ARRAYS / 32)
        return NULL;
    uint32_t bit = (uint32_t)__builtin_ctz(~used[word]);
    used[word] |= 1u << bit;
    char *array = (char *)ARRAYS_ADDRESS + (word * 32 + bit) * ARRAY_BYTES;
    for (uint32_t i = 0; i < ARCH_ARRAY_PAGES; i++)
        set(array + i * PAGE_SIZE, paging_kernel_entry(zero_page, false));
    return array;
}

bool arch_array_extend(void *array, uint32_t page)
{
    void *memory = kernel_frame_allocate();
    if (memory)
        set((char *)array + page * PAGE_SIZE, paging_kernel_entry(memory, true));
    return memory != NULL;
}

void arch_array_destroy(void *array)
{
    uint32_t number = (uint32_t)((char *)array - (char *)ARRAYS_ADDRESS) / ARRAY_BYTES;
    for (char *page = array; page < (char *)array + ARRAY_BYTES; page += PAGE_SIZE) {
        uint64_t entry = *entry_of(page);
        if (entry & WRITABLE)
            kernel_frame_free(arch_lowmem((frame_t)((entry & ADDRESS) >> PAGE_SHIFT)));
        set(page, 0);
    }
    used[number / 32] &= ~(1u << number % 32);
}
