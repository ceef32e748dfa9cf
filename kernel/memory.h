/* A memory object: physical pages, anonymous, contiguous or a device's; and the mappings of it. */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "list.h"
#include "object.h"
#include "work.h"

#define MEMORY_PAGES_MAX (1024u * 1024u)

enum memory_kind {
    MEMORY_ANONYMOUS,
    MEMORY_RANGE,       /* contiguous RAM, owned */
    MEMORY_BORROWED     /* a boot module's or a device's */
};

struct memory {
    struct object object;
    enum memory_kind kind;
    bool device;            /* mapped uncached; never anonymous */
    uint32_t flags;         /* of memory_create */
    uint32_t pages;
    uint32_t made;          /* pages that are there, unless borrowed; all of them once a handle names the object */
    frame_t first;          /* MEMORY_RANGE, MEMORY_BORROWED */
    uint32_t taken;         /* MEMORY_RANGE: frames that are there; MEMORY_ANONYMOUS: pages in the directory */
    frame_t **directory;    /* MEMORY_ANONYMOUS: a page of pointers to pages of frame numbers */
    struct work work;       /* being revoked, or being freed */
    struct list mappings;   /* mapping.in_memory */
};

/* Its page table entries are written from `settled` on, a piece at a time: a new mapping's, those of one whose protection has
 * changed, and the last of one that is being removed, which keeps its place until they are gone. */
struct mapping {
    struct list in_process; /* by address */
    struct list in_memory;
    struct process *process;
    struct memory *memory;  /* holds a reference */
    uint32_t address, first;
    uint32_t pages : 18;        /* at most MAP_PAGES_MAX */
    uint32_t weight : 14;       /* mapping_tree.c */
    struct mapping *left, *right;   /* mapping_tree.c */
    uint32_t settled : 20;      /* pages whose entries are as they are to be; a mapping has at most MAP_PAGES_MAX */
    uint32_t protection : 3;    /* 0: it is being removed */
    uint32_t rights : 3;        /* protections that the handle allowed: a later protect stays within */
    struct work work;       /* while `settled` is less than `pages` */
    struct process *payer;  /* charged for the structure; holds a reference */
};

/* Charges for all pages, and makes none. NULL: quota or memory used up, nothing changed. */
struct memory *memory_create(struct process *payer, uint32_t pages, uint32_t flags);
/* Takes the next step of making its pages, which clears one; `made` says when it is done. False: memory used up. */
bool memory_make_page(struct memory *memory);
/* Names frames that nobody may free: boot modules and devices. */
struct memory *memory_create_borrowed(struct process *payer, frame_t first, uint32_t pages, bool device);
frame_t memory_frame(const struct memory *memory, uint32_t page);
/* The frames of up to `count` pages from `page` on: how many there are in `list`, or after each other from memory_frame(). */
uint32_t memory_frames(const struct memory *memory, uint32_t page, uint32_t count, const frame_t **list);
static inline uint32_t mapping_end(const struct mapping *mapping)
{
    return mapping->address + mapping->pages * PAGE_SIZE;
}

/* Unmaps and frees one mapping (mapping.c): a piece of it at once, the rest on the way out of the kernel. */
void mapping_remove(struct mapping *mapping);
/* On the way out of the kernel. */
void memory_revoke(struct memory *memory);
void memory_destroy(struct object *object);

#endif
