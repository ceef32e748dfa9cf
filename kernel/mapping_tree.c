/* The mappings of a process by address, as a treap: a tree that is in order of addresses from left to right, and of weights from
 * the root down. Weights are as good as random and nobody's choice, so whatever a process maps, the way down is short. */
#include "arch.h"
#include "memory.h"
#include "process.h"

/* The same each time that something is mapped there, so that a map takes as long as the one before; and, since the secret is the
 * time since the kernel began, in each exact run. */
static uint32_t weight_of(uint32_t address)
{
    static uint32_t secret;
    if (secret == 0)
        secret = ((uint32_t)arch_time() - arch_system_info(INFO_BOOT_TICKS)) | 1;
    uint32_t weight = (address ^ secret) * 0x85EBCA6Bu;
    weight = (weight ^ weight >> 13) * 0xC2B2AE35u;
    return weight >> 18;
}

struct mapping *mapping_behind(const struct process *process, uint32_t address)
{
    struct mapping *mapping = process->mapping_root, *found = NULL;
    while (mapping) {
        if (mapping_end(mapping) > address)
            found = mapping;
        mapping = mapping_end(mapping) > address ? mapping->left : mapping->right;
    }
    return found;
}

static struct mapping **side_of(struct mapping *mapping, uint32_t address)
{
    return address < mapping->address ? &mapping->left : &mapping->right;
}

/* In the place of the first that weighs less, which is split in two below the new one. */
void mapping_insert(struct process *process, struct mapping *mapping)
{
    struct mapping **place = &process->mapping_root, **left = &mapping->left, **right = &mapping->right;
    mapping->weight = weight_of(mapping->address);
    while (*place && (*place)->weight > mapping->weight)
        place = side_of(*place, mapping->address);
    struct mapping *rest = *place;
    *place = mapping;
    while (rest) {
        struct mapping ***end = rest->address < mapping->address ? &left : &right;
        **end = rest;
        *end = side_of(rest, mapping->address);
        rest = **end;
    }
    *left = *right = NULL;
}

void mapping_take_out(struct process *process, struct mapping *mapping)
{
    struct mapping **place = &process->mapping_root, *left = mapping->left, *right = mapping->right;
    while (*place != mapping)
        place = side_of(*place, mapping->address);
    while (left && right) {
        bool first = left->weight > right->weight;
        *place = first ? left : right;
        place = first ? &left->right : &right->left;
        left = first ? left->right : left;
        right = first ? right : right->left;
    }
    *place = left ? left : right;
}
