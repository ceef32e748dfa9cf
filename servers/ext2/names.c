/* Names: looking up, creating, linking and removing them. */
#include <errno.h>
#include <string.h>

#include "ext2.h"

#define LINKS_MAX 65000u

/* ---- what the others use ---- */

static uint32_t type_of(uint32_t mode)
{
    return LINUX_S_ISDIR(mode) ? EXT2_FT_DIR : LINUX_S_ISLNK(mode) ? EXT2_FT_SYMLINK : EXT2_FT_REG_FILE;
}

static int check_directory(struct volume *volume, ext2_ino_t number)
{
    struct ext2_inode inode;
    int error = node_read(volume, number, &inode);
    if (error)
        return error;
    if (inode.i_links_count == 0)
        return ENOENT;
    return LINUX_S_ISDIR(inode.i_mode) ? 0 : ENOTDIR;
}

/* ---- names that were looked up ---- */

static struct name *name_slot(struct volume *volume, ext2_ino_t directory, const char *text)
{
    uint32_t hash = directory * 2654435761u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    return &volume->names[(hash ^ hash >> 16) % NAMES];
}

static bool is_kept(const struct name *slot, ext2_ino_t directory, const char *text)
{
    return slot->number && slot->directory == directory && strcmp(slot->text, text) == 0;
}

static void keep(struct name *slot, ext2_ino_t directory, const char *text, ext2_ino_t number)
{
    if (strlen(text) >= NAME_KEPT)
        return;
    slot->directory = directory;
    slot->number = number;
    strcpy(slot->text, text);
}

void names_forget_all(struct volume *volume)
{
    memset(volume->names, 0, sizeof(volume->names));
}

int names_find(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t *number)
{
    struct name *slot = name_slot(volume, directory, name);
    if (is_kept(slot, directory, name)) {
        *number = slot->number;
        return 0;
    }
    int error = check_directory(volume, directory);
    if (error)
        return error;
    error = error_of(volume, ext2fs_lookup(volume->fs, directory, name, (int)strlen(name), NULL, number));
    if (!error)
        keep(slot, directory, name, *number);
    return error;
}

int names_drop(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t number)
{
    name_slot(volume, directory, name)->number = 0;
    return error_of(volume, ext2fs_unlink(volume->fs, directory, name, number, 0));
}

int names_add(struct volume *volume, ext2_ino_t directory, const char *name, ext2_ino_t number, uint32_t mode)
{
    int flags = volume->fs->super->s_feature_incompat & EXT2_FEATURE_INCOMPAT_FILETYPE ? (int)type_of(mode) : 0;
    errcode_t code = ext2fs_link(volume->fs, directory, name, number, flags);
    if (code == EXT2_ET_DIR_NO_SPACE) {
        code = ext2fs_expand_dir(volume->fs, directory);
        if (!code)
            code = ext2fs_link(volume->fs, directory, name, number, flags);
    }
    return error_of(volume, code);
}

void names_touch(struct volume *volume, ext2_ino_t directory, int links)
{
    struct ext2_inode inode;
    if (node_read(volume, directory, &inode))
        return;
    inode.i_links_count = (uint16_t)(inode.i_links_count + links);
    inode.i_mtime = inode.i_ctime = volume_now(volume);
    node_write(volume, directory, &inode);
}

static int note_entry(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry, int offset, int size, char *buffer,
                      void *found)
{
    (void)directory, (void)entry, (void)offset, (void)size, (void)buffer;
    if (kind != DIRENT_OTHER_FILE)
        return 0;
    *(bool *)found = true;
    return DIRENT_ABORT;
}

int names_may_remove(struct volume *volume, ext2_ino_t number, const struct ext2_inode *inode, bool as_directory)
{
    bool full = false;
    if (!LINUX_S_ISDIR(inode->i_mode))
        return as_directory ? ENOTDIR : 0;
    if (!as_directory)
        return EISDIR;
    int error = error_of(volume, ext2fs_dir_iterate2(volume->fs, number, 0, NULL, note_entry, &full));
    return error ? error : full ? ENOTEMPTY : 0;
}

/* ---- lookup ---- */

static int lookup(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    ext2_ino_t number;
    int error = names_find(volume, rq->node, rq->name, &number);
    if (!error)
        error = node_read(volume, number, &inode);
    if (!error)
        node_answer(volume, rq, number, &inode);
    return error;
}

/* ---- create ---- */

static errcode_t start_extents(struct volume *volume, ext2_ino_t number, struct ext2_inode *inode)
{
    ext2_extent_handle_t handle;
    if (!ext2fs_has_feature_extents(volume->fs->super))
        return 0;
    errcode_t code = ext2fs_extent_open2(volume->fs, number, inode, &handle);
    if (!code)
        ext2fs_extent_free(handle);
    return code;
}

static int create_file(struct volume *volume, const request *rq, ext2_ino_t *number)
{
    struct ext2_inode inode = { .i_mode = (uint16_t)(LINUX_S_IFREG | (rq->mode & 07777)), .i_links_count = 1,
                                .i_generation = (uint32_t)ticks() };
    errcode_t code = ext2fs_new_inode(volume->fs, rq->node, inode.i_mode, 0, number);
    if (!code)
        code = start_extents(volume, *number, &inode);
    if (code)
        return error_of(volume, code);
    inode.i_atime = inode.i_mtime = inode.i_ctime = volume_now(volume);
    int error = names_add(volume, rq->node, rq->name, *number, inode.i_mode);
    if (error)
        return error;
    ext2fs_inode_alloc_stats2(volume->fs, *number, 1, 0);
    return error_of(volume, ext2fs_write_new_inode(volume->fs, *number, &inode));
}

static errcode_t make(struct volume *volume, const request *rq)
{
    if (LINUX_S_ISDIR(rq->mode))
        return ext2fs_mkdir(volume->fs, rq->node, 0, rq->name);
    return ext2fs_symlink(volume->fs, rq->node, 0, rq->name, rq->text);
}

/* These keep the generation that they were given: it is in their blocks' checksums.
 * libext2fs wants the directory to have room before it makes one of these. */
static int create_other(struct volume *volume, const request *rq, ext2_ino_t *number)
{
    struct ext2_inode inode;
    errcode_t code = make(volume, rq);
    if (code == EXT2_ET_DIR_NO_SPACE) {
        code = ext2fs_expand_dir(volume->fs, rq->node);
        if (!code)
            code = make(volume, rq);
    }
    int error = error_of(volume, code);
    if (!error)
        error = names_find(volume, rq->node, rq->name, number);
    if (!error)
        error = node_read(volume, *number, &inode);
    if (error)
        return error;
    inode.i_mode = (uint16_t)rq->mode;
    inode.i_atime = inode.i_mtime = inode.i_ctime = volume_now(volume);
    return node_write(volume, *number, &inode);
}

static int create(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    ext2_ino_t number;
    int error = volume_will_change(volume);
    if (!error)
        error = names_find(volume, rq->node, rq->name, &number);
    if (error != ENOENT)
        return error ? error : EEXIST;
    error = check_directory(volume, rq->node);
    if (!error)
        error = LINUX_S_ISREG(rq->mode) ? create_file(volume, rq, &number) : create_other(volume, rq, &number);
    if (error)
        return error;
    names_touch(volume, rq->node, 0);
    error = node_read(volume, number, &inode);
    node_answer(volume, rq, number, &inode);
    return error;
}

/* ---- link and remove ---- */

static int link_name(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    ext2_ino_t other;
    int error = volume_will_change(volume);
    if (!error)
        error = names_find(volume, rq->directory, rq->text, &other);
    if (error != ENOENT)
        return error ? error : EEXIST;
    error = node_read_same(volume, rq, &inode);
    if (!error && LINUX_S_ISDIR(inode.i_mode))
        error = EPERM;
    if (!error && inode.i_links_count >= LINKS_MAX)
        error = EMLINK;
    if (!error)
        error = names_add(volume, rq->directory, rq->text, rq->node, inode.i_mode);
    if (error)
        return error;
    names_touch(volume, rq->directory, 0);
    inode.i_links_count++;
    inode.i_ctime = volume_now(volume);
    return node_write(volume, rq->node, &inode);
}

static int remove_name(struct volume *volume, request *rq)
{
    struct ext2_inode inode;
    ext2_ino_t number;
    int error = volume_will_change(volume);
    if (!error)
        error = names_find(volume, rq->node, rq->name, &number);
    if (!error)
        error = node_read(volume, number, &inode);
    if (!error)
        error = names_may_remove(volume, number, &inode, rq->flags & FILE_SYSTEM_DIRECTORY);
    if (!error)
        error = names_drop(volume, rq->node, rq->name, number);
    if (error)
        return error;
    names_touch(volume, rq->node, LINUX_S_ISDIR(inode.i_mode) ? -1 : 0);
    return node_drop_name(volume, number, &inode);
}

/* ---- the operations ---- */

int names_lookup(request *rq, void *data)
{
    (void)data;
    return volume_run(lookup, rq);
}

int names_create(request *rq, void *data)
{
    (void)data;
    return volume_run(create, rq);
}

int names_link(request *rq, void *data)
{
    (void)data;
    return volume_run(link_name, rq);
}

int names_remove(request *rq, void *data)
{
    (void)data;
    return volume_run(remove_name, rq);
}
