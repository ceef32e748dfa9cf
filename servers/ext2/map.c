/* Where the blocks of files lie. What was found out is kept with the open node, in runs; a run is read from the block of
 * pointers, or the extent, that holds it, once. */
#include <string.h>

#include "cache.h"
#include "ext2.h"

#define POINTERS 128u       /* read at once from an indirect block */
#define POINTER_BYTES 4u

static const struct run *find_run(const struct open_node *node, uint32_t block)
{
    for (uint32_t i = 0; i < RUNS; i++)
        if (block - node->runs[i].block < node->runs[i].count)
            return &node->runs[i];
    return NULL;
}

void map_forget(struct open_node *node)
{
    if (node)
        memset(node->runs, 0, sizeof(node->runs));
}

/* A block that was reserved and never written reads as a hole. */
errcode_t map_block(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, uint32_t block, blk64_t *place)
{
    int flags = 0;
    errcode_t code = ext2fs_bmap2(volume->fs, number, inode, NULL, 0, block, &flags, place);
    if (!code && (flags & BMAP_RET_UNINIT))
        *place = 0;
    return code;
}

/* ---- extents ---- */

static void run_of_extent(const struct ext2fs_extent *extent, struct run *run)
{
    uint32_t skip = run->block - (uint32_t)extent->e_lblk;
    run->count = extent->e_len - skip;
    run->first = extent->e_flags & EXT2_EXTENT_FLAGS_UNINIT ? 0 : extent->e_pblk + skip;
}

static errcode_t run_by_extent(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, struct run *run)
{
    ext2_extent_handle_t handle;
    struct ext2fs_extent extent;
    errcode_t code = ext2fs_extent_open2(volume->fs, number, inode, &handle);
    if (code)
        return code;
    code = ext2fs_extent_goto(handle, run->block);
    if (!code)
        code = ext2fs_extent_get(handle, EXT2_EXTENT_CURRENT, &extent);
    if (!code && run->block - extent.e_lblk < extent.e_len)
        run_of_extent(&extent, run);
    ext2fs_extent_free(handle);
    return code == EXT2_ET_EXTENT_NOT_FOUND || code == EXT2_ET_NO_CURRENT_NODE ? 0 : code;
}

/* ---- block pointers ---- */

static uint32_t count_run(const uint32_t *pointers, uint32_t most)
{
    uint32_t count = 1;
    while (count < most && pointers[count] == (pointers[0] ? pointers[0] + count : 0))
        count++;
    return count;
}

static errcode_t read_pointers(const struct volume *volume, blk64_t block, uint32_t index, uint32_t count, uint32_t *pointers)
{
    uint64_t offset = block * volume->fs->blocksize + index * POINTER_BYTES;
    status_t status = block < ext2fs_blocks_count(volume->fs->super) ? cache_read(volume->unit, offset, pointers,
                                                                                 count * POINTER_BYTES, 0) : E_BAD_ARGUMENT;
    return status == OK ? 0 : EXT2_ET_BAD_IND_BLOCK;
}

/* Follows the pointers of `levels` indirect blocks down to those of `index` and after. */
static errcode_t run_below(const struct volume *volume, uint32_t block, uint32_t levels, uint32_t index, struct run *run)
{
    uint32_t pointers[POINTERS], per_block = volume->fs->blocksize / POINTER_BYTES, below = 1, count;
    for (uint32_t level = 1; level < levels; level++)
        below *= per_block;
    for (; levels > 1 && block; levels--, below /= per_block) {
        errcode_t code = read_pointers(volume, block, index / below % per_block, 1, &block);
        if (code)
            return code;
    }
    if (block == 0)
        return 0;
    count = per_block - index % per_block < POINTERS ? per_block - index % per_block : POINTERS;
    errcode_t code = read_pointers(volume, block, index % per_block, count, pointers);
    run->first = pointers[0];
    run->count = count_run(pointers, count);
    return code;
}

static errcode_t run_by_pointers(const struct volume *volume, const struct ext2_inode *inode, struct run *run)
{
    uint64_t per_block = volume->fs->blocksize / POINTER_BYTES, index = run->block, span = per_block;
    if (index < EXT2_NDIR_BLOCKS) {
        run->first = inode->i_block[index];
        run->count = count_run(inode->i_block + index, EXT2_NDIR_BLOCKS - (uint32_t)index);
        return 0;
    }
    index -= EXT2_NDIR_BLOCKS;
    for (uint32_t level = 1; level <= 3; level++, index -= span, span *= per_block)
        if (index < span)
            return run_below(volume, inode->i_block[EXT2_NDIR_BLOCKS + level - 1], level, (uint32_t)index, run);
    return EXT2_ET_FILE_TOO_BIG;
}

/* ---- runs ---- */

static errcode_t find_out(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode, struct run *run)
{
    errcode_t code = inode->i_flags & EXT4_EXTENTS_FL ? run_by_extent(volume, number, inode, run)
                                                      : run_by_pointers(volume, inode, run);
    if (!code && run->first && (run->first < volume->fs->super->s_first_data_block ||
                                run->first + run->count > ext2fs_blocks_count(volume->fs->super)))
        code = EXT2_ET_BAD_BLOCK_NUM;
    return code;
}

int map_run(struct volume *volume, struct open_node *node, struct ext2_inode *inode, uint32_t block, struct run *found)
{
    const struct run *known = find_run(node, block);
    if (!known) {
        struct run *slot = &node->runs[node->next_run++ % RUNS];
        *slot = (struct run){ .block = block, .count = 1 };
        errcode_t code = find_out(volume, node->inode, inode, slot);
        if (code) {
            slot->count = 0;
            return error_of(volume, code);
        }
        known = slot;
    }
    uint32_t skip = block - known->block;
    *found = (struct run){ block, known->count - skip, known->first ? known->first + skip : 0 };
    return 0;
}
