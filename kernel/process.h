/* A process: address space, handle table, quota, threads, and who is told when it fails or ends. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch.h"
#include "handle.h"
#include "list.h"
#include "object.h"
#include "quota.h"
#include "work.h"

struct endpoint;
struct notification;
struct mapping;
struct memory;
struct thread;

/* What is looked through with interrupts off. */
#define THREADS_MAX 400u            /* of a process */
#define WATCHES_MAX 256u            /* of one process, by all */

struct process {
    struct object object;               /* payer: the creator, whose quota `quota` came from */
    struct address_space space;
    struct handle_table handles;
    struct quota quota;
    uint32_t table_pages;               /* charged for page tables, which live as long as the space */
    uint32_t granted;                   /* bytes of limit that came from the payer and go back */
    struct list threads;                /* thread.in_process */
    uint32_t thread_count, watch_count;
    uint64_t used;                      /* ticks that its ended threads had on their own budgets */
    struct list children;               /* process.in_payer: alive, and created by this one */
    struct list in_payer;
    struct list mappings;               /* mapping.in_process, by address */
    struct mapping *mapping_root;       /* the same, to be found by address */
    struct list watchers;               /* watch.link */
    struct list watching;               /* watch.in_payer: what it asked for itself */
    struct endpoint *supervisor;        /* gets fault reports; NULL: none; holds a reference */
    uint32_t supervisor_badge;
    uint32_t highest;                   /* priority that its calls may give to threads and budgets */
    bool alive;                         /* not any more from process_kill() on */
    struct work work;                   /* its end, and later the end of what was left of it */
    uint32_t exit_code;
    uint32_t log_length;                /* bytes of log_line that wait for the end of the line */
    char log_line[120];
};

struct watch { /* one process_watch; ends with either process */
    struct process *process;
    struct list link;                   /* among the watchers of the process */
    struct list in_payer;
    struct notification *notification;  /* holds a reference */
    uint32_t bits;
    struct process *payer;              /* who asked for it; holds a reference */
};

struct process *process_create(struct process *payer, uint32_t quota_bytes);
/* On the way out of the kernel: ends every thread, the processes that it created, and theirs, with the same code; unmaps
 * everything, closes every handle, tells the watchers. The structure lives on while handles or charges name it. */
void process_kill(struct process *process, uint32_t exit_code);
void process_destroy(struct object *object);

/* Signals the bits when the process ends, those included that `payer` asked for earlier; charged to it once. */
status_t process_watch(struct process *process, struct notification *notification, uint32_t bits, struct process *payer);

/* ---- process_handles.c: handle tables filled with objects ---- */
bool process_handles_create(struct process *process);
/* Closes some more of them. True: there are none left, and no table either. */
bool process_handles_destroy(struct process *process);
/* Inserts with growth; takes its own reference on the object. HANDLE_NONE: table, quota or memory used up. */
handle_t process_handle_add(struct process *process, struct object *object, uint32_t rights, uint32_t badge);
void process_handle_close(struct process *process, struct handle_entry *entry);
/* Finds an entry of the given type (TYPE_NONE: any) with all of `rights`; on failure NULL and *status says why. */
struct handle_entry *process_handle_find(struct process *process, handle_t handle, enum object_type type,
                                         uint32_t rights, status_t *status);

/* ---- mapping.c: whole mappings, all or nothing ---- */
/* rights: the protections that a later process_protect may ask for. The structure is charged to `payer`. */
#define MAPPINGS_AT_ONCE 32u        /* that one call unmaps or protects */
#define MAP_PAGES_MAX (1u << 17)    /* that one call maps */
/* CALL_AGAIN: it has made one of the page tables that are missing. */
status_t process_map(struct process *process, struct memory *memory, uint32_t address, uint32_t protection,
                     uint32_t rights, uint32_t first, uint32_t pages, struct process *payer);
status_t process_unmap(struct process *process, uint32_t address, uint32_t pages);
status_t process_protect(struct process *process, uint32_t address, uint32_t pages, uint32_t protection);

/* ---- mapping_tree.c ---- */
/* First mapping that ends behind `address`; NULL: none. */
struct mapping *mapping_behind(const struct process *process, uint32_t address);
void mapping_insert(struct process *process, struct mapping *mapping);
void mapping_take_out(struct process *process, struct mapping *mapping);

#endif
