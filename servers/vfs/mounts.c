/* The mount table. A mount hides the directory on which it was made; unmounting shows it again. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

static struct mount mounts[MOUNTS];
static struct lock lock; /* over changes of the table and the counts of open files */

status_t mounts_init(void)
{
    return lock_init(&lock);
}

struct mount *mount_root(void)
{
    return &mounts[0];
}

struct place mount_cross(struct place place)
{
    for (uint32_t i = 1; i < MOUNTS; i++)
        if (mounts[i].provider && mounts[i].covers.mount == place.mount && mounts[i].covers.node == place.node)
            return mount_cross((struct place){ &mounts[i], mounts[i].root });
    return place;
}

void mount_count(struct mount *mount, int change)
{
    lock_acquire(&lock);
    mount->opens += (uint32_t)change;
    lock_release(&lock);
}

void place_begin(struct operation *operation, struct place place)
{
    operation_begin(operation, place.mount->provider);
    operation->request->volume = place.mount->volume;
    operation->request->node = place.node;
}

const struct mount *mount_at(uint32_t n)
{
    for (uint32_t i = 0; i < MOUNTS; i++)
        if (mounts[i].provider && n-- == 0)
            return &mounts[i];
    return NULL;
}

/* ---- mounting ---- */

/* Asks the file system to read the volume. On success the mount is complete but for `provider`, which makes it seen. */
static int ask_provider(struct mount *mount, struct provider *provider, const char *what, uint32_t flags)
{
    struct operation operation;
    operation_begin(&operation, provider);
    operation.request->flags = flags;
    strcpy(operation.request->text, what);
    int error = operation_call(&operation, FILE_SYSTEM_MOUNT);
    mount->volume = operation.request->volume;
    mount->root = operation.request->node;
    mount->flags = operation.request->flags & VFS_READ_ONLY;
    operation_end(&operation);
    return error;
}

/* "type:what" -> provider and what. */
static int split_source(const char *source, struct provider **provider, const char **what)
{
    char type[STARTUP_NAME];
    const char *colon = strchr(source, ':');
    size_t length = colon ? (size_t)(colon - source) : strlen(source);
    if (length == 0 || length >= sizeof(type))
        return ENODEV;
    memcpy(type, source, length);
    type[length] = '\0';
    *what = colon ? colon + 1 : "";
    return provider_find(type, provider);
}

static struct mount *free_mount(void)
{
    for (uint32_t i = mounts[0].provider ? 1 : 0; i < MOUNTS; i++)
        if (!mounts[i].provider)
            return &mounts[i];
    return NULL;
}

/* Where it is to go: nothing for the first, which is "/". */
static int find_covered(const char *path, struct place *covered)
{
    struct found found;
    *covered = (struct place){ 0 };
    if (!mounts[0].provider)
        return strcmp(path, "/") == 0 ? 0 : ENOENT;
    int error = path_find(path, true, &found);
    if (error)
        return error;
    if (!S_ISDIR(found.attributes.mode))
        return ENOTDIR;
    *covered = found.place;
    return found.place.node == found.place.mount->root ? EBUSY : 0;
}

static int add(const char *path, const char *source, uint32_t flags)
{
    struct mount *mount = free_mount();
    struct provider *provider;
    const char *what;
    if (!mount)
        return ENFILE;
    int error = find_covered(path, &mount->covers);
    if (!error)
        error = split_source(source, &provider, &what);
    if (!error)
        error = ask_provider(mount, provider, what, flags);
    if (error)
        return error;
    strcpy(mount->path, path);
    strcpy(mount->source, source);
    mount->opens = 0;
    mount->provider = provider;
    if (mount->covers.mount)
        mount_count(mount->covers.mount, 1);
    return 0;
}

int mount_add(const char *path, const char *source, uint32_t flags)
{
    static struct lock one_at_a_time;
    if (one_at_a_time.notification == HANDLE_NONE && lock_init(&one_at_a_time) != OK)
        return ENOMEM;
    lock_acquire(&one_at_a_time);
    int error = add(path, source, flags);
    lock_release(&one_at_a_time);
    return error;
}

/* ---- unmounting ---- */

static int simple_call(struct mount *mount, struct provider *provider, enum file_system_method method)
{
    struct operation operation;
    operation_begin(&operation, provider);
    operation.request->volume = mount->volume;
    int error = operation_call(&operation, method);
    operation_end(&operation);
    return error;
}

/* Nobody finds the mount while the file system gives it up. */
static int give_up(struct mount *mount)
{
    struct provider *provider = mount->provider;
    lock_acquire(&lock);
    int error = mount->opens ? EBUSY : 0;
    if (!error)
        mount->provider = NULL;
    lock_release(&lock);
    if (error)
        return error;
    error = simple_call(mount, provider, FILE_SYSTEM_UNMOUNT);
    if (error)
        mount->provider = provider;
    return error;
}

int mount_remove(const char *path)
{
    struct found found;
    int error = path_find(path, true, &found);
    if (error)
        return error;
    struct mount *mount = found.place.mount;
    if (found.place.node != mount->root)
        return EINVAL;
    if (mount == mount_root())
        return EBUSY;
    error = give_up(mount);
    if (!error)
        mount_count(mount->covers.mount, -1);
    return error;
}

int mounts_sync(void)
{
    int first = 0;
    for (uint32_t i = 0; i < MOUNTS; i++) {
        int error = mounts[i].provider ? simple_call(&mounts[i], mounts[i].provider, FILE_SYSTEM_SYNC) : 0;
        first = first ? first : error;
    }
    return first;
}
