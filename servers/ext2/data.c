/* Contents of files. Where blocks lie is asked with the volume locked (map.c); bytes are copied from the page cache to the client
 * with the volume free, so that several readers wait for the disk at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cache.h"
#include "ext2.h"

#include <ext2fs/ext2fsP.h> /* ext2fs_file_block_offset_too_big() */

#define READ_AHEAD (64u * 1024u)
#define PAUSE 1000u /* microseconds */

/* Others have the volume meanwhile, and what was known of it must be asked again. */
static void let_others(struct volume *volume)
{
    volume_unlock(volume);
    sleep_microseconds(PAUSE);
    lock_acquire(&volume->lock);
}

/* ---- reading ---- */

static int copy_run(const struct volume *volume, const struct run *run, uint32_t skip, uint8_t *to, uint32_t bytes)
{
    uint32_t size = volume->fs->blocksize, rest = run->count * size - skip;
    if (run->first == 0) {
        memset(to, 0, bytes);
        return 0;
    }
    status_t status = cache_read(volume->unit, run->first * size + skip, to, bytes, rest < READ_AHEAD ? rest : READ_AHEAD);
    return status == OK ? 0 : EIO;
}

/* One run's worth, with the volume unlocked while bytes move. */
static int read_piece(struct volume *volume, struct open_node *node, struct ext2_inode *inode, uint64_t offset, uint8_t *to,
                      uint32_t *bytes)
{
    struct run run = { 0 };
    uint32_t size = volume->fs->blocksize, skip = (uint32_t)(offset % size);
    int error = map_run(volume, node, inode, (uint32_t)(offset / size), &run);
    if (error)
        return error;
    if (*bytes > run.count * size - skip)
        *bytes = run.count * size - skip;
    node->readers++;
    volume_unlock(volume);
    error = copy_run(volume, &run, skip, to, *bytes);
    lock_acquire(&volume->lock);
    node->readers--;
    return error;
}

/* 0, the open node and its inode, if these can be read or written. */
static int find_file(struct volume *volume, const request *rq, struct open_node **node, struct ext2_inode *inode)
{
    *node = node_find_open(volume, rq->node);
    if (!*node)
        return EBADF;
    int error = node_read(volume, rq->node, inode);
    if (error)
        return error;
    return LINUX_S_ISDIR(inode->i_mode) ? EISDIR : LINUX_S_ISREG(inode->i_mode) ? 0 : EINVAL;
}

/* The inode is read anew for each piece: while the last was copied, the file may have become shorter. */
static int read(struct volume *volume, request *rq, uint8_t *to)
{
    struct ext2_inode inode;
    struct open_node *node;
    uint32_t done = 0, wanted = rq->length;
    int error = 0;
    while (done < wanted && !(error = find_file(volume, rq, &node, &inode))) {
        uint64_t at = rq->offset + done, size = EXT2_I_SIZE(&inode);
        if (node->awaited) {
            let_others(volume);
            continue;
        }
        if (at >= size)
            break;
        uint32_t bytes = wanted - done < size - at ? wanted - done : (uint32_t)(size - at);
        error = read_piece(volume, node, &inode, at, to + done, &bytes);
        if (error)
            break;
        done += bytes;
    }
    rq->length = done;
    return done ? 0 : error;
}

int data_read(request *rq, void *data)
{
    struct volume *volume = volume_lock(rq->volume);
    if (!volume)
        return ENXIO;
    int error = read(volume, rq, data);
    volume_unlock(volume);
    return error;
}

/* ---- writing ---- */

/* The place of a block for writing; *fresh: what lies there is not the file's. */
static errcode_t map_for_writing(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint32_t block,
                                 blk64_t *place, bool *fresh)
{
    int flags = 0;
    errcode_t code = ext2fs_bmap2(volume->fs, number, inode, NULL, 0, block, &flags, place);
    *fresh = *place == 0 || (flags & BMAP_RET_UNINIT);
    if (!code && *place == 0)
        code = ext2fs_bmap2(volume->fs, number, inode, NULL, BMAP_ALLOC, block, NULL, place);
    else if (!code && *fresh)
        code = ext2fs_bmap2(volume->fs, number, inode, NULL, BMAP_SET, block, NULL, place);
    return code;
}

static int write_piece(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint64_t offset, const uint8_t *from,
                       uint32_t *bytes)
{
    uint32_t size = volume->fs->blocksize, skip = (uint32_t)(offset % size);
    blk64_t place = 0;
    bool fresh;
    if (*bytes > size - skip)
        *bytes = size - skip;
    errcode_t code = map_for_writing(volume, number, inode, (uint32_t)(offset / size), &place, &fresh);
    if (code)
        return error_of(volume, code);
    status_t status = OK;
    if (fresh && *bytes < size)
        status = cache_zero(volume->unit, place * size, size);
    if (status == OK)
        status = cache_write(volume->unit, place * size + skip, from, *bytes);
    return status == OK ? 0 : EIO;
}

static int write_all(struct volume *volume, request *rq, struct ext2_inode *inode, const uint8_t *from)
{
    uint32_t done = 0, wanted = rq->length;
    int error = 0;
    while (done < wanted && !error) {
        uint32_t bytes = wanted - done;
        error = write_piece(volume, rq->node, inode, rq->offset + done, from + done, &bytes);
        done += error ? 0 : bytes;
    }
    rq->length = done;
    return done ? 0 : error;
}

static int write(struct volume *volume, request *rq, const uint8_t *from)
{
    struct ext2_inode inode;
    struct open_node *node;
    int error = find_file(volume, rq, &node, &inode);
    if (!error)
        error = volume_will_change(volume);
    if (error)
        return error;
    if (rq->flags & O_APPEND)
        rq->offset = EXT2_I_SIZE(&inode);
    if (rq->offset > (uint64_t)INT64_MAX - rq->length ||
        ext2fs_file_block_offset_too_big(volume->fs, &inode, (rq->offset + rq->length) / volume->fs->blocksize))
        return EFBIG;
    map_forget(node);
    error = write_all(volume, rq, &inode, from);
    uint64_t end = rq->offset + rq->length;
    if (!error && end > EXT2_I_SIZE(&inode))
        error = error_of(volume, ext2fs_inode_size_set(volume->fs, &inode, (ext2_off64_t)end));
    inode.i_mtime = inode.i_ctime = volume_now(volume);
    int written = node_write(volume, rq->node, &inode);
    return error ? error : written;
}

int data_write(request *rq, void *data)
{
    struct volume *volume = volume_lock(rq->volume);
    if (!volume)
        return ENXIO;
    int error = write(volume, rq, data);
    volume_unlock(volume);
    return error;
}

/* ---- truncating ---- */

/* Blocks must not go to another file while somebody still reads from them. */
static void wait_for_readers(struct volume *volume, ext2_ino_t number)
{
    struct open_node *node;
    while ((node = node_find_open(volume, number)) && node->readers) {
        node->awaited = true;
        let_others(volume);
    }
    if (node)
        node->awaited = false;
}

/* The rest of the last block reads as zero when the file grows again. */
static errcode_t clear_tail(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint64_t size)
{
    uint32_t block_size = volume->fs->blocksize, used = (uint32_t)(size % block_size);
    blk64_t place;
    if (used == 0)
        return 0;
    errcode_t code = map_block(volume, number, inode, (uint32_t)(size / block_size), &place);
    if (code || place == 0)
        return code;
    return cache_zero(volume->unit, place * block_size + used, block_size - used) == OK ? 0 : EIO;
}

static errcode_t shrink(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint64_t size)
{
    uint32_t block_size = volume->fs->blocksize;
    errcode_t code = clear_tail(volume, number, inode, size);
    return code ? code : ext2fs_punch(volume->fs, number, inode, NULL, (size + block_size - 1) / block_size, ~0ull);
}

static int truncate(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    wait_for_readers(volume, rq->node);
    int error = volume_will_change(volume);
    if (!error)
        error = node_read_same(volume, rq, &inode);
    if (error)
        return error;
    if (!LINUX_S_ISREG(inode.i_mode))
        return LINUX_S_ISDIR(inode.i_mode) ? EISDIR : EINVAL;
    if (ext2fs_file_block_offset_too_big(volume->fs, &inode, rq->offset / volume->fs->blocksize))
        return EFBIG;
    map_forget(node_find_open(volume, rq->node));
    errcode_t code = rq->offset < EXT2_I_SIZE(&inode) ? shrink(volume, rq->node, &inode, rq->offset) : 0;
    if (!code)
        code = ext2fs_inode_size_set(volume->fs, &inode, (ext2_off64_t)rq->offset);
    inode.i_mtime = inode.i_ctime = volume_now(volume);
    error = error_of(volume, code);
    int written = node_write(volume, rq->node, &inode);
    return error ? error : written;
}

int data_truncate(request *rq, void *data)
{
    (void)data;
    return volume_run(truncate, rq);
}
