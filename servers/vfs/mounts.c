/* The mount table. A mount hides the directory on which it was made; unmounting shows it again. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define VOLUMES_PER_MS 256u /* more than can be mounted in a millisecond */

static struct mount mounts[MOUNTS];
static struct lock lock; /* over changes of the table, the counts of open files and the number below */
static struct lock changes; /* one mount or unmount at a time */
static uint32_t last_volume;

static status_t cover_again(struct mount *mount, uint32_t volume, struct mount *other);

/* Volumes of an earlier life of ours may still be mounted: ours begin where none of theirs has come. */
status_t mounts_init(void)
{
    status_t status = lock_init(&lock);
    system_info(INFO_UPTIME_MS, &last_volume);
    last_volume *= VOLUMES_PER_MS;
    if (status == OK)
        status = lock_init(&changes);
    for (uint32_t i = 0; i < MOUNTS && status == OK; i++)
        status = lock_init(&mounts[i].sync_lock);
    return status;
}

struct mount *mount_root(void)
{
    return &mounts[0];
}

static bool is_covered_by(const struct mount *mount, const struct place *place)
{
    return mount->provider && mount->covers.mount == place->mount && mount->covers.node == place->node;
}

static bool read_root(struct mount *mount, const struct place *covered, struct place *root)
{
    lock_acquire(&lock);
    bool good = is_covered_by(mount, covered);
    *root = (struct place){ mount, mount->provider, mount->volume, mount->root, mount->root_generation };
    lock_release(&lock);
    return good;
}

/* Asks for a volume that there is not, so that its file system gets what it must know if it was started again. */
static void settle(struct place root)
{
    struct operation operation;
    place_begin(&operation, root);
    operation_call(&operation, FILE_SYSTEM_STATISTICS);
    operation_end(&operation);
}

int mount_enter(struct mount *mount, struct place *place)
{
    const struct place covered = *place;
    bool good = read_root(mount, &covered, place);
    if (good && !place->volume) {
        settle(*place);
        good = read_root(mount, &covered, place);
    }
    return !good ? PLACE_GONE : place->volume ? 0 : EIO;
}

/* What is covered changes while a volume is mounted again, when it has no number. */
int mount_cross(struct place *place)
{
    struct mount *mount = mounts + 1;
    while (mount < mounts + MOUNTS && !is_covered_by(mount, place))
        mount++;
    if (place->volume != place->mount->volume)
        return PLACE_GONE;
    return mount < mounts + MOUNTS ? mount_enter(mount, place) : 0;
}

int mount_hold(struct place place)
{
    lock_acquire(&lock);
    bool good = place.mount->provider && place.mount->volume == place.volume;
    place.mount->opens += good;
    lock_release(&lock);
    return good ? 0 : PLACE_GONE;
}

void mount_release(struct mount *mount)
{
    lock_acquire(&lock);
    mount->opens--;
    lock_release(&lock);
}

void place_begin(struct operation *operation, struct place place)
{
    operation->fixed = place.volume;
    operation_begin(operation, place.provider, NULL);
    operation->request->node = place.node;
    operation->request->generation = place.generation;
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

static void note_mounted(struct mount *mount, const struct file_system_request *answer)
{
    mount->root = answer->node;
    mount->root_generation = answer->attributes.generation;
    mount->flags = answer->flags & VFS_READ_ONLY;
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
    note_mounted(mount, operation.request);
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

/* Held, so that it stays; not so when it has been covered since it was found. */
static int hold_covered(struct place covered)
{
    for (uint32_t i = 1; i < MOUNTS; i++)
        if (is_covered_by(&mounts[i], &covered))
            return EBUSY;
    return covered.mount ? mount_hold(covered) : 0;
}

static void release_covered(const struct mount *mount)
{
    if (mount->covers.mount)
        mount_release(mount->covers.mount);
}

static int simple_call(struct provider *provider, const uint32_t *volume, enum file_system_method method, uint32_t *used)
{
    struct operation operation;
    operation_begin(&operation, provider, volume);
    int error = operation_call(&operation, method);
    *used = operation.used;
    operation_end(&operation);
    return error;
}

/* A restart renews what it finds in the table. One that came while the mount did not stand there has missed it. */
static void show(struct mount *mount, struct provider *provider)
{
    uint32_t used;
    lock_acquire(&lock);
    mount->provider = provider;
    lock_release(&lock);
    if (simple_call(provider, &mount->volume, FILE_SYSTEM_STATISTICS, &used) != ESTALE)
        return;
    provider_lock(provider);
    if (mount->volume == used)
        mount->volume = 0;
    provider_unlock(provider);
}

/* The same for the file system below, which could not tell it where the covered directory is now. */
static void show_below(struct mount *mount)
{
    struct mount *below = mount->covers.mount;
    if (!below)
        return;
    provider_lock(below->provider);
    if (below->volume && below->volume != mount->covers.volume)
        cover_again(below, below->volume, mount);
    provider_unlock(below->provider);
}

static int add(struct mount *mount, const char *path, const char *source, uint32_t flags)
{
    struct provider *provider;
    const char *what;
    int error = split_source(source, &provider, &what);
    if (!error)
        error = ask_provider(mount, provider, what, flags);
    if (error)
        return error;
    strcpy(mount->path, path);
    strcpy(mount->source, source);
    show(mount, provider);
    show_below(mount);
    return 0;
}

static int add_over(struct place covered, const char *path, const char *source, uint32_t flags)
{
    struct mount *mount = free_mount();
    int error = mount ? hold_covered(covered) : ENFILE;
    if (error)
        return error;
    mount->covers = covered;
    error = add(mount, path, source, flags);
    if (error)
        release_covered(mount);
    return error;
}

int mount_add(const char *path, const char *source, uint32_t flags)
{
    struct place covered;
    int error = find_covered(path, &covered);
    if (error)
        return error;
    lock_acquire(&changes);
    error = add_over(covered, path, source, flags);
    lock_release(&changes);
    return error;
}

/* ---- unmounting ---- */

/* Nobody finds it any more, and it is not just being mounted again. EBUSY: it is in use. */
static int hide(struct mount *mount, struct provider *provider)
{
    provider_lock(provider);
    lock_acquire(&lock);
    int error = mount->opens ? EBUSY : 0;
    if (!error)
        mount->provider = NULL;
    lock_release(&lock);
    provider_unlock(provider);
    return error;
}

/* A file system that was restarted meanwhile knows nothing of it. */
static int give_up(struct mount *mount)
{
    struct provider *provider = mount->provider;
    uint32_t used;
    int error = hide(mount, provider);
    if (error)
        return error;
    error = simple_call(provider, &mount->volume, FILE_SYSTEM_UNMOUNT, &used);
    if (error == ESTALE || error == OUTCOME_UNKNOWN)
        error = 0;
    if (error)
        show(mount, provider);
    else
        release_covered(mount);
    return error;
}

/* The mount may have gone since it was found. */
static int remove_at(struct place place)
{
    struct mount *mount = place.mount;
    if (!mount->provider || mount->volume != place.volume)
        return PLACE_GONE;
    if (place.node != mount->root)
        return EINVAL;
    return mount == mount_root() ? EBUSY : give_up(mount);
}

int mount_remove(const char *path)
{
    struct found found;
    int error = path_find(path, true, &found);
    if (error)
        return error;
    lock_acquire(&changes);
    error = remove_at(found.place);
    lock_release(&changes);
    return error;
}

/* ---- syncing ---- */

int mount_sync(struct mount *mount)
{
    struct provider *provider = mount->provider;
    uint32_t used;
    if (!provider)
        return 0;
    lock_acquire(&mount->sync_lock);
    files_sync_begins(mount);
    int error = simple_call(provider, &mount->volume, FILE_SYSTEM_SYNC, &used);
    files_sync_ends(mount, error ? 0 : used);
    lock_release(&mount->sync_lock);
    return error;
}

int mounts_sync(void)
{
    int first = 0;
    for (uint32_t i = 0; i < MOUNTS; i++) {
        int error = mount_sync(&mounts[i]);
        if (!first && mounts[i].provider) /* who unmounts it syncs it */
            first = error;
    }
    return first;
}

/* ---- after a restart of a file system ---- */

/* The place of this name in a directory; a directory is made where there is none. Node 0: nothing can be had. */
static status_t find_or_make(struct place *place, const char *name, size_t length)
{
    struct file_system_request *request = provider_request(place->provider, place->volume, place->node, place->generation);
    memcpy(request->name, name, length);
    status_t status = provider_call(place->provider, FILE_SYSTEM_LOOKUP);
    if (status == ENOENT) {
        provider_request(place->provider, place->volume, place->node, place->generation);
        memcpy(request->name, name, length);
        request->mode = S_IFDIR | 0755;
        status = provider_call(place->provider, FILE_SYSTEM_CREATE);
    }
    place->node = status == OK && S_ISDIR(request->attributes.mode) ? request->node : 0;
    place->generation = request->attributes.generation;
    return status < 0 ? status : OK;
}

/* The directory that `other` hides on this mount may have been lost: then it is made again. One that is not found by its path
 * alone, through a symbolic link perhaps, stays as it was. */
static status_t cover_again(struct mount *mount, uint32_t volume, struct mount *other)
{
    size_t length = mount == mount_root() ? 0 : strlen(mount->path);
    const char *path = other->path + length;
    struct place place = { mount, mount->provider, volume, mount->root, mount->root_generation };
    status_t status = OK;
    if (strncmp(other->path, mount->path, length) != 0 || strstr(other->path, "/."))
        return OK;
    while (status == OK && place.node && *(path += strspn(path, "/"))) {
        length = strcspn(path, "/");
        status = find_or_make(&place, path, length < FILE_SYSTEM_NAME ? length : FILE_SYSTEM_NAME - 1);
        path += length;
    }
    if (place.node)
        other->covers = place;
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
    mount->volume = 0;
    struct file_system_request *request = provider_request(mount->provider, volume, 0, 0);
    request->flags = mount->flags;
    strcpy(request->text, what_of(mount->source));
    status_t status = provider_call(mount->provider, FILE_SYSTEM_MOUNT);
    if (status == OK) {
        note_mounted(mount, request);
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
