/* The handle table of a process: an array that grows in place, with generations so that a stale handle is an error.
 *
 * handle = generation << 15 | index << 5. The low five bits are zero because an entry has 32 bytes, so `handle & mask`
 * is the entry's offset: the fast path in sysenter/ needs one AND, one ADD and one compare. Handle 0 is never valid:
 * slot 0 stays unused. Generations begin again after 65,536 handles in one slot, and slots take turns: a slot that wore out
 * for good would let a client use up a service's table by sending it handles. Pure code: tested natively in tests/host. */
#ifndef KERNEL_HANDLE_H
#define KERNEL_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include <postern.h>

struct endpoint;
struct object;

#define HANDLE_INDEX_SHIFT 5
#define HANDLE_GENERATION_SHIFT 15
#define HANDLE_GENERATION_MAX 0xFFFFu
#define HANDLE_TABLE_MAX 1024u /* entries; a new table has one page of them */

struct handle_entry { /* 32 bytes; sysenter/entry.asm reads value, endpoint and badge */
    uint32_t value;             /* the handle that names this entry now; HANDLE_FREE while free */
    struct endpoint *endpoint;  /* what a call through it reaches: null_endpoint unless an endpoint with RIGHT_CALL that
                                   has no cap (a cap is counted in C) */
    uint32_t badge;             /* endpoint handles: 0 to 0x7FFFFFFF */
    struct object *object;      /* NULL while free */
    uint32_t rights;
    uint32_t generation;        /* of the next handle in this slot */
    uint32_t next_free;         /* index; 0: end of the chain */
    uint32_t unused;
};

#define HANDLE_FREE 0xFFFFFFFFu /* bit 31 set: equals no handle */

struct handle_table {
    struct handle_entry *entries;   /* entry 0 is never used */
    uint32_t count;                 /* that can be used; those behind, up to HANDLE_TABLE_MAX, read as zero: they name nothing */
    uint32_t fresh;                 /* index of the first that was never used, all zero from there on */
    uint32_t first_free;            /* index; 0: none */
    uint32_t last_free;             /* index; valid while there is a first */
    uint32_t used;
};

/* Turns a handle into the byte offset of its entry. */
#define HANDLE_MASK ((HANDLE_TABLE_MAX - 1) << HANDLE_INDEX_SHIFT)

/* Makes a table over `entries`, of which the first `count` can be used; all are zero. */
void handle_table_init(struct handle_table *table, struct handle_entry *entries, uint32_t count);
/* Puts an object into a free slot; the caller has taken the reference. HANDLE_NONE: the table is full. */
handle_t handle_insert(struct handle_table *table, struct object *object, uint32_t rights, uint32_t badge,
                       struct endpoint *callable);
/* The entry that a handle names, or NULL: never allocated, closed, or of an older generation. */
struct handle_entry *handle_find(const struct handle_table *table, handle_t handle);
/* Frees the slot and moves its generation on; gives the object back, whose reference is the caller's to drop. */
struct object *handle_remove(struct handle_table *table, struct handle_entry *entry);

#endif
