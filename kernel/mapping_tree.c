/* The mappings of a process by address, as a treap: a tree that is in order of addresses from left to right, and of weights from
 * the root down. Weights are as good as random and nobody's choice, so whatever a process maps, the way down is short. */
#include "arch.h"
#include "memory.h"
#include "process.h"

static uint32_t weight_of(const struct mapping *mapping)
{
    static uint32_t secret;
    if (secret == 0)
        secret = (uint32_t)arch_time() | 1;
    uint32_t weight = (mapping->address ^ secret) * 0x85EBCA6Bu;
    weight = (weight ^ weight >> 13) * 0xC2B2AE35u;
    return weight ^ weight >> 16;
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
    while (*place && weight_of(*place) > weight_of(mapping))
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
        bool first = weight_of(left) > weight_of(right);
        *place = first ? left : right;
        place = first ? &left->right : &right->left;
        left = first ? left->right : left;
        right = first ? right : right->left;
    }
    *place = left ? left : right;
}
