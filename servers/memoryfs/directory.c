/* Directories: a list of names in the order in which they came. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memoryfs.h"

struct entry *directory_find(const struct node *directory, const char *name)
{
    struct entry *entry = directory->entries;
    while (entry && strcmp(entry->name, name) != 0)
        entry = entry->next;
    return entry;
}

int directory_add(struct node *directory, const char *name, uint32_t node)
{
    uint32_t length = strlen(name);
    struct entry *entry = malloc(sizeof(*entry) + length + 1), **end = &directory->entries;
    if (!entry)
        return ENOSPC;
    entry->next = NULL;
    entry->node = node;
    entry->cookie = directory->next_cookie++;
    entry->length = length;
    memcpy(entry->name, name, length + 1);
    while (*end)
        end = &(*end)->next;
    *end = entry;
    directory->modified = directory->changed = file_system_now();
    return 0;
}

void directory_remove(struct node *directory, struct entry *entry)
{
    struct entry **link = &directory->entries;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    free(entry);
    directory->modified = directory->changed = file_system_now();
}

static bool list_one(const struct node *directory, const struct entry *entry, void *data, uint32_t *used, uint32_t room)
{
    const struct node *node = node_find(directory->volume, entry->node);
    return file_system_add_entry(data, used, room, entry->node, node->mode, entry->name, entry->length);
}

/* Cookies 0 and 1 are "." and "..". */
uint32_t directory_list(const struct node *directory, uint64_t *cookie, void *data, uint32_t room)
{
    uint32_t used = 0;
    if (*cookie == 0 && file_system_add_entry(data, &used, room, directory->inode, S_IFDIR, ".", 1))
        *cookie = 1;
    if (*cookie == 1 && file_system_add_entry(data, &used, room, directory->parent, S_IFDIR, "..", 2))
        *cookie = 2;
    for (const struct entry *entry = directory->entries; entry && *cookie >= 2; entry = entry->next) {
        if (entry->cookie < *cookie)
            continue;
        if (!list_one(directory, entry, data, &used, room))
            break;
        *cookie = entry->cookie + 1;
    }
    return used;
}

bool directory_is_below(const struct node *directory, const struct node *ancestor)
{
    while (directory != ancestor && directory->parent != directory->inode)
        directory = node_find(directory->volume, directory->parent);
    return directory == ancestor;
}
