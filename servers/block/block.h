/* The one protocol of all block drivers: whole disks and partitions, requests in shared memory, several at a time.
 *
 * A client opens a session (libserver's METHOD_SESSION_OPEN) whose slots are pages and whose memory it offers with
 * RIGHT_DMA. Page 0 holds the requests; the word of BLOCK_TRANSFER says which. Data moves between the device and the pages
 * that the request lists, with no copy in between where the device can do that. */
#ifndef BLOCK_H
#define BLOCK_H

#include <server.h>

#define BLOCK_METHODS(METHOD) \
    METHOD(BLOCK_SESSION, block_open_session, SESSION, NOTHING) \
    /* Number of the n-th unit: disk << 8 | partition (0: the whole disk, partitions from 1). E_NOT_FOUND: not so many */ \
    METHOD(BLOCK_UNITS, block_units, WORD(uint32_t, n), WORD(uint32_t, unit)) \
    /* index: of a request; its `unit` selects. Fills `description` */ \
    METHOD(BLOCK_DESCRIBE, block_describe, WORD(uint32_t, index), NOTHING) \
    /* E_IO: the device reported an error; E_BAD_ARGUMENT: sectors outside the unit, pages outside the session, count;
       E_NOT_FOUND: no such unit; E_NO_RIGHT: the memory was offered without RIGHT_DMA; E_NOT_SUPPORTED: a write to a read-only
       disk; E_TIMED_OUT: the device did not answer, and was reset; E_BAD_STATE: there is no session, as after a restart */ \
    METHOD(BLOCK_TRANSFER, block_transfer, WORD(uint32_t, index), NOTHING)
METHODS_DECLARE(BLOCK_METHODS)

#define BLOCK_SECTOR 512u
#define BLOCK_PAGES 28u  /* per request: 112 KiB */
#define BLOCK_REQUESTS 32u

enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_description {
    uint64_t sectors;    /* size of the unit, in units of 512 bytes */
    uint64_t first;      /* where it begins on its disk */
    uint32_t read_only;
    uint32_t running_high; /* most commands that its device ever had at once */
    char driver[12];     /* "virtio-blk", "ide", "ahci" */
    char model[44];      /* of the disk; for a partition, its name or type */
};

/* 128 bytes: BLOCK_REQUESTS of them fill page 0 of the session. */
struct block_request {
    union {
        struct {
            uint32_t unit;
            uint32_t operation;
            uint64_t sector;            /* first, counted from the unit's start */
            uint32_t count;             /* sectors; the last page may be used in part */
            uint16_t pages[BLOCK_PAGES];/* pages of the session (from 1), ceil(count / 8) of them */
        };
        struct {
            uint32_t same_unit;
            struct block_description description;
        };
        uint8_t bytes[128];
    };
};

_Static_assert(sizeof(struct block_request) == 128, "as documented");

#endif
