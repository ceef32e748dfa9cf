/* Directories: opendir, readdir and others, over READ_DIRECTORY of the VFS. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define BUFFER 4096u

struct directory {
    int descriptor;
    uint64_t offset;        /* where the VFS goes on */
    uint32_t length, taken; /* bytes of the buffer */
    struct dirent entry;    /* what readdir returns */
    uint8_t buffer[BUFFER] __attribute__((aligned(4)));
};

DIR *fdopendir(int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return NULL;
    if (!S_ISDIR(status.st_mode)) {
        libc_failure(ENOTDIR);
        return NULL;
    }
    DIR *directory = malloc(sizeof(*directory));
    if (directory) {
        directory->descriptor = descriptor;
        rewinddir(directory);
    }
    return directory;
}

DIR *opendir(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (descriptor >= 0 && !directory) {
        int error = errno;
        close(descriptor);
        libc_failure(error);
    }
    return directory;
}

int closedir(DIR *directory)
{
    int done = close(directory->descriptor);
    free(directory);
    return done;
}

void rewinddir(DIR *directory)
{
    directory->offset = 0;
    directory->length = directory->taken = 0;
}

int dirfd(DIR *directory)
{
    return directory->descriptor;
}

/* ---- reading ---- */

static int call(DIR *directory, uint32_t file)
{
    struct vfs_request *request = libc_vfs_begin();
    uint32_t length;
    if (!request)
        return -1;
    request->offset = directory->offset;
    request->length = BUFFER;
    int done = libc_vfs_file_call(file, request, VFS_READ_DIRECTORY, &length);
    if (done == 0) {
        directory->offset = request->offset;
        directory->length = length < BUFFER ? length : BUFFER;
        directory->taken = 0;
        memcpy(directory->buffer, vfs_data(request), directory->length);
    }
    libc_vfs_end(request);
    return done;
}

static int fill(DIR *directory)
{
    struct open_file *file = libc_file_hold(directory->descriptor);
    if (!file)
        return -1;
    int done = call(directory, file->file);
    libc_file_release(file);
    return done;
}

static const struct vfs_entry *take_entry(DIR *directory)
{
    const struct vfs_entry *entry = (const struct vfs_entry *)(directory->buffer + directory->taken);
    uint32_t left = directory->length - directory->taken;
    if (left < sizeof(*entry) || entry->bytes < sizeof(*entry) + entry->name_length || entry->bytes > left) {
        libc_failure(EIO);
        return NULL;
    }
    directory->taken += entry->bytes;
    return entry;
}

/* NULL at the end, where errno is left alone, and on errors. */
struct dirent *readdir(DIR *directory)
{
    if (directory->taken == directory->length && (fill(directory) < 0 || directory->length == 0))
        return NULL;
    const struct vfs_entry *entry = take_entry(directory);
    if (!entry)
        return NULL;
    directory->entry.d_ino = entry->inode;
    directory->entry.d_type = entry->type;
    memcpy(directory->entry.d_name, entry->name, entry->name_length);
    directory->entry.d_name[entry->name_length] = '\0';
    return &directory->entry;
}

/* ---- whole directories ---- */

/* Adds a copy, as short as the name allows. */
static int add_copy(struct dirent ***list, int count, const struct dirent *entry)
{
    size_t bytes = offsetof(struct dirent, d_name) + strlen(entry->d_name) + 1;
    struct dirent **longer = reallocarray(*list, (size_t)count + 1, sizeof(*longer));
    if (!longer)
        return -1;
    *list = longer;
    longer[count] = malloc(bytes);
    if (!longer[count])
        return -1;
    memcpy(longer[count], entry, bytes);
    return 0;
}

static int read_all(DIR *directory, struct dirent ***list, int (*wanted)(const struct dirent *))
{
    const struct dirent *entry;
    int count = 0;
    errno = 0;
    while ((entry = readdir(directory))) {
        if (wanted && !wanted(entry))
            continue;
        if (add_copy(list, count, entry) < 0)
            break;
        count++;
    }
    if (errno == 0)
        return count;
    while (count > 0)
        free((*list)[--count]);
    free(*list);
    return -1;
}

int scandir(const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    DIR *directory = opendir(path);
    if (!directory)
        return -1;
    *list = NULL;
    int count = read_all(directory, list, wanted), error = errno;
    closedir(directory);
    if (count > 0 && compare)
        qsort(*list, (size_t)count, sizeof(**list), (int (*)(const void *, const void *))compare);
    return count < 0 ? libc_failure(error) : count;
}

int alphasort(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}
