/* The task state segment and the port bitmap behind it, in the last 2 MiB below the kernel. */
#ifndef ARCH_X86_PORTS_H
#define ARCH_X86_PORTS_H

#include "arch.h"

#define TSS_ADDRESS (USER_TOP + PAGE_SIZE - 104) /* the bitmap begins on the next page */
#define PORT_BITMAP_PAGES 2
#define TSS_LIMIT (104 + PORT_BITMAP_PAGES * PAGE_SIZE) /* one byte of ones ends the bitmap */

/* Physical address of the table that spaces without ports share. */
uint32_t ports_shared_table(void);
void ports_release(struct address_space *space);
/* paging.c: puts another table behind one slot of the third GiB. */
void paging_set_directory(struct address_space *space, uint32_t address, uint32_t table);

#endif
