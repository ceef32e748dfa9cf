/* File systems: mount, umount, which there are, statvfs, sync. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "files.h"

int mount(const char *source, const char *path, const char *type, unsigned long flags)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->flags = flags & MS_RDONLY ? VFS_READ_ONLY : 0;
    if (snprintf(request->path2, VFS_PATH, "%s:%s", type, source) < (int)VFS_PATH)
        return libc_vfs_finish(request, VFS_MOUNT);
    libc_vfs_end(request);
    return libc_failure(ENAMETOOLONG);
}

int umount(const char *path)
{
    struct vfs_request *request = libc_path_begin(path);
    return request ? libc_vfs_finish(request, VFS_UNMOUNT) : -1;
}

/* "type:source" */
static void split(const char *text, struct mounted *mounted)
{
    size_t length = strcspn(text, ":");
    snprintf(mounted->type, sizeof(mounted->type), "%.*s", (int)length, text);
    snprintf(mounted->source, sizeof(mounted->source), "%s", text[length] ? text + length + 1 : "");
}

int getmounted(unsigned index, struct mounted *mounted)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    request->file = index;
    int done = libc_vfs_call(request, VFS_MOUNTS, NULL);
    if (done == 0) {
        request->path[VFS_PATH - 1] = request->path2[VFS_PATH - 1] = '\0';
        snprintf(mounted->path, sizeof(mounted->path), "%s", request->path);
        split(request->path2, mounted);
        mounted->flags = request->flags & VFS_READ_ONLY ? MS_RDONLY : 0;
    }
    libc_vfs_end(request);
    return done;
}

static void copy_statistics(const struct vfs_statistics *from, struct statvfs *to)
{
    *to = (struct statvfs){
        .f_bsize = from->block_size,
        .f_frsize = from->block_size,
        .f_blocks = from->blocks,
        .f_bfree = from->free_blocks,
        .f_bavail = from->free_blocks,
        .f_files = from->inodes,
        .f_ffree = from->free_inodes,
        .f_favail = from->free_inodes,
        .f_flag = from->read_only ? ST_RDONLY : 0,
        .f_namemax = UINT8_MAX,
    };
}

int statvfs(const char *restrict path, struct statvfs *restrict statistics)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    int done = libc_vfs_call(request, VFS_STATISTICS, NULL);
    if (done == 0)
        copy_statistics(&request->statistics, statistics);
    libc_vfs_end(request);
    return done;
}

void sync(void)
{
    struct vfs_request *request = libc_vfs_begin();
    if (request)
        libc_vfs_finish(request, VFS_SYNC);
}
