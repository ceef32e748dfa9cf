/* File systems and where they are. */
#ifndef _SYS_MOUNT_H
#define _SYS_MOUNT_H

#define MS_RDONLY 1

/* Mounts the file system of this type that lies on the source: mount("disk0p1", "/disk", "ext2", 0). */
int mount(const char *source, const char *path, const char *type, unsigned long flags);
/* Takes away what is mounted there. EBUSY while files are open there. */
int umount(const char *path);

struct mounted {
    char path[1024], type[16], source[64];
    unsigned long flags;
};

/* The index-th mounted file system. -1 with ENOENT: there are not so many. */
int getmounted(unsigned index, struct mounted *mounted);

#endif
