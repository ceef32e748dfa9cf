/* Contents of files: blocks that are made when they are first written, so that holes cost nothing. */
#include <stdlib.h>
#include <string.h>

#include "memoryfs.h"

static uint32_t piece(uint32_t offset, uint32_t length)
{
    uint32_t left = BLOCK_BYTES - offset % BLOCK_BYTES;
    return length < left ? length : left;
}

static uint8_t *block_at(const struct node *node, uint32_t offset)
{
    uint32_t index = offset / BLOCK_BYTES;
    return index < node->block_count ? node->blocks[index] : NULL;
}

uint32_t data_read(const struct node *node, uint32_t offset, void *to, uint32_t length)
{
    if (offset >= node->size)
        return 0;
    if (length > node->size - offset)
        length = node->size - offset;
    for (uint32_t done = 0, bytes; done < length; done += bytes) {
        const uint8_t *block = block_at(node, offset + done);
        bytes = piece(offset + done, length - done);
        if (block)
            memcpy((uint8_t *)to + done, block + (offset + done) % BLOCK_BYTES, bytes);
        else
            memset((uint8_t *)to + done, 0, bytes);
    }
    return length;
}

static bool reserve_blocks(struct node *node, uint32_t count)
{
    if (count <= node->block_count)
        return true;
    uint32_t larger = count > node->block_count * 2 ? count : node->block_count * 2;
    uint8_t **blocks = realloc(node->blocks, larger * sizeof(*blocks));
    if (!blocks)
        return false;
    memset(blocks + node->block_count, 0, (larger - node->block_count) * sizeof(*blocks));
    node->blocks = blocks;
    node->block_count = larger;
    return true;
}

static uint8_t *block_for_writing(struct node *node, uint32_t offset)
{
    uint32_t index = offset / BLOCK_BYTES;
    if (!reserve_blocks(node, index + 1))
        return NULL;
    if (!node->blocks[index]) {
        node->blocks[index] = calloc(1, BLOCK_BYTES);
        node->blocks_in_use += node->blocks[index] != NULL;
    }
    return node->blocks[index];
}

uint32_t data_write(struct node *node, uint32_t offset, const void *from, uint32_t length)
{
    uint32_t done = 0;
    while (done < length) {
        uint32_t bytes = piece(offset + done, length - done);
        uint8_t *block = block_for_writing(node, offset + done);
        if (!block)
            break;
        memcpy(block + (offset + done) % BLOCK_BYTES, (const uint8_t *)from + done, bytes);
        done += bytes;
    }
    if (done > 0 && offset + done > node->size)
        node->size = offset + done;
    return done;
}

/* What lies behind the end reads as zero when the file grows again. */
void data_truncate(struct node *node, uint32_t size)
{
    uint32_t keep = (size + BLOCK_BYTES - 1) / BLOCK_BYTES;
    for (uint32_t i = keep; i < node->block_count; i++) {
        node->blocks_in_use -= node->blocks[i] != NULL;
        free(node->blocks[i]);
        node->blocks[i] = NULL;
    }
    uint8_t *last = size % BLOCK_BYTES ? block_at(node, size) : NULL;
    if (last && size < node->size)
        memset(last + size % BLOCK_BYTES, 0, BLOCK_BYTES - size % BLOCK_BYTES);
    if (keep == 0) {
        free(node->blocks);
        node->blocks = NULL;
        node->block_count = 0;
    }
    node->size = size;
}
