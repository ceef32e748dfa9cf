/* Listing directories. A place in a listing is a byte offset in the directory, where entries stay while they are there. */
#include <errno.h>
#include <stdlib.h>

#include "ext2.h"

struct listing {
    struct volume *volume;
    request *rq;
    uint8_t *data;
    uint32_t used, room;
    bool full;
};

static uint32_t mode_of(const struct ext2_dir_entry *entry)
{
    static const uint16_t modes[] = {
        [EXT2_FT_REG_FILE] = LINUX_S_IFREG, [EXT2_FT_DIR] = LINUX_S_IFDIR, [EXT2_FT_CHRDEV] = LINUX_S_IFCHR,
        [EXT2_FT_BLKDEV] = LINUX_S_IFBLK, [EXT2_FT_FIFO] = LINUX_S_IFIFO, [EXT2_FT_SOCK] = LINUX_S_IFSOCK,
        [EXT2_FT_SYMLINK] = LINUX_S_IFLNK,
    };
    uint32_t type = (uint32_t)ext2fs_dirent_file_type(entry);
    return type < sizeof(modes) / sizeof(modes[0]) ? modes[type] : 0;
}

/* Entries of one block from the wanted offset on, which may lie in the middle of one. */
static int list_block(struct listing *listing, const char *block, uint64_t start)
{
    ext2_filsys fs = listing->volume->fs;
    for (uint32_t at = 0, length; at < fs->blocksize; at += length) {
        struct ext2_dir_entry *entry = (struct ext2_dir_entry *)(block + at);
        if (ext2fs_get_rec_len(fs, entry, &length) || length < 8 || length > fs->blocksize - at)
            return EIO;
        if (start + at < listing->rq->offset)
            continue;
        if (entry->inode && ext2fs_dirent_name_len(entry) > 0 &&
            !file_system_add_entry(listing->data, &listing->used, listing->room, entry->inode, mode_of(entry), entry->name,
                                   (uint32_t)ext2fs_dirent_name_len(entry))) {
            listing->full = true;
            return 0;
        }
        listing->rq->offset = start + at + length;
    }
    listing->rq->offset = start + fs->blocksize; /* also if it was in the middle of the last entry, where there was one before */
    return 0;
}

static int list_blocks(struct listing *listing, struct ext2_inode *inode, char *block)
{
    request *rq = listing->rq;
    ext2_filsys fs = listing->volume->fs;
    while (rq->offset < EXT2_I_SIZE(inode) && !listing->full) {
        uint64_t number = rq->offset / fs->blocksize;
        blk64_t place;
        errcode_t code = ext2fs_bmap2(fs, rq->node, inode, NULL, 0, number, NULL, &place);
        if (!code)
            code = place ? ext2fs_read_dir_block4(fs, place, block, 0, rq->node) : EXT2_ET_DIR_CORRUPTED;
        int error = code ? error_of(listing->volume, code) : list_block(listing, block, number * fs->blocksize);
        if (error)
            return error;
    }
    return 0;
}

static int list(struct volume *volume, request *rq, uint8_t *data)
{
    struct listing listing = { .volume = volume, .rq = rq, .data = data, .room = rq->length };
    struct ext2_inode inode;
    int error = node_read(volume, rq->node, &inode);
    if (!error && !LINUX_S_ISDIR(inode.i_mode))
        error = ENOTDIR;
    if (error)
        return error;
    char *block = malloc(volume->fs->blocksize);
    if (!block)
        return ENOMEM;
    error = list_blocks(&listing, &inode, block);
    free(block);
    rq->length = listing.used;
    return listing.used ? 0 : error ? error : listing.full ? EINVAL : 0;
}

int names_list(request *rq, void *data)
{
    struct volume *volume = volume_lock(rq->volume);
    if (!volume)
        return ENXIO;
    int error = list(volume, rq, data);
    volume_unlock(volume);
    return error;
}
