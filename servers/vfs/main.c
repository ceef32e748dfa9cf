/* vfs: the file tree that programs see. Mounts what its argument names, then serves.
 *
 * mounts=WHERE=TYPE:WHAT,... in the order given, for example "/=ext2:disk0p1,/tmp=memoryfs:,/boot=bootfs:"; a ! behind WHERE
 * makes it read-only. Where "/" cannot be mounted, an empty file system in memory stands in for it; but not while the VFS before
 * us still has it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define STACK_BYTES 32768u
#define STAND_IN "memoryfs:"
#define WAIT_PAUSE 10000u   /* microseconds */
#define WAIT_TRIES 1000u

static void make_directory(const char *path)
{
    struct operation operation;
    struct found found;
    if (path_find(path, true, &found) != ENOENT || !found.parent.node)
        return;
    place_begin(&operation, found.parent);
    strcpy(operation.request->name, found.name);
    operation.request->text[0] = '\0';
    operation.request->mode = S_IFDIR | 0755;
    operation_call(&operation, FILE_SYSTEM_CREATE);
    operation_end(&operation);
}

static bool is_temporary(int error)
{
    return error == EBUSY || error == ENFILE || error == PLACE_GONE;
}

/* What the VFS before us had mounted it has until its last request is over, however long that takes: nobody but us mounts
 * anything, so while "/" is not mounted, it alone can have it. */
static int mount_when_free(const char *path, const char *source, uint32_t flags)
{
    int error = mount_add(path, source, flags);
    for (uint32_t i = 0; is_temporary(error) && (i < WAIT_TRIES || !mount_root()->provider); i++) {
        sleep_microseconds(WAIT_PAUSE);
        error = mount_add(path, source, flags);
    }
    return error;
}

static int mount_one(const char *path, const char *source, uint32_t flags)
{
    if (mount_root()->provider)
        make_directory(path);
    int error = mount_when_free(path, source, flags);
    if (error)
        print("vfs: cannot mount %s on %s: %s\n", source, path, strerror(error));
    return error;
}

/* One WHERE=TYPE:WHAT of `length` bytes. */
static void mount_entry(const char *entry, size_t length)
{
    char path[VFS_PATH], *source;
    uint32_t flags = 0;
    if (length >= sizeof(path))
        return;
    memcpy(path, entry, length);
    path[length] = '\0';
    source = strchr(path, '=');
    if (!source || source == path) {
        print("vfs: mounts: \"%s\" is not WHERE=TYPE:WHAT\n", path);
        return;
    }
    *source++ = '\0';
    if (source[-2] == '!') {
        source[-2] = '\0';
        flags = VFS_READ_ONLY;
    }
    if (mount_one(path, source, flags) && strcmp(path, "/") == 0) {
        print("vfs: / is in memory, and empty\n");
        mount_one(path, STAND_IN, 0);
    }
}

static void mount_all(const char *list)
{
    while (list && *list) {
        size_t length = strcspn(list, ",");
        mount_entry(list, length);
        list += length + (list[length] == ',');
    }
}

int main(void)
{
    if (providers_init() != OK || mounts_init() != OK || files_init() != OK)
        return E_NO_MEMORY;
    mount_all(argument("mounts"));
    if (!mount_root()->provider && mount_one("/", STAND_IN, 0))
        return E_NOT_FOUND;
    return server_run(NULL, vfs_methods, VFS_METHODS, .stack = STACK_BYTES, .handles = ENDPOINT_TAKES_HANDLE(VFS_SESSION),
                      .count_calls = true);
}
