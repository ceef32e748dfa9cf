/* The VFS: what its files tell each other.
 *
 * Lookups walk component by component, each a nested call to the file system that is mounted there. Nothing is cached here:
 * file systems cache, and only they know when something changes. */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H

#include <file_system.h>
#include <servers/vfs/vfs.h>
#include <startup.h>

#define MOUNTS 16u
#define WORKERS_MAX 32u
#define FILES_PER_CLIENT 64u

/* ---- provider.c: the services that implement file systems ---- */
struct provider;

/* One request to a provider: begin, fill in `request`, call as often as needed, end. */
struct operation {
    struct provider *provider;
    uint32_t slot;
    struct file_system_request *request;
};

/* 0 and the service of this name, with a session; ENODEV: there is none that we may use. */
int provider_find(const char *name, struct provider **provider);
void operation_begin(struct operation *operation, struct provider *provider);
/* 0, or an error number. */
int operation_call(struct operation *operation, enum file_system_method method);
/* The same with data in the memory of a client; `offset` from its start. */
int operation_transfer(struct operation *operation, enum file_system_method method, const session_t *client, uint32_t offset,
                       uint32_t length);
void operation_end(struct operation *operation);
/* Every provider forgets the client's memory. */
void providers_forget(uint32_t client);
int error_of(status_t status);

/* ---- mounts.c ---- */
struct place {
    struct mount *mount;
    uint32_t node;          /* 0: nothing there */
};

struct mount {
    struct provider *provider;      /* NULL: free */
    uint32_t volume, root, flags;
    struct place covers;            /* the directory that it hides; of "/": nothing */
    uint32_t opens;                 /* files open on it */
    char path[VFS_PATH], source[VFS_PATH];
};

status_t mounts_init(void);
struct mount *mount_root(void);
/* The place itself, or the root of what is mounted on it. */
struct place mount_cross(struct place place);
/* source: "type:what". */
int mount_add(const char *path, const char *source, uint32_t flags);
int mount_remove(const char *path);
int mounts_sync(void);
/* The n-th mount; NULL: not so many. */
const struct mount *mount_at(uint32_t n);
/* Counts a file in (+1) or out (-1). */
void mount_count(struct mount *mount, int change);
void place_begin(struct operation *operation, struct place place);

/* ---- path.c ---- */
struct found {
    struct place parent, place;
    struct vfs_attributes attributes;   /* of `place` */
    char name[FILE_SYSTEM_NAME];        /* in `parent`; empty when the path ends in "/", "." or ".." */
};

/* 0, or an error number; with ENOENT and parent.node != 0 only the last component is missing. follow: a symbolic link at the end
 * is followed. */
int path_find(const char *path, bool follow, struct found *found);

/* ---- files.c ---- */
struct file {
    struct mount *mount;    /* NULL: free */
    uint32_t node, flags;
    uint32_t uses;          /* requests that work on it */
    bool closed;            /* ends with the last of them */
};

struct client;
status_t files_init(void);
uint32_t client_number(const struct client *client);
/* Number of a new file, -EMFILE. */
int client_file_open(struct client *client, struct place place, uint32_t flags);
struct file *client_file_hold(struct client *client, uint32_t number);
void client_file_release(struct file *file);
int client_file_close(struct client *client, uint32_t number);

/* ---- operations.c ---- */
extern const method_t vfs_methods[VFS_METHODS];

#endif
