/* The ext2 service: what its files tell each other. The format is libext2fs's business; ours are the cache below it, the locks
 * around it, and the operations that the VFS asks for.
 *
 * libext2fs does not know threads. Each volume has a lock that is held over every use of it; contents of files are read with the
 * lock free, from the page cache, once the blocks are known. */
#ifndef EXT2_H
#define EXT2_H

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <file_system.h>

#define VOLUMES 8u
#define RUNS 8u
#define NAMES 512u              /* kept names; a power of two */
#define NAME_KEPT 48u           /* bytes of the longest, with the 0 */

typedef struct file_system_request request;

struct run {                    /* of blocks that follow each other on the disk; first 0: a hole */
    uint32_t block, count;      /* in the file */
    blk64_t first;
};

struct open_node {              /* an inode that the VFS has open */
    struct open_node *next;
    ext2_ino_t inode;
    uint32_t opens;
    uint32_t readers;           /* reading with the volume unlocked: blocks must stay as they are */
    bool awaited;               /* somebody waits for them to end, and none may begin */
    bool nameless;              /* goes with its last user */
    struct run runs[RUNS];      /* where blocks lie, as last seen; count 0: unused */
    uint32_t next_run;
};

struct name {                   /* a name that was looked up */
    ext2_ino_t directory, number; /* number 0: free */
    char text[NAME_KEPT];
};

struct volume {
    struct lock lock;               /* for ever: somebody may still wait for it */
    bool used, read_only, changed;
    bool clean;                     /* it was when it was mounted, or e2fsck should look at it */
    bool failed;                    /* a sync did, half way: nothing is as it should be until it is mounted again */
    uint32_t number;            /* the VFS's, never used twice */
    uint32_t unit;
    uint32_t places;                /* where commit.c found free pages last */
    bool foreign_sector;            /* sector 1 is somebody's: there is no place for a record */
    bool in_pieces;                 /* a sync was not all or nothing, which was said */
    uint32_t written;           /* when it last was, in seconds since 1970, as the disk says */
    ext2_filsys fs;
    ext2fs_block_bitmap freed;      /* since the last sync: on the disk they still belong to files */
    struct open_node *nodes;
    struct name names[NAMES];
};

/* ---- io.c ---- */
extern struct struct_io_manager cache_io_manager;
/* Whether blocks that libext2fs writes are compared with what is there, which is read for it, and left alone where they are the
 * same. A sync writes the bitmaps of all groups, whichever have changed. At other times it writes new blocks, which differ. */
void io_compare(io_channel io, bool compare);

/* ---- volume.c ---- */
/* The volume, locked; NULL: no such. */
struct volume *volume_lock(uint32_t number);
void volume_unlock(struct volume *volume);
/* Runs the operation with the volume of the request locked. */
int volume_run(int (*operation)(struct volume *volume, request *rq), request *rq);
int volume_mount(request *rq, void *data);
int volume_unmount(request *rq, void *data);
int volume_sync(request *rq, void *data);
int volume_statistics(request *rq, void *data);
/* 0, or EROFS, EIO. To be called before the first change of an operation. */
int volume_will_change(struct volume *volume);
/* Seconds since 1970. Not before the volume was last written: e2fsck takes small times of deletion for something else. */
uint32_t volume_now(const struct volume *volume);
/* An error number; what is wrong with the disk is said on the log. */
int error_of(const struct volume *volume, errcode_t code);

/* ---- commit.c ---- */
/* Once the volume is open: blocks that are freed are watched. */
errcode_t commit_begin(struct volume *volume);
/* What has changed in the cache is on the disk, all or nothing. E_NOT_SUPPORTED: that cannot be, and nothing was done. Any other
 * failure may leave the volume failed. */
status_t commit(struct volume *volume);
/* The superblock alone is on the disk as it is in the cache. */
status_t commit_superblock(const struct volume *volume);
/* Before the volume is looked at: finishes what was interrupted. Only if that succeeds may it be mounted. */
status_t commit_replay(struct volume *volume, uint32_t unit);

/* ---- node.c ---- */
int node_read(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode);
/* The inode of the request; ESTALE: it is free, or another file's by now. */
int node_read_same(struct volume *volume, const request *rq, struct ext2_inode *inode);
int node_write(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode);
struct open_node *node_find_open(struct volume *volume, ext2_ino_t number);
void node_answer(const struct volume *volume, request *rq, ext2_ino_t number, struct ext2_inode *inode);
/* One name less: the inode is freed with its last name and user. */
int node_drop_name(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode);
int node_stat(request *rq, void *data);
int node_open(request *rq, void *data);
int node_close(request *rq, void *data);
void node_close_all(struct volume *volume);
int node_set_attributes(request *rq, void *data);
int node_read_link(request *rq, void *data);

/* ---- map.c: where the blocks of files lie ---- */
/* Place of a block; 0: a hole. */
errcode_t map_block(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint32_t block, blk64_t *place);
/* The run from this block on, as far as is known. */
int map_run(struct volume *volume, struct open_node *node, struct ext2_inode *inode, uint32_t block, struct run *run);
/* To be called before blocks of the file change; NULL: nobody has it open. */
void map_forget(struct open_node *node);

/* ---- data.c ---- */
int data_read(request *rq, void *data);
int data_write(request *rq, void *data);
int data_truncate(request *rq, void *data);

/* ---- names.c, rename.c, listing.c ---- */
int names_lookup(request *rq, void *data);
int names_create(request *rq, void *data);
int names_remove(request *rq, void *data);
int names_link(request *rq, void *data);
int names_rename(request *rq, void *data);
int names_list(request *rq, void *data);
/* Adds a name, with a larger directory if need be. */
int names_add(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t number, uint32_t mode);
/* Takes a name away. */
int names_drop(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t number);
/* A directory is gone, and its number may come again. */
void names_forget_all(struct volume *volume);
/* 0 and the inode behind the name, or ENOENT, ENOTDIR. */
int names_find(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t *number);
/* 0 if it may be removed as the kind that is meant. */
int names_may_remove(struct volume *volume, ext2_ino_t number, const struct ext2_inode *inode, bool as_directory);
void names_touch(struct volume *volume, ext2_ino_t directory, int links);

#endif
