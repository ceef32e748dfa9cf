/* memoryfs: a file system in memory, gone when it is unmounted. Here are the operations that the VFS asks for. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memoryfs.h"

#define FILE_BYTES_MAX 0x7FFFFFFFu
#define INODES_MAX 65536u

typedef struct file_system_request request;

/* ---- what every operation begins with ---- */

/* NULL: it is gone, and its number may be another's. */
static struct node *node_of(const request *rq)
{
    struct node *node = node_find(rq->volume, rq->node);
    return node && node->generation == rq->generation ? node : NULL;
}

/* 0, or ESTALE, ENOTDIR. */
static int check_directory(const struct node *directory)
{
    return !directory ? ESTALE : S_ISDIR(directory->mode) ? 0 : ENOTDIR;
}

static void answer(request *rq, struct node *node)
{
    rq->node = node->inode;
    node_attributes(node, &rq->attributes);
}

/* ---- volumes ---- */

static int mount(request *rq, void *data)
{
    (void)data;
    uint32_t root = node_create(rq->volume, S_IFDIR | 0755);
    if (!root)
        return ENOMEM;
    struct node *node = node_find(rq->volume, root);
    node->parent = root;
    node->links = 2;
    answer(rq, node);
    return 0;
}

static int unmount(request *rq, void *data)
{
    (void)data;
    return nodes_free(rq->volume, rq->flags & FILE_SYSTEM_FORCE);
}

static int statistics(request *rq, void *data)
{
    (void)data;
    uint32_t limit = 0, used = 0;
    process_info(self_process(), PROCESS_QUOTA_LIMIT, &limit);
    process_info(self_process(), PROCESS_QUOTA_USED, &used);
    rq->statistics = (struct vfs_statistics){
        .blocks = limit / BLOCK_BYTES, .free_blocks = (limit - used) / BLOCK_BYTES, .block_size = BLOCK_BYTES,
        .inodes = INODES_MAX, .free_inodes = INODES_MAX - node_count(),
    };
    return 0;
}

static int sync(request *rq, void *data)
{
    (void)rq;
    (void)data;
    return 0;
}

/* ---- names ---- */

static int lookup(request *rq, void *data)
{
    (void)data;
    struct node *directory = node_of(rq);
    int error = check_directory(directory);
    if (error)
        return error;
    struct entry *entry = directory_find(directory, rq->name);
    if (!entry)
        return ENOENT;
    answer(rq, node_find(rq->volume, entry->node));
    return 0;
}

static int fill_new(const request *rq, struct node *node, struct node *directory)
{
    node->parent = directory->inode;
    if (!S_ISLNK(node->mode))
        return 0;
    node->text = strdup(rq->text);
    node->size = strlen(rq->text);
    return node->text ? 0 : ENOSPC;
}

static int create(request *rq, void *data)
{
    (void)data;
    struct node *directory = node_of(rq);
    int error = check_directory(directory);
    if (error)
        return error;
    if (directory_find(directory, rq->name))
        return EEXIST;
    uint32_t number = node_count() < INODES_MAX ? node_create(rq->volume, rq->mode) : 0;
    if (!number)
        return ENOSPC;
    struct node *node = node_find(rq->volume, number);
    error = fill_new(rq, node, directory);
    if (!error)
        error = directory_add(directory, rq->name, number);
    if (error) {
        node_put(node);
        return error;
    }
    node->links++;
    directory->links += S_ISDIR(node->mode);
    answer(rq, node);
    return 0;
}

/* Takes the name away, and the node with its last one. */
static void remove_entry(struct node *directory, struct entry *entry)
{
    struct node *node = node_find(directory->volume, entry->node);
    directory_remove(directory, entry);
    directory->links -= S_ISDIR(node->mode);
    node->links--;
    node->changed = file_system_now();
    node_put(node);
}

static int may_remove(const struct node *node, bool as_directory)
{
    if (S_ISDIR(node->mode) && !as_directory)
        return EISDIR;
    if (!S_ISDIR(node->mode) && as_directory)
        return ENOTDIR;
    return S_ISDIR(node->mode) && node->entries ? ENOTEMPTY : 0;
}

static int remove_name(request *rq, void *data)
{
    (void)data;
    struct node *directory = node_of(rq);
    int error = check_directory(directory);
    if (error)
        return error;
    struct entry *entry = directory_find(directory, rq->name);
    if (!entry)
        return ENOENT;
    error = may_remove(node_find(rq->volume, entry->node), rq->flags & FILE_SYSTEM_DIRECTORY);
    if (!error)
        remove_entry(directory, entry);
    return error;
}

static int link_name(request *rq, void *data)
{
    (void)data;
    struct node *directory = node_find(rq->volume, rq->directory), *node = node_of(rq);
    int error = node ? check_directory(directory) : ESTALE;
    if (error)
        return error;
    if (S_ISDIR(node->mode))
        return EPERM;
    if (directory_find(directory, rq->text))
        return EEXIST;
    error = directory_add(directory, rq->text, node->inode);
    if (!error)
        node->links++;
    return error;
}

/* Whether `moved` may take the place of what has the new name. */
static int may_replace(const struct node *moved, const struct node *directory, const struct entry *old)
{
    if (S_ISDIR(moved->mode) && directory_is_below(directory, moved))
        return EINVAL;
    return old ? may_remove(node_find(directory->volume, old->node), S_ISDIR(moved->mode)) : 0;
}

static int rename_name(request *rq, void *data)
{
    (void)data;
    struct node *from = node_of(rq), *to = node_find(rq->volume, rq->directory);
    int error = check_directory(from);
    if (!error)
        error = check_directory(to);
    struct entry *entry = error ? NULL : directory_find(from, rq->name);
    if (!entry)
        return error ? error : ENOENT;
    struct node *node = node_find(rq->volume, entry->node);
    struct entry *old = directory_find(to, rq->text);
    if (old && old->node == entry->node)
        return 0;
    error = may_replace(node, to, old);
    if (!error)
        error = directory_add(to, rq->text, node->inode);
    if (error)
        return error;
    if (old)
        remove_entry(to, old);
    directory_remove(from, entry);
    from->links -= S_ISDIR(node->mode);
    to->links += S_ISDIR(node->mode);
    node->parent = to->inode;
    return 0;
}

/* ---- nodes ---- */

static int stat_node(request *rq, void *data)
{
    (void)data;
    struct node *node = node_of(rq);
    if (!node)
        return ESTALE;
    answer(rq, node);
    return 0;
}

static int open_node(request *rq, void *data)
{
    (void)data;
    struct node *node = node_of(rq);
    if (!node)
        return ESTALE;
    node->opens++;
    return 0;
}

static int close_node(request *rq, void *data)
{
    (void)data;
    struct node *node = node_of(rq);
    if (!node || node->opens == 0)
        return EBADF;
    node->opens--;
    node_put(node);
    return 0;
}

static int read_link(request *rq, void *data)
{
    (void)data;
    const struct node *node = node_of(rq);
    if (!node || !S_ISLNK(node->mode))
        return node ? EINVAL : ESTALE;
    rq->length = node->size;
    memcpy(rq->text, node->text, node->size + 1);
    return 0;
}

static int set_attributes(request *rq, void *data)
{
    (void)data;
    struct node *node = node_of(rq);
    if (!node)
        return ESTALE;
    if (rq->flags & FILE_SYSTEM_MODE)
        node->mode = (node->mode & S_IFMT) | (rq->mode & 07777);
    if (rq->flags & FILE_SYSTEM_TIMES) {
        node->accessed = rq->attributes.accessed;
        node->modified = rq->attributes.modified;
    }
    node->changed = file_system_now();
    return 0;
}

/* ---- contents ---- */

/* 0 and the file, or why its contents cannot be used. */
static int find_file(const request *rq, struct node **node)
{
    *node = node_of(rq);
    if (!*node)
        return ESTALE;
    if (S_ISDIR((*node)->mode))
        return EISDIR;
    return S_ISREG((*node)->mode) ? 0 : EINVAL;
}

static int read(request *rq, void *data)
{
    struct node *node;
    int error = find_file(rq, &node);
    if (!error)
        rq->length = rq->offset < node->size ? data_read(node, (uint32_t)rq->offset, data, rq->length) : 0;
    return error;
}

static int write(request *rq, void *data)
{
    struct node *node;
    int error = find_file(rq, &node);
    if (error)
        return error;
    if (rq->flags & O_APPEND)
        rq->offset = node->size;
    if (rq->offset > FILE_BYTES_MAX || rq->length > FILE_BYTES_MAX - (uint32_t)rq->offset)
        return EFBIG;
    uint32_t wanted = rq->length;
    rq->length = data_write(node, (uint32_t)rq->offset, data, wanted);
    node->modified = node->changed = file_system_now();
    return wanted > 0 && rq->length == 0 ? ENOSPC : 0;
}

static int truncate(request *rq, void *data)
{
    (void)data;
    struct node *node;
    int error = find_file(rq, &node);
    if (error || rq->offset > FILE_BYTES_MAX)
        return error ? error : EFBIG;
    data_truncate(node, (uint32_t)rq->offset);
    node->modified = node->changed = file_system_now();
    return 0;
}

static int read_directory(request *rq, void *data)
{
    struct node *directory = node_of(rq);
    int error = check_directory(directory);
    if (!error)
        rq->length = directory_list(directory, &rq->offset, data, rq->length);
    return error;
}

int main(void)
{
    static const file_system_operation_t operations[FILE_SYSTEM_METHODS] = {
        [FILE_SYSTEM_MOUNT] = mount, [FILE_SYSTEM_UNMOUNT] = unmount, [FILE_SYSTEM_LOOKUP] = lookup,
        [FILE_SYSTEM_STAT] = stat_node, [FILE_SYSTEM_OPEN] = open_node, [FILE_SYSTEM_CLOSE] = close_node,
        [FILE_SYSTEM_READ] = read, [FILE_SYSTEM_WRITE] = write, [FILE_SYSTEM_READ_DIRECTORY] = read_directory,
        [FILE_SYSTEM_CREATE] = create, [FILE_SYSTEM_REMOVE] = remove_name, [FILE_SYSTEM_RENAME] = rename_name,
        [FILE_SYSTEM_LINK] = link_name, [FILE_SYSTEM_READ_LINK] = read_link, [FILE_SYSTEM_TRUNCATE] = truncate,
        [FILE_SYSTEM_SET_ATTRIBUTES] = set_attributes, [FILE_SYSTEM_SYNC] = sync, [FILE_SYSTEM_STATISTICS] = statistics,
    };
    return file_system_run(operations, true);
}
