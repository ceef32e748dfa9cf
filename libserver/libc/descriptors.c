/* Descriptors: open, close, dup, fcntl. A table of 64, each of which names an open file with its offset. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "files.h"

static struct lock table_lock;                  /* guards both tables; never held over a call to a service */
static struct open_file files[DESCRIPTORS];
static struct open_file *descriptors[DESCRIPTORS];

/* Standard input, output and error output are the console. */
void libc_descriptors_init(void)
{
    libc_lock_make(&table_lock);
    libc_lock_make(&files[0].lock);
    files[0].kind = FILE_CONSOLE;
    files[0].flags = O_RDWR;
    files[0].references = 3;
    descriptors[0] = descriptors[1] = descriptors[2] = &files[0];
}

/* ---- open files ---- */

struct open_file *libc_file_hold(int descriptor)
{
    struct open_file *file = NULL;
    lock_acquire(&table_lock);
    if (descriptor >= 0 && descriptor < DESCRIPTORS)
        file = descriptors[descriptor];
    if (file)
        file->references++;
    lock_release(&table_lock);
    if (!file)
        libc_failure(EBADF);
    return file;
}

static int close_file(uint32_t file)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request)
        return -1;
    int done = libc_vfs_file_call(file, request, VFS_CLOSE, NULL);
    libc_vfs_end(request);
    return done;
}

int libc_file_release(struct open_file *file)
{
    lock_acquire(&table_lock);
    uint32_t number = file->file;
    bool last = --file->references == 0;
    bool closes = last && file->kind == FILE_VFS;
    lock_release(&table_lock);
    return closes ? close_file(number) : 0;
}

static struct open_file *find_free_file(void)
{
    for (uint32_t i = 0; i < DESCRIPTORS; i++)
        if (files[i].references == 0 && (files[i].lock.notification || lock_init(&files[i].lock) == OK))
            return &files[i];
    return NULL;
}

/* ---- the table ---- */

/* The lowest free descriptor from `least` on, which takes over the caller's hold; -1 when there is none. */
static int enter(struct open_file *file, int least)
{
    while (least < DESCRIPTORS && descriptors[least])
        least++;
    if (least == DESCRIPTORS)
        return -1;
    descriptors[least] = file;
    return least;
}

static int open_descriptor(uint32_t number, int flags)
{
    lock_acquire(&table_lock);
    struct open_file *file = find_free_file();
    int descriptor = file ? enter(file, 0) : -1;
    if (descriptor >= 0) {
        file->references = 1;
        file->kind = FILE_VFS;
        file->flags = flags;
        file->file = number;
        file->offset = 0;
    }
    lock_release(&table_lock);
    return descriptor;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    struct vfs_request *request = libc_path_begin(path);
    uint32_t number;
    if (!request)
        return -1;
    request->flags = (uint32_t)flags;
    request->mode = libc_path_mode(mode);
    int done = libc_vfs_call(request, VFS_OPEN, &number);
    libc_vfs_end(request);
    if (done < 0)
        return -1;
    int descriptor = open_descriptor(number, flags);
    if (descriptor >= 0)
        return descriptor;
    close_file(number);
    return libc_failure(EMFILE);
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* Takes the file out of the table; NULL with EBADF when there is none. */
static struct open_file *take_out(int descriptor)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return NULL;
    lock_acquire(&table_lock);
    bool ours = descriptors[descriptor] == file;
    if (ours)
        descriptors[descriptor] = NULL;
    lock_release(&table_lock);
    libc_file_release(file);
    return ours ? file : NULL;
}

int close(int descriptor)
{
    struct open_file *file = take_out(descriptor);
    return file ? libc_file_release(file) : libc_failure(EBADF);
}

static int duplicate(int descriptor, int least)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return -1;
    lock_acquire(&table_lock);
    int made = enter(file, least);
    lock_release(&table_lock);
    if (made >= 0)
        return made;
    libc_file_release(file);
    return libc_failure(EMFILE);
}

int dup(int descriptor)
{
    return duplicate(descriptor, 0);
}

int dup2(int descriptor, int wanted)
{
    if (wanted < 0 || wanted >= DESCRIPTORS)
        return libc_failure(EBADF);
    struct open_file *file = libc_file_hold(descriptor);
    if (!file || descriptor == wanted) {
        if (file)
            libc_file_release(file);
        return file ? wanted : -1;
    }
    lock_acquire(&table_lock);
    struct open_file *old = descriptors[wanted];
    descriptors[wanted] = file;
    lock_release(&table_lock);
    if (old)
        libc_file_release(old);
    return wanted;
}

static int flags_of(int descriptor)
{
    struct open_file *file = libc_file_hold(descriptor);
    if (!file)
        return -1;
    int flags = file->flags;
    libc_file_release(file);
    return flags;
}

/* Descriptors are never inherited, so FD_CLOEXEC is neither set nor missed. */
int fcntl(int descriptor, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int least = command == F_DUPFD ? va_arg(arguments, int) : 0;
    va_end(arguments);
    int flags = flags_of(descriptor);
    if (flags < 0)
        return -1;
    switch (command) {
    case F_GETFL: return flags;
    case F_GETFD:
    case F_SETFD: return 0;
    case F_DUPFD: return least >= 0 && least < DESCRIPTORS ? duplicate(descriptor, least) : libc_failure(EINVAL);
    default: return libc_failure(EINVAL);
    }
}
