/* The mount table. A mount hides the directory on which it was made; unmounting shows it again. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

static struct mount mounts[MOUNTS];
static struct lock lock; /* over changes of the table, the counts of open files and the number below */
static uint32_t last_volume;
static struct lock sync_lock; /* one sync at a time */

status_t mounts_init(void)
{
    status_t status = lock_init(&sync_lock);
    return status == OK ? lock_init(&lock) : status;
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
    operation_begin(operation, place.mount->provider, &place.mount->volume);
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

static uint32_t new_volume(void)
{
    lock_acquire(&lock);
    uint32_t number = ++last_volume;
    lock_release(&lock);
    return number;
}

/* Asks the file system to read the volume. On success the mount is complete but for `provider`, which makes it seen. */
static int ask_provider(struct mount *mount, struct provider *provider, const char *what, uint32_t flags)
{
    struct operation operation;
    mount->volume = new_volume();
    operation_begin(&operation, provider, &mount->volume);
    operation.request->flags = flags;
    strcpy(operation.request->text, what);
    int error = operation_call(&operation, FILE_SYSTEM_MOUNT);
    mount->root = operation.request->node;
    mount->flags = operation.request->flags & VFS_READ_ONLY;
    operation_end(&operation);
    return error;
}

static const char *what_of(const char *source)
{
    const char *colon = strchr(source, ':');
    return colon ? colon + 1 : "";
}

/* "type:what" -> provider and what. */
static int split_source(const char *source, struct provider **provider, const char **what)
{
    char type[STARTUP_NAME];
    size_t length = strcspn(source, ":");
    if (length == 0 || length >= sizeof(type))
        return ENODEV;
    memcpy(type, source, length);
    type[length] = '\0';
    *what = what_of(source);
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

static int simple_call(struct provider *provider, const uint32_t *volume, enum file_system_method method, uint32_t *used)
{
    struct operation operation;
    operation_begin(&operation, provider, volume);
    int error = operation_call(&operation, method);
    *used = operation.used;
    operation_end(&operation);
    return error;
}

/* Nobody finds the mount while the file system gives it up. One that was restarted meanwhile knows nothing of it. */
static int give_up(struct mount *mount)
{
    struct provider *provider = mount->provider;
    uint32_t used;
    lock_acquire(&lock);
    int error = mount->opens ? EBUSY : 0;
    if (!error)
        mount->provider = NULL;
    lock_release(&lock);
    if (error)
        return error;
    error = simple_call(provider, &mount->volume, FILE_SYSTEM_UNMOUNT, &used);
    if (error == ESTALE || error == OUTCOME_UNKNOWN)
        error = 0;
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

/* ---- syncing ---- */

int mount_sync(struct mount *mount)
{
    struct provider *provider = mount->provider;
    uint32_t used;
    if (!provider)
        return 0;
    lock_acquire(&sync_lock);
    files_sync_begins(mount);
    int error = simple_call(provider, &mount->volume, FILE_SYSTEM_SYNC, &used);
    files_sync_ends(mount, error ? 0 : used);
    lock_release(&sync_lock);
    return error;
}

int mounts_sync(void)
{
    int first = 0;
    for (uint32_t i = 0; i < MOUNTS; i++) {
        int error = mount_sync(&mounts[i]);
        first = first ? first : error;
    }
    return first;
}

/* ---- after a restart of a file system ---- */

/* The node of this name in a directory; a directory is made where there is none. 0: nothing can be had. */
static status_t find_or_make(struct mount *mount, uint32_t volume, const char *name, size_t length, uint32_t *node)
{
    struct file_system_request *request = provider_request(mount->provider, volume, *node);
    memcpy(request->name, name, length);
    status_t status = provider_call(mount->provider, FILE_SYSTEM_LOOKUP);
    if (status == ENOENT) {
        request = provider_request(mount->provider, volume, *node);
        memcpy(request->name, name, length);
        request->mode = S_IFDIR | 0755;
        status = provider_call(mount->provider, FILE_SYSTEM_CREATE);
    }
    *node = status == OK && S_ISDIR(request->attributes.mode) ? request->node : 0;
    return status < 0 ? status : OK;
}

/* The directory that `other` hides on this mount may have been lost: then it is made again. One that is not found by its path
 * alone, through a symbolic link perhaps, stays as it was. */
static status_t cover_again(struct mount *mount, uint32_t volume, struct mount *other)
{
    size_t length = mount == mount_root() ? 0 : strlen(mount->path);
    const char *path = other->path + length;
    uint32_t node = mount->root;
    status_t status = OK;
    if (strncmp(other->path, mount->path, length) != 0 || strstr(other->path, "/."))
        return OK;
    while (status == OK && node && *(path += strspn(path, "/"))) {
        length = strcspn(path, "/");
        status = find_or_make(mount, volume, path, length < FILE_SYSTEM_NAME ? length : FILE_SYSTEM_NAME - 1, &node);
        path += length;
    }
    if (node)
        other->covers.node = node;
    return status;
}

static status_t fill_again(struct mount *mount, uint32_t volume)
{
    status_t status = files_renew(mount, volume);
    for (uint32_t i = 1; i < MOUNTS && status == OK; i++)
        if (mounts[i].provider && mounts[i].covers.mount == mount)
            status = cover_again(mount, volume, &mounts[i]);
    return status;
}

/* The new number is shown last: until then, whoever asks for the old one waits for us (mounts_settle). */
static status_t mount_again(struct mount *mount)
{
    uint32_t volume = new_volume();
    struct file_system_request *request = provider_request(mount->provider, volume, 0);
    request->flags = mount->flags;
    strcpy(request->text, what_of(mount->source));
    status_t status = provider_call(mount->provider, FILE_SYSTEM_MOUNT);
    if (status == OK) {
        mount->root = request->node;
        mount->flags = request->flags & VFS_READ_ONLY;
        status = fill_again(mount, volume);
    }
    if (status > 0)
        print("vfs: cannot mount %s on %s again: %s\n", mount->source, mount->path, strerror(status));
    mount->volume = status == OK ? volume : 0;
    return status < 0 ? status : OK;
}

status_t mounts_renew(struct provider *provider)
{
    status_t status = OK;
    for (uint32_t i = 0; i < MOUNTS && status == OK; i++)
        if (mounts[i].provider == provider)
            status = mount_again(&mounts[i]);
    return status;
}

void mounts_settle(struct provider *provider)
{
    provider_lock(provider);
    for (uint32_t i = 0; i < MOUNTS; i++)
        if (mounts[i].provider == provider && !mounts[i].volume)
            mount_again(&mounts[i]);
    provider_unlock(provider);
}
