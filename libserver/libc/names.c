/* What is done with names: stat, unlink, rename, mkdir, links and others. Each is one call to the VFS. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "files.h"

#define PERMISSIONS 07777u

static mode_t mask = S_IWGRP | S_IWOTH;

mode_t umask(mode_t new_mask)
{
    mode_t old = mask;
    mask = new_mask & (S_IRWXU | S_IRWXG | S_IRWXO);
    return old;
}

mode_t libc_path_mode(mode_t mode)
{
    return mode & PERMISSIONS & ~mask;
}

/* ---- attributes ---- */

int libc_attributes_to_stat(const struct vfs_attributes *attributes, struct stat *status)
{
    *status = (struct stat){
        .st_dev = (dev_t)attributes->device,
        .st_ino = (ino_t)attributes->inode,
        .st_mode = attributes->mode,
        .st_nlink = (nlink_t)attributes->links,
        .st_uid = (uid_t)attributes->user,
        .st_gid = (gid_t)attributes->group,
        .st_size = (off_t)attributes->size,
        .st_atim.tv_sec = attributes->accessed,
        .st_mtim.tv_sec = attributes->modified,
        .st_ctim.tv_sec = attributes->changed,
        .st_blksize = (blksize_t)attributes->block_size,
        .st_blocks = (blkcnt_t)attributes->blocks,
    };
    return attributes->size > LONG_MAX ? libc_failure(EOVERFLOW) : 0;
}

static int status_of(const char *path, uint32_t flags, struct stat *status)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->flags = flags;
    int done = libc_vfs_call(request, VFS_STAT, NULL);
    if (done == 0)
        done = libc_attributes_to_stat(&request->attributes, status);
    libc_vfs_end(request);
    return done;
}

int stat(const char *restrict path, struct stat *restrict status) { return status_of(path, 0, status); }
int lstat(const char *restrict path, struct stat *restrict status) { return status_of(path, VFS_NO_FOLLOW, status); }

/* There are no users: what may be read may be written, and is executable when it says so to anybody. */
int access(const char *path, int wanted)
{
    struct stat status;
    if (wanted & ~(R_OK | W_OK | X_OK))
        return libc_failure(EINVAL);
    if (stat(path, &status) < 0)
        return -1;
    return wanted & X_OK && !(status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) ? libc_failure(EACCES) : 0;
}

int chmod(const char *path, mode_t mode)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->mode = mode & PERMISSIONS;
    return libc_vfs_finish(request, VFS_SET_MODE);
}

int truncate(const char *path, off_t size)
{
    if (size < 0)
        return libc_failure(EINVAL);
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->offset = (uint64_t)size;
    return libc_vfs_finish(request, VFS_TRUNCATE);
}

static int set_times(const char *path, time_t accessed, time_t modified)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->attributes.accessed = (uint32_t)accessed;
    request->attributes.modified = (uint32_t)modified;
    return libc_vfs_finish(request, VFS_SET_TIMES);
}

int utimes(const char *path, const struct timeval *times)
{
    time_t now = times ? 0 : time(NULL);
    return times ? set_times(path, times[0].tv_sec, times[1].tv_sec) : set_times(path, now, now);
}

int utime(const char *path, const struct utimbuf *times)
{
    time_t now = times ? 0 : time(NULL);
    return times ? set_times(path, times->actime, times->modtime) : set_times(path, now, now);
}

/* ---- directories' entries ---- */

static int one_path(const char *path, enum vfs_method method)
{
    struct vfs_request *request = libc_path_begin(path);
    return request ? libc_vfs_finish(request, method) : -1;
}

int unlink(const char *path) { return one_path(path, VFS_UNLINK); }
int rmdir(const char *path) { return one_path(path, VFS_REMOVE_DIRECTORY); }

int remove(const char *path)
{
    struct stat status;
    if (lstat(path, &status) < 0)
        return -1;
    return S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

int mkdir(const char *path, mode_t mode)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    request->mode = libc_path_mode(mode);
    return libc_vfs_finish(request, VFS_MAKE_DIRECTORY);
}

static int two_paths(const char *path, const char *path2, enum vfs_method method)
{
    struct vfs_request *request = libc_path_begin(path);
    if (!request)
        return -1;
    if (libc_path_absolute(request->path2, path2) == 0)
        return libc_vfs_finish(request, method);
    libc_vfs_end(request);
    return -1;
}

int rename(const char *from, const char *to) { return two_paths(from, to, VFS_RENAME); }
int link(const char *existing, const char *new_name) { return two_paths(existing, new_name, VFS_LINK); }

/* What a link says is kept as it is. */
int symlink(const char *text, const char *new_name)
{
    size_t length = strlen(text);
    if (length == 0 || length >= VFS_PATH)
        return libc_failure(length ? ENAMETOOLONG : ENOENT);
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    memcpy(request->path, text, length + 1);
    if (libc_path_absolute(request->path2, new_name) == 0)
        return libc_vfs_finish(request, VFS_SYMBOLIC_LINK);
    libc_vfs_end(request);
    return -1;
}

ssize_t readlink(const char *restrict path, char *restrict text, size_t size)
{
    struct vfs_request *request = libc_path_begin(path);
    uint32_t length;
    if (!request)
        return -1;
    int done = libc_vfs_call(request, VFS_READ_LINK, &length);
    if (done == 0) {
        length = length < size ? length : size;
        length = length < VFS_PATH ? length : VFS_PATH;
        memcpy(text, vfs_data(request), length);
    }
    libc_vfs_end(request);
    return done < 0 ? -1 : (ssize_t)length;
}
