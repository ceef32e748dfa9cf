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

/* ---- provider.c: the services that implement file systems. Nobody waits for one because of another ---- */
struct provider;

/* One request to a provider: begin, fill in `request`, call as often as needed, end. */
struct operation {
    struct provider *provider;
    uint32_t slot;
    struct file_system_request *request;
    const uint32_t *volume;         /* which it is for: after a restart of the provider, another number stands there */
    uint32_t fixed;                 /* that number, where no other may take its place */
    uint32_t used;                  /* the number with which it was done */
    const session_t *client;        /* whose memory the data are in; NULL: no data */
};

/* The provider ended in the middle of something that cannot be done twice: it was done, or it was not. To clients EIO. */
#define OUTCOME_UNKNOWN (-1)
/* A place is not any more what it was when its path was walked, and nothing was done: the whole request is made again. */
#define PLACE_GONE (-2)

status_t providers_init(void);
/* 0 and the service of this name, with a session; ENODEV: there is none that we may call. */
int provider_find(const char *name, struct provider **provider);
/* volume NULL: the caller fixes the number. */
void operation_begin(struct operation *operation, struct provider *provider, const uint32_t *volume);
/* 0, an error number, or OUTCOME_UNKNOWN. The volume or the node is gone: ESTALE; where the volume is fixed, PLACE_GONE. */
int operation_call(struct operation *operation, enum file_system_method method);
/* The same with data in the memory of a client; `offset` from its start. */
int operation_transfer(struct operation *operation, enum file_system_method method, const session_t *client, uint32_t offset,
                       uint32_t length);
/* Closes the node; once, since a provider that has ended needs not be told. */
void operation_close(const struct operation *operation);
void operation_end(struct operation *operation);
/* For those who work under provider_lock(): requests in a slot of its own, which nobody repeats. */
void provider_lock(struct provider *provider);
void provider_unlock(struct provider *provider);
struct file_system_request *provider_request(struct provider *provider, uint32_t volume, uint32_t node, uint32_t generation);
status_t provider_call(struct provider *provider, enum file_system_method method);
/* Every provider forgets the client's memory. */
void providers_forget(uint32_t client);

/* ---- mounts.c ---- */

/* A node as a walk found it. Nobody keeps its mount: when that goes, or its file system ends, the number of the volume is no
 * longer known, and whatever is asked for is PLACE_GONE. */
struct place {
    struct mount *mount;
    struct provider *provider;
    uint32_t volume;
    uint32_t node;          /* 0: nothing there */
    uint32_t generation;
};

struct mount {
    struct provider *provider;      /* NULL: free */
    uint32_t volume;                /* another after each restart of the provider; 0: it is, or could not be, mounted again */
    uint32_t root, root_generation, flags;
    struct place covers;            /* the directory that it hides; of "/": nothing */
    uint32_t opens;                 /* files open on it, and mounts */
    struct lock sync_lock;          /* one sync at a time */
    char path[VFS_PATH], source[VFS_PATH];
};

status_t mounts_init(void);
struct mount *mount_root(void);
/* place: what it covers, of "/" nothing; becomes its root. PLACE_GONE, or EIO: it could not be mounted again. */
int mount_enter(struct mount *mount, struct place *place);
/* The place itself, or the root of what is mounted on it. */
int mount_cross(struct place *place);
/* source: "type:what". */
int mount_add(const char *path, const char *source, uint32_t flags);
int mount_remove(const char *path);
/* What was written there is on the disk; files of which some is lost learn it. */
int mount_sync(struct mount *mount);
int mounts_sync(void);
/* The n-th mount; NULL: not so many. */
const struct mount *mount_at(uint32_t n);
/* Counts a file in, and so keeps the mount; PLACE_GONE. */
int mount_hold(struct place place);
void mount_release(struct mount *mount);
void place_begin(struct operation *operation, struct place place);
/* Under the provider's lock: mounts all of its volumes again, with their files. Negative: the provider ended again. */
status_t mounts_renew(struct provider *provider);
/* Waits for that if somebody is at it, and tries what failed then. */
void mounts_settle(struct provider *provider);

/* ---- path.c ---- */
struct found {
    struct place parent, place;
    struct vfs_attributes attributes;   /* of `place` */
    char name[FILE_SYSTEM_NAME];        /* in `parent`; empty when the path ends in "/", "." or ".." */
};

/* The node in found->parent that the file system has answered with; NULL: none. */
void found_answer(struct found *found, const struct file_system_request *answer);
/* 0, or an error number; with ENOENT and parent.node != 0 only the last component is missing. follow: a symbolic link at the end
 * is followed. */
int path_find(const char *path, bool follow, struct found *found);

/* ---- files.c ---- */
struct file {
    struct mount *mount;    /* NULL: free */
    uint32_t volume;        /* on which it is open; not the mount's: it is gone */
    uint32_t node, generation, flags;
    uint32_t written;       /* the volume that has data of it which may not be on the disk; 0: none */
    uint32_t syncing;       /* the same, while it is synced */
    bool lost;              /* such data were lost, and nobody was told */
    uint32_t uses;          /* requests that work on it */
    bool closed;            /* ends with the last of them */
};

struct client;
status_t files_init(void);
uint32_t client_number(const struct client *client);
/* 0 and the number of a new file, or an error number. `shortened`: it was truncated before. */
int client_file_open(struct client *client, struct place place, uint32_t flags, bool shortened, uint32_t *number);
/* 0 and the file, EBADF, or ESTALE: it was opened before our restart. */
int client_file_hold(struct client *client, uint32_t number, struct file **file);
void client_file_release(struct file *file);
/* EIO: it is closed, and file_take_loss() was true. */
int client_file_close(struct client *client, uint32_t number);
void file_begin(struct operation *operation, const struct file *file);
/* True once when some of what was written to it is lost. */
bool file_take_loss(struct file *file);
void file_note_written(struct file *file, uint32_t volume);
/* Under the provider's lock: opens what was open on the mount on its new volume. Negative: the provider ended again. */
status_t files_renew(struct mount *mount, uint32_t volume);
/* Around a sync of the mount; `volume`: the one that was synced, 0: none. */
void files_sync_begins(const struct mount *mount);
void files_sync_ends(const struct mount *mount, uint32_t volume);

/* ---- operations.c ---- */
extern const method_t vfs_methods[VFS_METHODS];

#endif
