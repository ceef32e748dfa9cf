/* What is done with open files: read, write, lseek, fstat and others. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "files.h"

#define LINE_BYTES 1024 /* what stdio reads from and writes to the console at once */

/* The file, if it was not opened for the opposite of what is wanted. */
static struct open_file *hold_for(int descriptor, int refused_mode)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file || (file->flags & O_ACCMODE) != refused_mode)
        return file;
    libc_file_release(file);
    libc_failure(EBADF);
    return NULL;
}

/* ---- transfers ---- */

struct transfer {
    enum vfs_method method; /* VFS_READ, VFS_WRITE */
    uint8_t *bytes;
    size_t length;
    off_t offset;           /* moves on */
};

/* One slot full. -1, or the bytes moved. */
static ssize_t move_piece(uint32_t file, struct vfs_request *request, struct transfer *transfer)
{
    uint32_t moved, length = transfer->length < VFS_DATA ? transfer->length : VFS_DATA;
    request->offset = (uint64_t)transfer->offset;
    request->length = length;
    if (transfer->method == VFS_WRITE)
        memcpy(vfs_data(request), transfer->bytes, length);
    if (libc_vfs_file_call(file, request, transfer->method, &moved) < 0)
        return -1;
    if (moved > length)
        return libc_failure(EIO);
    if (transfer->method == VFS_READ)
        memcpy(transfer->bytes, vfs_data(request), moved);
    transfer->offset = (off_t)request->offset + (off_t)moved;
    transfer->bytes += moved;
    transfer->length -= moved;
    return (ssize_t)moved;
}

/* What has been moved when an error comes is a success, as far as it went. */
static ssize_t move(uint32_t file, struct transfer *transfer)
{
    struct vfs_request *request = libc_vfs_begin();
    ssize_t moved, done = 0;
    if (!request)
        return -1;
    do {
        moved = move_piece(file, request, transfer);
        done += moved > 0 ? moved : 0;
    } while (moved == VFS_DATA && transfer->length > 0);
    libc_vfs_end(request);
    return moved < 0 && done == 0 ? -1 : done;
}

/* Offsets end at 2 GiB, as off_t does. */
static int limit(struct transfer *transfer)
{
    if (transfer->offset < 0)
        return libc_failure(EINVAL);
    size_t most = (size_t)(LONG_MAX - transfer->offset);
    if (most == 0 && transfer->length > 0 && transfer->method == VFS_WRITE)
        return libc_failure(EFBIG);
    if (transfer->length > most)
        transfer->length = most;
    return 0;
}

static ssize_t move_at_offset(struct open_file *file, struct transfer *transfer)
{
    lock_acquire(&file->lock);
    transfer->offset = file->offset;
    ssize_t moved = limit(transfer) < 0 ? -1 : move(file->file, transfer);
    if (moved > 0)
        file->offset = transfer->offset;
    lock_release(&file->lock);
    return moved;
}

ssize_t read(int descriptor, void *bytes, size_t length)
{
    struct transfer transfer = { VFS_READ, bytes, length, 0 };
    struct open_file *file = hold_for(descriptor, O_WRONLY);
    if (!file)
        return -1;
    ssize_t moved = file->kind == FILE_CONSOLE ? libc_console_read(bytes, length) : move_at_offset(file, &transfer);
    libc_file_release(file);
    return moved;
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    struct transfer transfer = { VFS_WRITE, (uint8_t *)bytes, length, 0 };
    struct open_file *file = hold_for(descriptor, O_RDONLY);
    if (!file)
        return -1;
    ssize_t moved = file->kind == FILE_CONSOLE ? libc_console_write(bytes, length) : move_at_offset(file, &transfer);
    libc_file_release(file);
    return moved;
}

static ssize_t move_elsewhere(int descriptor, int refused_mode, struct transfer *transfer)
{
    struct open_file *file = hold_for(descriptor, refused_mode);
    if (!file)
        return -1;
    ssize_t moved = file->kind == FILE_CONSOLE ? libc_failure(ESPIPE) : limit(transfer) < 0 ? -1 : move(file->file, transfer);
    libc_file_release(file);
    return moved;
}

ssize_t pread(int descriptor, void *bytes, size_t length, off_t offset)
{
    return move_elsewhere(descriptor, O_WRONLY, &(struct transfer){ VFS_READ, bytes, length, offset });
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
    return move_elsewhere(descriptor, O_RDONLY, &(struct transfer){ VFS_WRITE, (uint8_t *)bytes, length, offset });
}

/* ---- attributes ---- */

static int console_status(struct stat *status)
{
    *status = (struct stat){ .st_mode = S_IFCHR | S_IRUSR | S_IWUSR | S_IWGRP, .st_nlink = 1, .st_blksize = LINE_BYTES };
    return 0;
}

static int file_status(uint32_t file, struct stat *status)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    int done = libc_vfs_file_call(file, request, VFS_FSTAT, NULL);
    if (done == 0)
        done = libc_attributes_to_stat(&request->attributes, status);
    libc_vfs_end(request);
    return done;
}

int fstat(int descriptor, struct stat *status)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return -1;
    int done = file->kind == FILE_CONSOLE ? console_status(status) : file_status(file->file, status);
    libc_file_release(file);
    return done;
}

int isatty(int descriptor)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return 0;
    bool console = file->kind == FILE_CONSOLE;
    libc_file_release(file);
    if (!console)
        libc_failure(ENOTTY);
    return console;
}

static int truncate_file(uint32_t file, off_t size)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    request->offset = (uint64_t)size;
    int done = libc_vfs_file_call(file, request, VFS_FTRUNCATE, NULL);
    libc_vfs_end(request);
    return done;
}

int ftruncate(int descriptor, off_t size)
{
    struct open_file *file = hold_for(descriptor, O_RDONLY);
    if (!file)
        return -1;
    int done = file->kind == FILE_CONSOLE || size < 0 ? libc_failure(EINVAL) : truncate_file(file->file, size);
    libc_file_release(file);
    return done;
}

static int sync_file(uint32_t file)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    int done = libc_vfs_file_call(file, request, VFS_FSYNC, NULL);
    libc_vfs_end(request);
    return done;
}

int fsync(int descriptor)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return -1;
    int done = file->kind == FILE_CONSOLE ? libc_failure(EINVAL) : sync_file(file->file);
    libc_file_release(file);
    return done;
}

/* ---- offsets ---- */

static off_t seek(struct open_file *file, off_t offset, int whence)
{
    struct stat status = { 0 };
    off_t sum;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return libc_failure(EINVAL);
    if (whence == SEEK_END && file_status(file->file, &status) < 0)
        return -1;
    off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file->offset : status.st_size;
    if (__builtin_add_overflow(base, offset, &sum))
        return libc_failure(EOVERFLOW);
    if (sum < 0)
        return libc_failure(EINVAL);
    return file->offset = sum;
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return -1;
    lock_acquire(&file->lock);
    off_t sought = file->kind == FILE_CONSOLE ? libc_failure(ESPIPE) : seek(file, offset, whence);
    lock_release(&file->lock);
    libc_file_release(file);
    return sought;
}
