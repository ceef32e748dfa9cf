/* Renaming. Like every operation it is one change between two syncs: on the disk a file has the old name or the new one, and what
 * had the new name before is there as long as the file has not got it. */
#include <errno.h>
#include <string.h>

#include "ext2.h"

#define DEPTH_MAX 1000u /* directories between one and the root; more is a loop */

struct rename {
    ext2_ino_t number, replaced;    /* what moves; what had the new name, 0: nothing */
    struct ext2_inode inode, replaced_inode;
};

/* A directory must not move into itself. */
static int check_not_below(struct volume *volume, ext2_ino_t directory, ext2_ino_t moved)
{
    for (uint32_t depth = 0; depth < DEPTH_MAX; depth++) {
        if (directory == moved)
            return EINVAL;
        if (directory == EXT2_ROOT_INO)
            return 0;
        int error = names_find(volume, directory, "..", &directory);
        if (error)
            return error;
    }
    return EIO;
}

static int look(struct volume *volume, const request *rq, struct rename *rename)
{
    int error = names_find(volume, rq->node, rq->name, &rename->number);
    if (!error)
        error = node_read(volume, rename->number, &rename->inode);
    if (!error)
        error = names_find(volume, rq->directory, rq->text, &rename->replaced);
    if (error == ENOENT && rename->number) {
        rename->replaced = 0;
        error = 0;
    } else if (!error) {
        error = node_read(volume, rename->replaced, &rename->replaced_inode);
    }
    return error;
}

static int check(struct volume *volume, const request *rq, const struct rename *rename)
{
    bool directory = LINUX_S_ISDIR(rename->inode.i_mode);
    int error = directory ? check_not_below(volume, rq->directory, rename->number) : 0;
    if (!error && rename->replaced)
        error = names_may_remove(volume, rename->replaced, &rename->replaced_inode, directory);
    return error;
}

static int replace_parent(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry, int offset, int size, char *buffer,
                          void *parent)
{
    (void)directory, (void)offset, (void)size, (void)buffer;
    if (kind != DIRENT_DOT_DOT_FILE)
        return 0;
    entry->inode = *(ext2_ino_t *)parent;
    return DIRENT_CHANGED | DIRENT_ABORT;
}

/* ".." of a directory that moved, and the links that go with it. */
static int move_directory(struct volume *volume, const request *rq, ext2_ino_t number)
{
    ext2_ino_t parent = rq->directory;
    if (rq->node == rq->directory)
        return 0;
    names_forget_all(volume); /* ".." among them */
    names_touch(volume, rq->node, -1);
    names_touch(volume, rq->directory, 1);
    return error_of(volume, ext2fs_dir_iterate2(volume->fs, number, DIRENT_FLAG_INCLUDE_EMPTY, NULL, replace_parent, &parent));
}

static int drop_replaced(struct volume *volume, const request *rq, struct rename *rename)
{
    int error = names_drop(volume, rq->directory, rq->text, rename->replaced);
    if (error)
        return error;
    if (LINUX_S_ISDIR(rename->replaced_inode.i_mode))
        names_touch(volume, rq->directory, -1);
    return node_drop_name(volume, rename->replaced, &rename->replaced_inode);
}

static int rename_name(struct volume *volume, request *rq)
{
    struct rename rename = { 0 };
    int error = volume_will_change(volume);
    if (!error)
        error = look(volume, rq, &rename);
    if (error || rename.number == rename.replaced)
        return error;
    error = check(volume, rq, &rename);
    if (!error && rename.replaced)
        error = drop_replaced(volume, rq, &rename);
    if (!error)
        error = names_add(volume, rq->directory, rq->text, rename.number, rename.inode.i_mode);
    if (!error)
        error = names_drop(volume, rq->node, rq->name, rename.number);
    if (error)
        return error;
    names_touch(volume, rq->node, 0);
    names_touch(volume, rq->directory, 0);
    return LINUX_S_ISDIR(rename.inode.i_mode) ? move_directory(volume, rq, rename.number) : 0;
}

int names_rename(request *rq, void *data)
{
    (void)data;
    return volume_run(rename_name, rq);
}
