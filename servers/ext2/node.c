/* Inodes: attributes, who has them open, and their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ext2.h"

/* ---- reading and writing ---- */

static int read_inode(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    return error_of(volume, ext2fs_read_inode(volume->fs, number, inode));
}

int node_read(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    return volume->failed ? EIO : read_inode(volume, number, inode);
}

int node_read_same(struct volume *volume, const request *rq, struct ext2_inode *inode)
{
    int error = node_read(volume, rq->node, inode);
    if (error)
        return error;
    bool in_use = inode->i_links_count || node_find_open(volume, rq->node);
    return in_use && inode->i_generation == rq->generation ? 0 : ESTALE;
}

int node_write(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    return error_of(volume, ext2fs_write_inode(volume->fs, number, inode));
}

void node_answer(const struct volume *volume, request *rq, ext2_ino_t number, struct ext2_inode *inode)
{
    rq->node = number;
    rq->attributes = (struct vfs_attributes){
        .mode = inode->i_mode, .links = inode->i_links_count, .user = inode_uid(*inode), .group = inode_gid(*inode),
        .size = EXT2_I_SIZE(inode), .blocks = ext2fs_get_stat_i_blocks(volume->fs, inode), .block_size = volume->fs->blocksize,
        .device = volume->number, .inode = number, .accessed = inode->i_atime, .modified = inode->i_mtime,
        .changed = inode->i_ctime, .generation = inode->i_generation,
    };
}

/* Also of a volume that has failed: its root must be found to be unmounted. */
static int answer(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    int error = volume->failed ? read_inode(volume, rq->node, &inode) : node_read_same(volume, rq, &inode);
    if (!error)
        node_answer(volume, rq, rq->node, &inode);
    return error;
}

int node_stat(request *rq, void *data)
{
    (void)data;
    return volume_run(answer, rq);
}

/* ---- open nodes ---- */

struct open_node *node_find_open(struct volume *volume, ext2_ino_t number)
{
    struct open_node *node = volume->nodes;
    while (node && node->inode != number)
        node = node->next;
    return node;
}

static struct open_node *add_open(struct volume *volume, ext2_ino_t number)
{
    struct open_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    node->inode = number;
    node->next = volume->nodes;
    volume->nodes = node;
    return node;
}

static int open_node(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    int error = node_read_same(volume, rq, &inode);
    if (error)
        return error;
    struct open_node *node = node_find_open(volume, rq->node);
    if (!node)
        node = add_open(volume, rq->node);
    if (node)
        node->opens++;
    return node ? 0 : ENOMEM;
}

int node_open(request *rq, void *data)
{
    (void)data;
    return volume_run(open_node, rq);
}

/* ---- the end ---- */

static errcode_t free_inode(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    errcode_t code = 0;
    volume->changed = true; /* also by the last close of a file that has no name */
    if (LINUX_S_ISDIR(inode->i_mode))
        names_forget_all(volume);
    if (ext2fs_inode_has_valid_blocks2(volume->fs, inode))
        code = ext2fs_punch(volume->fs, number, inode, NULL, 0, ~0ull);
    inode->i_links_count = 0;
    inode->i_dtime = volume_now(volume);
    if (!code)
        code = ext2fs_write_inode(volume->fs, number, inode);
    if (!code && inode->i_file_acl)
        code = ext2fs_free_ext_attr(volume->fs, number, NULL);
    if (!code)
        ext2fs_inode_alloc_stats2(volume->fs, number, -1, LINUX_S_ISDIR(inode->i_mode));
    return code;
}

int node_drop_name(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    struct open_node *node = node_find_open(volume, number);
    bool last = LINUX_S_ISDIR(inode->i_mode) || inode->i_links_count <= 1;
    inode->i_links_count = last ? 0 : (uint16_t)(inode->i_links_count - 1);
    inode->i_ctime = volume_now(volume);
    if (last && !node)
        return error_of(volume, free_inode(volume, number, inode));
    if (last)
        node->nameless = true;
    return node_write(volume, number, inode);
}

static void remove_open(struct volume *volume, struct open_node *node)
{
    struct open_node **link = &volume->nodes;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    free(node);
}

static int close_last(struct volume *volume, struct open_node *node)
{
    struct ext2_inode inode;
    ext2_ino_t number = node->inode;
    bool nameless = node->nameless;
    remove_open(volume, node);
    if (!nameless)
        return 0;
    int error = node_read(volume, number, &inode);
    return error ? error : error_of(volume, free_inode(volume, number, &inode));
}

static int close_node(struct volume *volume, request *rq)
{
    struct open_node *node = node_find_open(volume, rq->node);
    if (!node)
        return EBADF;
    return --node->opens == 0 ? close_last(volume, node) : 0;
}

int node_close(request *rq, void *data)
{
    (void)data;
    return volume_run(close_node, rq);
}

void node_close_all(struct volume *volume)
{
    while (volume->nodes)
        close_last(volume, volume->nodes);
}

/* ---- attributes ---- */

static int set_attributes(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    int error = volume_will_change(volume);
    if (!error)
        error = node_read_same(volume, rq, &inode);
    if (error)
        return error;
    if (rq->flags & FILE_SYSTEM_MODE)
        inode.i_mode = (uint16_t)((inode.i_mode & LINUX_S_IFMT) | (rq->mode & 07777));
    if (rq->flags & FILE_SYSTEM_TIMES) {
        inode.i_atime = rq->attributes.accessed;
        inode.i_mtime = rq->attributes.modified;
    }
    inode.i_ctime = volume_now(volume);
    return node_write(volume, rq->node, &inode);
}

int node_set_attributes(request *rq, void *data)
{
    (void)data;
    return volume_run(set_attributes, rq);
}

/* ---- symbolic links: short ones lie in the inode itself ---- */

static int read_link(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    blk64_t block;
    int error = node_read_same(volume, rq, &inode);
    if (error)
        return error;
    uint64_t size = EXT2_I_SIZE(&inode);
    if (!LINUX_S_ISLNK(inode.i_mode))
        return EINVAL;
    if (size >= VFS_PATH)
        return ENAMETOOLONG;
    if (ext2fs_is_fast_symlink(&inode)) {
        memcpy(rq->text, inode.i_block, size < sizeof(inode.i_block) ? size : sizeof(inode.i_block));
    } else {
        errcode_t code = ext2fs_bmap2(volume->fs, rq->node, &inode, NULL, 0, 0, NULL, &block);
        if (!code)
            code = block ? io_channel_read_blk64(volume->fs->io, block, -(int)size, rq->text) : EIO;
        error = error_of(volume, code);
    }
    rq->text[size] = '\0';
    rq->length = (uint32_t)size;
    return error;
}

int node_read_link(request *rq, void *data)
{
    (void)data;
    return volume_run(read_link, rq);
}
