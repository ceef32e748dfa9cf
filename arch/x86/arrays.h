/* Where the arrays of arrays.c lie, and what they need of paging.c. */
#ifndef ARCH_X86_ARRAYS_H
#define ARCH_X86_ARRAYS_H

#include "arch.h"

#define ARRAY_TABLES 8u         /* page tables; each maps 64 arrays */
#define ARRAYS_ADDRESS 0xFEC00000u
#define ARRAYS_SLOT (ARRAYS_ADDRESS >> 21 & 511u) /* in the kernel's directory */

/* Physical address of one of them. */
uint32_t arrays_table(uint32_t table);

/* ---- paging.c ---- */
extern const uint8_t zero_page[PAGE_SIZE];
uint64_t paging_kernel_entry(const void *page, bool writable);

#endif
