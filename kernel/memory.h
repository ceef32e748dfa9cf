/* A memory object: physical pages, anonymous, contiguous or a device's; and the mappings of it. */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "list.h"
#include "object.h"

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
    frame_t **directory;    /* MEMORY_ANONYMOUS: a page of pointers to pages of frame numbers */
    struct list mappings;   /* mapping.in_memory */
};

struct mapping {
    struct list in_process; /* by address */
    struct list in_memory;
    struct process *process;
    struct memory *memory;  /* holds a reference */
    uint32_t address, pages, first;
    uint32_t protection;
    uint32_t rights;        /* protections that the handle allowed: a later protect stays within */
    struct process *payer;  /* charged for the structure; holds a reference */
};

/* Charges for all pages, and makes none. NULL: quota or memory used up, nothing changed. */
struct memory *memory_create(struct process *payer, uint32_t pages, uint32_t flags);
/* Takes the next step of making its pages, which clears one; `made` says when it is done. False: memory used up. */
bool memory_make_page(struct memory *memory);
/* Names frames that nobody may free: boot modules and devices. */
struct memory *memory_create_borrowed(struct process *payer, frame_t first, uint32_t pages, bool device);
frame_t memory_frame(const struct memory *memory, uint32_t page);
/* Unmaps and frees one mapping (mapping.c). */
void mapping_remove(struct mapping *mapping);
void memory_revoke(struct memory *memory);
void memory_destroy(struct object *object);

#endif
