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

/* ---------------------------------------------------------------- services with sessions (connection.c) */

struct connection {
    const char *service;
    uint32_t slots, slot_size;
    struct lock lock;
    handle_t endpoint;
    session_t session;
    uint32_t generation;    /* which session this is, the first being 1; 0: there was none yet */
};

/* Finds the service and opens the session, unless that was done before. */
status_t libc_connection_open(struct connection *connection);
/* Calls the service. E_PEER_DIED: it was restarted and the session is open again, all of its state gone; the slots are as
 * they were, so that the call may be made again. */
status_t libc_connection_call(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply);

/* ---------------------------------------------------------------- the VFS (vfs.c) */

/* A slot of our own until libc_vfs_end(); waits for one. NULL with errno set when there is no VFS. */
struct vfs_request *libc_vfs_begin(void);
void libc_vfs_end(struct vfs_request *request);
/* -1 with errno set, or 0 and the DWORD in *reply (NULL: not wanted). Once again after a restart of the VFS. */
int libc_vfs_call(struct vfs_request *request, enum vfs_method method, uint32_t *reply);
/* libc_vfs_call(), then libc_vfs_end(). */
int libc_vfs_finish(struct vfs_request *request, enum vfs_method method);
/* Where data lie in the slot. */
static inline uint8_t *vfs_data(struct vfs_request *request) { return (uint8_t *)request + VFS_HEADER; }

/* An open file, as the VFS knows it. A restart of the VFS ends it: ESTALE from then on. */
struct vfs_file {
    uint32_t number, generation;
};
struct vfs_file libc_vfs_file(uint32_t number);
int libc_vfs_file_call(struct vfs_file file, struct vfs_request *request, enum vfs_method method, uint32_t *reply);

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
    struct vfs_file file;
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
