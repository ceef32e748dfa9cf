/* Paths: absolute ones for the VFS, the working directory, realpath. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define LINKS_MAX 16u /* symbolic links in one path */

static struct lock directory_lock;
static char directory[VFS_PATH] = "/";

static void set_directory(const char *path)
{
    lock_acquire(&directory_lock);
    strcpy(directory, path);
    lock_release(&directory_lock);
}

/* cwd= of the startup page is taken as it is: whoever started us has been there. */
void libc_path_init(void)
{
    const char *given = argument("cwd");
    libc_lock_make(&directory_lock);
    if (given && given[0] == '/' && strlen(given) < VFS_PATH)
        set_directory(given);
}

/* ---- absolute paths ---- */

/* Adds "/name"; -1 with ENAMETOOLONG. */
static int append(char path[VFS_PATH], const char *name, size_t length)
{
    size_t used = strlen(path);
    if (used + 1 + length >= VFS_PATH)
        return libc_failure(ENAMETOOLONG);
    path[used] = '/';
    memcpy(path + used + 1, name, length);
    path[used + 1 + length] = '\0';
    return 0;
}

static bool is_dot(const char *name, size_t length) { return length == 1 && name[0] == '.'; }
static bool is_dot_dot(const char *name, size_t length) { return length == 2 && name[0] == '.' && name[1] == '.'; }

/* Takes the next name off the path; 0 at the end. */
static size_t next_name(const char **path, const char **name)
{
    *path += strspn(*path, "/");
    *name = *path;
    size_t length = strcspn(*path, "/");
    *path += length;
    return length;
}

/* A name that must be a directory, since "/" or "/." follows it, keeps the "/". */
static int append_all(char absolute[VFS_PATH], const char *path)
{
    const char *name;
    bool is_directory = path[strlen(path) - 1] == '/';
    for (size_t length; (length = next_name(&path, &name)) > 0;) {
        if (is_dot(name, length))
            is_directory |= *path == '\0';
        else if (append(absolute, name, length) < 0)
            return -1;
    }
    return is_directory || absolute[0] == '\0' ? append(absolute, "", 0) : 0;
}

int libc_path_absolute(char absolute[VFS_PATH], const char *path)
{
    absolute[0] = '\0';
    if (path[0] == '\0')
        return libc_failure(ENOENT);
    if (path[0] != '/') {
        lock_acquire(&directory_lock);
        if (strcmp(directory, "/") != 0)
            strcpy(absolute, directory);
        lock_release(&directory_lock);
    }
    return append_all(absolute, path);
}

struct vfs_request *libc_path_begin(const char *path)
{
    struct vfs_request *request = libc_vfs_begin();
    if (!request || libc_path_absolute(request->path, path) == 0)
        return request;
    libc_vfs_end(request);
    return NULL;
}

/* ---- realpath ---- */

struct walk {
    char rest[VFS_PATH];    /* names still to go */
    char *done;             /* VFS_PATH bytes, without symbolic links; "" is the root */
    uint32_t links;
};

static void drop_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
}

/* The link's text goes before what is left. */
static int follow(struct walk *walk, const char *rest)
{
    char target[VFS_PATH];
    ssize_t length = readlink(walk->done, target, sizeof(target));
    size_t left = strlen(rest);
    if (length < 0)
        return -1;
    if (++walk->links > LINKS_MAX)
        return libc_failure(ELOOP);
    if ((size_t)length + left >= VFS_PATH)
        return libc_failure(ENAMETOOLONG);
    memmove(walk->rest + length, rest, left + 1);
    memcpy(walk->rest, target, (size_t)length);
    if (target[0] == '/')
        walk->done[0] = '\0';
    else
        drop_last(walk->done);
    return 0;
}

static int step(struct walk *walk)
{
    const char *rest = walk->rest, *name;
    struct stat status;
    size_t length = next_name(&rest, &name);
    if (is_dot_dot(name, length)) {
        drop_last(walk->done);
    } else if (length > 0 && !is_dot(name, length)) {
        if (append(walk->done, name, length) < 0 || lstat(walk->done, &status) < 0)
            return -1;
        if (S_ISLNK(status.st_mode))
            return follow(walk, rest);
    }
    memmove(walk->rest, rest, strlen(rest) + 1);
    return 0;
}

static int resolve(struct walk *walk, const char *path)
{
    walk->links = 0;
    walk->done[0] = '\0';
    if (libc_path_absolute(walk->rest, path) < 0)
        return -1;
    while (walk->rest[0])
        if (step(walk) < 0)
            return -1;
    return walk->done[0] ? 0 : append(walk->done, "", 0);
}

char *realpath(const char *restrict path, char *restrict resolved)
{
    struct walk walk = { .done = resolved ? resolved : malloc(VFS_PATH) };
    if (walk.done && resolve(&walk, path) == 0)
        return walk.done;
    if (!resolved)
        free(walk.done);
    return NULL;
}

/* ---- the working directory ---- */

int chdir(const char *path)
{
    char resolved[VFS_PATH];
    struct stat status;
    if (!realpath(path, resolved) || stat(resolved, &status) < 0)
        return -1;
    if (!S_ISDIR(status.st_mode))
        return libc_failure(ENOTDIR);
    set_directory(resolved);
    return 0;
}

char *getcwd(char *buffer, size_t size)
{
    char path[VFS_PATH];
    lock_acquire(&directory_lock);
    strcpy(path, directory);
    lock_release(&directory_lock);
    if (!buffer)
        return strdup(path);
    if (strlen(path) < size)
        return strcpy(buffer, path);
    libc_failure(size == 0 ? EINVAL : ERANGE);
    return NULL;
}
