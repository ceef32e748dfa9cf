/* What the readers of partition tables share. */
#ifndef PARTITION_H
#define PARTITION_H

#include "disk.h"

#define PARTITIONS_MAX 255u     /* the number is a byte of a unit's */

struct table {
    const struct disk *disk;
    uint32_t number;            /* of the disk */
    const char *kind;           /* for messages */
};

/* Up to a page of sectors, good until the next call; NULL, with a line of text, if they cannot be read. */
const uint8_t *table_read(const struct table *table, uint64_t sector, uint32_t count);
/* A line of text about the table. */
void table_say(const struct table *table, const char *what);
/* name: up to 43 bytes. */
void table_add(const struct table *table, uint32_t partition, uint64_t first, uint64_t sectors, const char *name);

/* ---- mbr.c ---- */
bool mbr_is_there(const uint8_t *sector);
/* It only guards a GPT. */
bool mbr_is_protective(const uint8_t *sector);
/* `sector`: the first of the disk. */
void mbr_read(struct table *table, const uint8_t *sector);

/* ---- gpt.c ---- */
void gpt_read(struct table *table);

#endif
