/* What the VFS offers its clients. Programs reach it through the C library's open(), read(), ... (libserver/libc).
 *
 * A client opens a session (METHOD_SESSION_OPEN) of one or more slots; the word of every call is the number of a slot. A
 * slot begins with a struct vfs_request of at most VFS_HEADER bytes; data lie behind it. Paths are absolute. The reply
 * DWORD is the result; the service status is 0, an error number of <errno.h> (positive), or a negative E_*. */
#ifndef VFS_H
#define VFS_H

#include <stdint.h>

#define VFS_SLOT_BYTES 0x20000u /* 128 KiB: what the C library uses */
#define VFS_HEADER 4096u        /* data begin here */
#define VFS_DATA (VFS_SLOT_BYTES - VFS_HEADER)
#define VFS_PATH 1024u          /* bytes of a path, with the 0 */

enum vfs_method {       /* arguments in the slot -> reply DWORD and what comes back in the slot */
    VFS_SESSION,        /* METHOD_SESSION_OPEN */
    VFS_OPEN,           /* path, flags (O_* of <fcntl.h>), mode -> file number; attributes */
    VFS_CLOSE,          /* file */
    VFS_READ,           /* file, offset, length -> bytes, 0 at the end; data */
    VFS_WRITE,          /* file, offset, length, data -> bytes; with O_APPEND offset comes back as where it went */
    VFS_STAT,           /* path, flags (VFS_NO_FOLLOW) -> attributes */
    VFS_FSTAT,          /* file -> attributes */
    VFS_READ_DIRECTORY, /* file, offset (0, then as it came back), length -> bytes of struct vfs_entry in data, 0 at the end */
    VFS_MAKE_DIRECTORY, /* path, mode */
    VFS_UNLINK,         /* path */
    VFS_REMOVE_DIRECTORY, /* path */
    VFS_RENAME,         /* path, path2: the new one */
    VFS_LINK,           /* path, path2: the new one */
    VFS_SYMBOLIC_LINK,  /* path: what it says, path2: the new link */
    VFS_READ_LINK,      /* path -> bytes; data, without a 0 */
    VFS_TRUNCATE,       /* path, offset: the new size */
    VFS_FTRUNCATE,      /* file, offset: the new size */
    VFS_SET_MODE,       /* path, mode */
    VFS_SET_TIMES,      /* path, attributes.accessed, attributes.modified */
    VFS_SYNC,           /* everything that was written is on the disks */
    VFS_FSYNC,          /* file: what was written to it is on the disk. EIO, once, from this, VFS_WRITE or VFS_CLOSE: some of it
                           was lost with its file system */
    VFS_STATISTICS,     /* path -> statistics of its file system */
    VFS_MOUNT,          /* path: where; path2: "type:source", such as "ext2:disk0p1"; flags VFS_READ_ONLY */
    VFS_UNMOUNT,        /* path. EBUSY while files are open there */
    VFS_MOUNTS,         /* file: n -> path: where the n-th file system is, path2: "type:source", flags. ENOENT: not so many */
    VFS_METHODS
};

#define VFS_NO_FOLLOW 1u /* VFS_STAT: a symbolic link itself */
#define VFS_READ_ONLY 1u /* VFS_MOUNT */

struct vfs_attributes {
    uint32_t mode;          /* S_IFMT and permissions, as in <sys/stat.h> */
    uint32_t links, user, group;
    uint64_t size;          /* bytes */
    uint64_t blocks;        /* of 512 bytes, in use */
    uint32_t block_size;    /* good size for transfers */
    uint32_t device, inode; /* together they name the file */
    uint32_t generation;    /* tells it from those that had this inode before */
    uint32_t accessed, modified, changed; /* seconds since 1970 */
};

struct vfs_statistics {
    uint64_t blocks, free_blocks;
    uint32_t block_size, inodes, free_inodes, read_only;
};

struct vfs_request {
    uint32_t file, flags, mode, length;
    uint64_t offset;
    struct vfs_attributes attributes;
    struct vfs_statistics statistics;
    char path[VFS_PATH], path2[VFS_PATH];
};

_Static_assert(sizeof(struct vfs_request) <= VFS_HEADER, "data begin behind it");

struct vfs_entry {          /* in a directory; the next one is `bytes` further */
    uint32_t inode;
    uint16_t bytes;         /* multiple of 4 */
    uint8_t type;           /* S_IFMT bits of the mode >> 12, which is DT_* */
    uint8_t name_length;
    char name[];            /* ends with a 0 */
};

#endif
