/* What the hooks of the C library tell each other: errors, services, descriptors, paths. */
#ifndef LIBC_FILES_H
#define LIBC_FILES_H

#include <sys/stat.h>
#include <sys/types.h>

#include <server.h>
#include <servers/vfs/vfs.h>

/* ---------------------------------------------------------------- start-up (startup.c calls these) */

/* Makes a lock that nothing can work without; ends the process when there is no memory even for that. */
void lock_make(struct lock *lock);
void locks_init(void);
void console_init(void);
void vfs_init(void);
void descriptors_init(void);
void path_init(void);
void time_init(void);

/* ---------------------------------------------------------------- errors (errors.c) */

/* Sets errno and returns -1. */
int failure(int error);
/* 0 for OK, else failure(): positive is an error number, negative an E_*. */
int result(status_t status);

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
status_t connection_open(struct connection *connection);
/* Calls the service. E_PEER_DIED: it was restarted and the session is open again, all of its state gone; the slots are as
 * they were, so that the call may be made again. */
status_t connection_call(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply);

/* ---------------------------------------------------------------- the VFS (vfs.c) */

/* A slot of our own until vfs_end(); waits for one. NULL with errno set when there is no VFS. */
struct vfs_request *vfs_begin(void);
void vfs_end(struct vfs_request *request);
/* -1 with errno set, or 0 and the DWORD in *reply (NULL: not wanted). Once again after a restart of the VFS. */
int vfs_call(struct vfs_request *request, enum vfs_method method, uint32_t *reply);
/* vfs_call(), then vfs_end(). */
int vfs_finish(struct vfs_request *request, enum vfs_method method);
/* Where data lie in the slot. */
static inline uint8_t *vfs_data(struct vfs_request *request) { return (uint8_t *)request + VFS_HEADER; }

/* An open file, as the VFS knows it. A restart of the VFS ends it: ESTALE from then on. */
struct vfs_file {
    uint32_t number, generation;
};
struct vfs_file vfs_file(uint32_t number);
int vfs_file_call(struct vfs_file file, struct vfs_request *request, enum vfs_method method, uint32_t *reply);

/* ---------------------------------------------------------------- the console (console.c) */

ssize_t console_read(void *bytes, size_t length);
/* Goes to the kernel log where there is no console. */
ssize_t console_write(const void *bytes, size_t length);

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

/* The file of a descriptor, held until file_release(); NULL with EBADF. */
struct open_file *file_hold(int descriptor);
/* The last one closes it. */
int file_release(struct open_file *file);

/* ---------------------------------------------------------------- paths (path.c) */

/* Makes a path absolute; -1 with ENOENT (empty) or ENAMETOOLONG. */
int path_absolute(char absolute[VFS_PATH], const char *path);
/* vfs_begin() with the path in the request. */
struct vfs_request *path_begin(const char *path);
/* Permissions of a new file. */
mode_t path_mode(mode_t mode);

/* EOVERFLOW: too large for struct stat. */
int attributes_to_stat(const struct vfs_attributes *attributes, struct stat *status);

#endif
