/* The in-memory file system: what its files tell each other. One lock guards everything; operations never wait. */
#ifndef MEMORYFS_H
#define MEMORYFS_H

#include <file_system.h>

#define BLOCK_BYTES 4096u

struct entry {              /* of a directory, in the order of cookies */
    struct entry *next;
    uint32_t node;
    uint32_t cookie;        /* place in a listing; never used twice in one directory */
    uint32_t length;
    char name[];
};

struct node {
    uint32_t volume, mode, links, opens, inode, generation;
    uint32_t accessed, modified, changed;
    uint32_t size;          /* bytes of a file or of a symbolic link's text */
    uint8_t **blocks;       /* file: NULL where it has a hole */
    uint32_t block_count, blocks_in_use;
    char *text;             /* symbolic link */
    struct entry *entries;  /* directory */
    uint32_t parent, next_cookie;
};

/* ---- nodes.c ---- */
/* 0: no memory. A directory begins with one link, for "."; its name is the second. */
uint32_t node_create(uint32_t volume, uint32_t mode);
/* NULL: no such node on this volume. */
struct node *node_find(uint32_t volume, uint32_t number);
/* Frees it when nothing names it and nobody has it open. */
void node_put(struct node *node);
/* Frees all nodes of a volume; EBUSY while one is open, unless forced. */
int nodes_free(uint32_t volume, bool force);
void node_attributes(const struct node *node, struct vfs_attributes *attributes);
uint32_t node_count(void);

/* ---- data.c ---- */
uint32_t data_read(const struct node *node, uint32_t offset, void *to, uint32_t length);
/* Returns how much could be written: less than length when memory is used up. */
uint32_t data_write(struct node *node, uint32_t offset, const void *from, uint32_t length);
void data_truncate(struct node *node, uint32_t size);

/* ---- directory.c ---- */
struct entry *directory_find(const struct node *directory, const char *name);
int directory_add(struct node *directory, const char *name, uint32_t node);
void directory_remove(struct node *directory, struct entry *entry);
uint32_t directory_list(const struct node *directory, uint64_t *cookie, void *data, uint32_t room);
/* True when `directory` is `ancestor` or lies below it. */
bool directory_is_below(const struct node *directory, const struct node *ancestor);

#endif
