/* What the VFS asks of a file system, and the half of a file system's service that is the same for all of them.
 *
 * The VFS opens a session whose slots hold one struct file_system_request each; the word of a call is the number of a slot.
 * Data of files never pass through the VFS: it sends each client's session memory along once (FILE_SYSTEM_ATTACH), and the file
 * system copies between its cache and the client. Status: 0 or an error number of <errno.h>; reply DWORD: 0.
 *
 * A node is what the file system says it is, such as an inode number; 0 is none. All names are single components.
 *
 * A volume that is not mounted is ESTALE, and nothing was done: so the VFS, which numbers the volumes, learns that a file system
 * was restarted in the middle of things. So is a node that is gone, or whose number another has by now: its generation, as it
 * came with its attributes, tells. It is compared at least where a file is opened, or its contents or attributes may change. */
#ifndef FILE_SYSTEM_H
#define FILE_SYSTEM_H

#include <server.h>
#include <servers/vfs/vfs.h>

#define FILE_SYSTEM_NAME 256u

enum file_system_method {           /* arguments -> results, all in the request */
    FILE_SYSTEM_SESSION,            /* METHOD_SESSION_OPEN */
    FILE_SYSTEM_ATTACH,             /* word: number of a client, to FILE_SYSTEM_CLIENTS; attached: its memory; none: forget it */
    FILE_SYSTEM_MOUNT,              /* text (source), flags VFS_READ_ONLY, volume: its number from now on, which no other ever had
                                       -> node (the root), attributes, flags as they are. EBUSY: it is still mounted for a VFS
                                       that ended, whose last request goes on */
    FILE_SYSTEM_UNMOUNT,            /* volume, flags; EBUSY while nodes are open, unless FILE_SYSTEM_FORCE: they are closed */
    FILE_SYSTEM_LOOKUP,             /* volume, node (a directory), name -> node, attributes */
    FILE_SYSTEM_STAT,               /* volume, node -> attributes */
    FILE_SYSTEM_OPEN,               /* volume, node: it stays until it is closed as often, even with no name left */
    FILE_SYSTEM_CLOSE,              /* volume, node */
    FILE_SYSTEM_READ,               /* volume, node, offset, client, data, length -> length */
    FILE_SYSTEM_WRITE,              /* the same; flags O_APPEND: offset is the end, and comes back */
    FILE_SYSTEM_READ_DIRECTORY,     /* as READ, in whole struct vfs_entry; offset comes back for the next call */
    FILE_SYSTEM_CREATE,             /* volume, node (a directory), name, mode; text (a symbolic link's) -> node, attributes */
    FILE_SYSTEM_REMOVE,             /* volume, node (a directory), name, flags FILE_SYSTEM_DIRECTORY: which kind is meant */
    FILE_SYSTEM_RENAME,             /* volume, node (a directory), name, directory, text (new name) */
    FILE_SYSTEM_LINK,               /* volume, node (a file), directory, text (new name) */
    FILE_SYSTEM_READ_LINK,          /* volume, node -> text, length */
    FILE_SYSTEM_TRUNCATE,           /* volume, node, offset */
    FILE_SYSTEM_SET_ATTRIBUTES,     /* volume, node, flags FILE_SYSTEM_MODE, FILE_SYSTEM_TIMES, mode, attributes */
    FILE_SYSTEM_SYNC,               /* volume */
    FILE_SYSTEM_STATISTICS,         /* volume -> statistics */
    FILE_SYSTEM_METHODS
};

#define FILE_SYSTEM_DIRECTORY 1u
#define FILE_SYSTEM_FORCE 1u
#define FILE_SYSTEM_MODE 1u
#define FILE_SYSTEM_TIMES 2u
#define FILE_SYSTEM_CLIENTS 64u
#define FILE_SYSTEM_VOLUMES 16u     /* mounted at the same time */
#define FILE_SYSTEM_SLOT 2048u

struct file_system_request {
    uint32_t volume, node, generation, directory;
    uint32_t client, data, length;  /* bulk data: in which client's memory, at which offset, bytes */
    uint32_t flags, mode;
    uint64_t offset;
    struct vfs_attributes attributes;
    struct vfs_statistics statistics;
    char name[FILE_SYSTEM_NAME];
    char text[VFS_PATH];
};

_Static_assert(sizeof(struct file_system_request) <= FILE_SYSTEM_SLOT, "a slot holds one");

/* One of the methods from FILE_SYSTEM_MOUNT on: `data` points at `length` bytes of the client's memory where the method has such,
 * and they stay mapped until it returns. Returns 0 or an error number. */
typedef int (*file_system_operation_t)(struct file_system_request *request, void *data);

/* Serves for ever; returns a negative E_* if it cannot. An operation that is NULL answers EROFS if it would write, ENOTSUP
 * otherwise. one_at_a_time: they never run at the same time, and need no lock of their own. */
int file_system_run(const file_system_operation_t operations[FILE_SYSTEM_METHODS], bool one_at_a_time);

/* Appends an entry to a directory listing that has `used` of `room` bytes; false when it does not fit. */
bool file_system_add_entry(void *data, uint32_t *used, uint32_t room, uint32_t inode, uint32_t mode, const char *name,
                           uint32_t name_length);

/* Seconds since 1970. */
uint32_t file_system_now(void);

#endif
