/* The page cache of ext2: 4 KiB pages of block units, in memory that the block driver reads and writes by DMA.
 *
 * Transfers run with the cache unlocked, several at a time. A page under transfer is busy; whoever wants it waits for the
 * transfer, not for the cache. Changed pages are written when they must make room, and by cache_flush(). */
#ifndef CACHE_H
#define CACHE_H

#include <server.h>

/* Opens the session with the block service. E_NO_MEMORY, or why there is none. */
status_t cache_init(uint32_t kibibytes);

/* Number of the unit of this name: "disk0", "disk1p2"; its size in sectors of 512 bytes, whether it is read-only. E_NOT_FOUND. */
status_t cache_find_unit(const char *name, uint32_t *unit, uint64_t *sectors, bool *read_only);

/* Copies between the unit and memory, through the cache. `ahead`: how many bytes from `offset` on are likely to be wanted soon.
 * E_BAD_ARGUMENT: beyond the end; E_IO and whatever else the block service answers. */
status_t cache_read(uint32_t unit, uint64_t offset, void *to, uint32_t bytes, uint32_t ahead);
status_t cache_write(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes);
status_t cache_zero(uint32_t unit, uint64_t offset, uint32_t bytes);

/* Everything changed is on the disk. E_IO also when an earlier write in the background failed. */
status_t cache_flush(uint32_t unit);
/* Forgets the unit's pages, changed ones too. */
void cache_drop(uint32_t unit);

#endif
