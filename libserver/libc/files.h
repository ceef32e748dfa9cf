/* What the hooks of the C library tell each other: errors, services, descriptors, paths. Names begin with libc_, for the
 * others are the program's. */
#ifndef LIBC_FILES_H
#define LIBC_FILES_H

#include <sys/stat.h>
#include <sys/types.h>

#include <server.h>
#include <servers/vfs/vfs.h>

/* ---------------------------------------------------------------- start-up (startup.c calls these) */

/* Makes a lock that nothing can work without; ends the process when there is no memory even for that. */
void libc_lock_make(struct lock *lock);
void libc_locks_init(void);
void libc_console_init(void);
void libc_vfs_init(void);
void libc_descriptors_init(void);
void libc_path_init(void);
void libc_time_init(void);

/* ---------------------------------------------------------------- errors (errors.c) */

/* Sets errno and returns -1. */
int libc_failure(int error);
/* 0 for OK, else libc_failure(): positive is an error number, negative an E_*. */
int libc_result(status_t status);

/* ---------------------------------------------------------------- the VFS (vfs.c) */

/* A slot of our own until libc_vfs_end(); waits for one. NULL with errno set when there is no VFS. */
struct vfs_request *libc_vfs_begin(void);
void libc_vfs_end(struct vfs_request *request);
/* -1 with errno set, or 0 and the DWORD in *reply (NULL: not wanted). What the end of a VFS interrupts is asked of the next one
 * if it may be done twice, and EIO if not: it was done, or it was not. */
int libc_vfs_call(struct vfs_request *request, enum vfs_method method, uint32_t *reply);
/* libc_vfs_call(), then libc_vfs_end(). */
int libc_vfs_finish(struct vfs_request *request, enum vfs_method method);
/* Where data lie in the slot. */
static inline uint8_t *vfs_data(struct vfs_request *request) { return (uint8_t *)request + VFS_HEADER; }

/* The same for an open file, by its number. A restart of the VFS ends it: ESTALE from then on. */
int libc_vfs_file_call(uint32_t file, struct vfs_request *request, enum vfs_method method, uint32_t *reply);

/* ---------------------------------------------------------------- the console (console.c) */

ssize_t libc_console_read(void *bytes, size_t length);
/* Goes to the kernel log where there is no console. */
ssize_t libc_console_write(const void *bytes, size_t length);

/* ---------------------------------------------------------------- descriptors (descriptors.c) */

#define DESCRIPTORS 64

enum file_kind { FILE_CONSOLE, FILE_VFS };

struct open_file {
    uint32_t references;    /* descriptors, and calls that are using it; 0: free */
    enum file_kind kind;
    int flags;              /* O_* */
    uint32_t file;          /* as the VFS knows it */
    off_t offset;
    struct lock lock;       /* of the offset, over a transfer; made at the first use */
};

/* The file of a descriptor, held until libc_file_release(); NULL with EBADF. */
struct open_file *libc_file_hold(int descriptor);
/* The last one closes it. */
int libc_file_release(struct open_file *file);

/* ---------------------------------------------------------------- paths (path.c) */

/* Makes a path absolute; -1 with ENOENT (empty) or ENAMETOOLONG. */
int libc_path_absolute(char absolute[VFS_PATH], const char *path);
/* libc_vfs_begin() with the path in the request. */
struct vfs_request *libc_path_begin(const char *path);
/* Permissions of a new file. */
mode_t libc_path_mode(mode_t mode);

/* EOVERFLOW: too large for struct stat. */
int libc_attributes_to_stat(const struct vfs_attributes *attributes, struct stat *status);

#endif
