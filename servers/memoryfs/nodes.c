/* The table of nodes. A number is used again once its node is gone. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "memoryfs.h"

static struct node **nodes;     /* [0] stays empty: 0 is no node */
static uint32_t node_slots, nodes_in_use;

static uint32_t free_slot(void)
{
    for (uint32_t i = 1; i < node_slots; i++)
        if (!nodes[i])
            return i;
    uint32_t slots = node_slots ? node_slots * 2 : 64;
    struct node **larger = realloc(nodes, slots * sizeof(*nodes));
    if (!larger)
        return 0;
    for (uint32_t i = node_slots; i < slots; i++)
        larger[i] = NULL;
    uint32_t slot = node_slots ? node_slots : 1;
    nodes = larger;
    node_slots = slots;
    return slot;
}

uint32_t node_create(uint32_t volume, uint32_t mode)
{
    uint32_t slot = free_slot();
    struct node *node = slot ? calloc(1, sizeof(*node)) : NULL;
    if (!node)
        return 0;
    node->volume = volume;
    node->mode = mode;
    node->inode = slot;
    node->generation = (uint32_t)ticks();
    node->links = S_ISDIR(mode) ? 1 : 0;
    node->next_cookie = 2;
    node->accessed = node->modified = node->changed = file_system_now();
    nodes[slot] = node;
    nodes_in_use++;
    return slot;
}

struct node *node_find(uint32_t volume, uint32_t number)
{
    struct node *node = number < node_slots ? nodes[number] : NULL;
    return node && node->volume == volume ? node : NULL;
}

static void node_free(struct node *node)
{
    data_truncate(node, 0);
    while (node->entries)
        directory_remove(node, node->entries);
    nodes[node->inode] = NULL;
    nodes_in_use--;
    free(node->text);
    free(node);
}

void node_put(struct node *node)
{
    uint32_t names = S_ISDIR(node->mode) ? node->links - 1 : node->links;
    if (names == 0 && node->opens == 0)
        node_free(node);
}

int nodes_free(uint32_t volume, bool force)
{
    for (uint32_t i = 1; i < node_slots && !force; i++)
        if (nodes[i] && nodes[i]->volume == volume && nodes[i]->opens)
            return EBUSY;
    for (uint32_t i = 1; i < node_slots; i++)
        if (nodes[i] && nodes[i]->volume == volume)
            node_free(nodes[i]);
    return 0;
}

void node_attributes(const struct node *node, struct vfs_attributes *attributes)
{
    *attributes = (struct vfs_attributes){
        .mode = node->mode, .links = node->links, .size = node->size, .inode = node->inode, .device = node->volume,
        .generation = node->generation,
        .blocks = (uint64_t)node->blocks_in_use * (BLOCK_BYTES / 512), .block_size = BLOCK_BYTES,
        .accessed = node->accessed, .modified = node->modified, .changed = node->changed,
    };
}

uint32_t node_count(void)
{
    return nodes_in_use;
}
