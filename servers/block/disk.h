/* Disks, the queues of commands that drivers keep with their devices, and the units that clients see. */
#ifndef DISK_H
#define DISK_H

#include <server.h>

#include "block.h"
#include "../pci/driver/driver.h"

#define QUEUE_SLOTS 31u         /* commands with a device at once, at most */
#define PAGE_SECTORS (PAGE_SIZE / BLOCK_SECTOR)

/* One command: consecutive sectors, and whole pages of memory for them (the last may be used in part). */
struct transfer {
    uint32_t operation;         /* enum block_operation */
    uint32_t count;             /* sectors; none for BLOCK_FLUSH */
    uint64_t sector;
    uint32_t pages;
    uint32_t frames[BLOCK_PAGES];
    uint8_t *data[BLOCK_PAGES]; /* the same pages as we see them */
};

struct disk;

/* Commands on their way through one device or channel. A driver fills in the first part. */
struct queue {
    uint32_t slots;             /* commands that the device takes at once */
    /* The three are called with the lock held. */
    void (*start)(struct queue *queue, uint32_t slot, const struct disk *disk, const struct transfer *transfer);
    void (*interrupt)(struct queue *queue);     /* looks what has ended, and finishes it */
    void (*reset)(struct queue *queue);         /* afterwards the device has no command and touches no memory */
    const char *name;
    struct pci_device pci;      /* the device */

    struct lock lock;           /* also guards the device's registers */
    handle_t events;            /* bit n: slot n has ended; QUEUE_FREE: a slot is free */
    uint32_t used;              /* slots that workers have */
    uint32_t running;           /* slots whose command the device has */
    uint32_t running_high;      /* most at once */
    status_t results[QUEUE_SLOTS];
};

struct disk {
    const char *driver;
    char model[44];
    uint64_t sectors;
    bool read_only;
    bool reaches_4gib;          /* the device knows no address above */
    bool lba48;                 /* ATA: see ata.c */
    uint32_t drive;             /* of an IDE channel */
    uint32_t pages_most;        /* per command; up to BLOCK_PAGES */
    struct queue *queue;
};

/* ---- queue.c ---- */
extern uint32_t queue_timeout;  /* microseconds that a device has for a command */
/* Prepares the queue and gives it the thread that serves its interrupt. */
status_t queue_init(struct queue *queue);
/* Runs one command and waits for its end. E_IO, E_TIMED_OUT. */
status_t queue_run(struct queue *queue, const struct disk *disk, const struct transfer *transfer);
/* For drivers, with the lock held: the command in the slot has ended. */
void queue_finish(struct queue *queue, uint32_t slot, status_t status);
/* A handler for pci_on_interrupt; the argument is the queue. */
void queue_interrupt(void *queue);

/* ---- disk.c ---- */
/* Makes the disk known, with its partitions. */
void disk_add(const struct disk *disk);
/* For a disk that is there and cannot be used: it has its number all the same, or clients would take the next one for it. */
void disk_skip(void);
status_t disk_transfer(const struct disk *disk, const struct transfer *transfer);

/* ---- unit.c ---- */
struct unit {
    uint32_t number;            /* as in block.h */
    const struct disk *disk;
    uint64_t first, sectors;
    char name[44];
};

/* Adds a unit; false, with a line of text, when it does not lie on its disk or there are too many. */
bool unit_add(const struct unit *unit);
const struct unit *unit_find(uint32_t number);
const struct unit *unit_at(uint32_t index);

/* ---- partition.c ---- */
/* Adds the partitions of disk number `number` as units. */
void partitions_read(const struct disk *disk, uint32_t number);

/* ---- the drivers ---- */
/* Each adds the disks of one device, and says so if it cannot. */
void virtio_open(const struct pci_device *device);
void ide_open(const struct pci_device *device);
void ahci_open(const struct pci_device *device);

#endif
