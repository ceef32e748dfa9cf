/* The page cache of ext2: 4 KiB pages of block units, in memory that the block driver reads and writes by DMA.
 *
 * Transfers run with the cache unlocked, several at a time. A page under transfer is busy; whoever wants it waits for the
 * transfer, not for the cache. Changed pages are written by cache_flush(), and to make room when no other page can. */
#ifndef CACHE_H
#define CACHE_H

#include <server.h>

/* Opens the session with the block service. E_NO_MEMORY, or why there is none. */
status_t cache_init(uint32_t kibibytes);

/* Number of the unit of this name: "disk0", "disk1p2"; false: it cannot be one. */
bool cache_parse_unit(const char *name, uint32_t *unit);
/* The same, and its size in sectors of 512 bytes, whether it is read-only. E_NOT_FOUND: there is no such unit. */
status_t cache_find_unit(const char *name, uint32_t *unit, uint64_t *sectors, bool *read_only);

/* Copies between the unit and memory, through the cache. `ahead`: how many bytes from `offset` on are likely to be wanted soon.
 * E_BAD_ARGUMENT: beyond the end; E_IO and whatever else the block service answers. */
status_t cache_read(uint32_t unit, uint64_t offset, void *to, uint32_t bytes, uint32_t ahead);
status_t cache_write(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes);
/* As cache_write(), but what is there already does not count as changed. */
status_t cache_update(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes);
status_t cache_zero(uint32_t unit, uint64_t offset, uint32_t bytes);

/* Everything changed is on the disk. E_IO also when an earlier write in the background failed. */
status_t cache_flush(uint32_t unit);
/* Waits until what was written is on the disk, and not in the disk's own cache. */
status_t cache_barrier(uint32_t unit);
/* The unit's disk is not there any more: everything fails until its name is asked for again. */
bool cache_is_lost(uint32_t unit);
/* True when so much has changed that it should be flushed soon: while it is not, one operation more still fits into a commit. */
bool cache_is_full(void);

/* ---- for commit.c ---- */
#define CACHE_SPARE 2u /* pages beside the cache, to be written from */
#define COMMIT_PAGES (CACHE_SPARE * PAGE_SIZE / 8) /* changed ones that it takes at once: 8 bytes of the spare pages for each */

bool cache_contains(uint32_t unit, uint64_t offset, uint32_t bytes);
bool cache_is_changed(uint32_t unit, uint32_t index);
/* How many pages have changed; their indices in order, as far as there is room. Nobody changes more meanwhile. */
uint32_t cache_changed(uint32_t unit, uint32_t *indices, uint32_t most);
/* Writes some of these pages, which have changed, to others that follow each other; returns how many. */
uint32_t cache_write_elsewhere(uint32_t unit, const uint32_t *indices, uint32_t count, uint32_t to, status_t *status);
void *cache_spare(uint32_t number);
status_t cache_write_spare(uint32_t unit, uint32_t number, uint64_t sector, uint32_t sectors);
/* As cache_write(), but the page counts as unchanged if it was. */
status_t cache_patch(uint32_t unit, uint64_t offset, const void *from, uint32_t bytes);

/* Forgets the unit's pages, changed ones too. */
void cache_drop(uint32_t unit);

#endif
