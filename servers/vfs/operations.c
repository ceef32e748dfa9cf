/* What clients ask for. The client may change its slot at any time: every number is read once, and texts are copied first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define PERMISSIONS 07777u
#define CREATE_TRIES 10u
#define PLACE_TRIES 10u

struct call {
    struct vfs_request *request;    /* in the client's memory */
    const session_t *session;
    struct client *client;
    uint32_t data, room;            /* where data begin in the session's memory, and how much fits */
    uint32_t result;                /* the reply DWORD */
};

typedef int (*vfs_operation_t)(struct call *call);

static int copy_text(char to[VFS_PATH], const char *from)
{
    size_t length = strnlen(from, VFS_PATH);
    if (length == VFS_PATH)
        return ENAMETOOLONG;
    memcpy(to, from, length);
    to[length] = '\0';
    return 0;
}

static int read_only(struct place place)
{
    return place.mount->flags & VFS_READ_ONLY ? EROFS : 0;
}

/* ---- opening ---- */

static int access_mode(uint32_t flags)
{
    return (int)(flags & O_ACCMODE);
}

static bool is_exclusive(uint32_t flags)
{
    return (flags & O_CREAT) && (flags & O_EXCL);
}

static int create_file(struct found *found, uint32_t mode, const char *text)
{
    struct operation operation;
    int error = read_only(found->parent);
    if (error)
        return error;
    place_begin(&operation, found->parent);
    operation.request->mode = mode;
    strcpy(operation.request->name, found->name);
    strcpy(operation.request->text, text);
    error = operation_call(&operation, FILE_SYSTEM_CREATE);
    found_answer(found, error ? NULL : operation.request);
    operation_end(&operation);
    return error;
}

static int set_size(struct place place, uint64_t size)
{
    struct operation operation;
    int error = read_only(place);
    if (error)
        return error;
    place_begin(&operation, place);
    operation.request->offset = size;
    error = operation_call(&operation, FILE_SYSTEM_TRUNCATE);
    operation_end(&operation);
    return error;
}

/* Whether what the path names may be opened so. */
static int check_existing(const struct found *found, uint32_t flags)
{
    bool directory = S_ISDIR(found->attributes.mode), writing = access_mode(flags) != O_RDONLY;
    if (is_exclusive(flags))
        return EEXIST;
    if (!directory && (flags & O_DIRECTORY))
        return ENOTDIR;
    if (directory && (writing || (flags & (O_CREAT | O_TRUNC))))
        return EISDIR;
    return writing || (flags & O_TRUNC) ? read_only(found->place) : 0;
}

/* Another client may create the file between our look and our attempt, or the file system may end in the middle: then we look
 * again. */
static int find_or_create(const char *path, uint32_t flags, uint32_t mode, struct found *found)
{
    bool exclusive = is_exclusive(flags);
    int error = EIO;
    for (uint32_t i = 0; i < CREATE_TRIES; i++) {
        error = path_find(path, !exclusive, found);
        if (error != ENOENT || !(flags & O_CREAT) || !found->parent.node)
            return error ? error : check_existing(found, flags);
        if (flags & O_DIRECTORY)
            return EINVAL;
        error = create_file(found, S_IFREG | (mode & PERMISSIONS & ~S_IFMT), "");
        if ((error != EEXIST && error != OUTCOME_UNKNOWN) || exclusive)
            break;
    }
    return error;
}

/* Made again, an exclusive creation would find its own file. */
static int open_found(struct call *call, struct place place, uint32_t flags, bool shortened)
{
    int error = client_file_open(call->client, place, flags, shortened, &call->result);
    return error == PLACE_GONE && is_exclusive(flags) ? OUTCOME_UNKNOWN : error;
}

static int open_file(struct call *call)
{
    struct found found;
    char path[VFS_PATH];
    uint32_t flags = call->request->flags;
    int error = access_mode(flags) == O_ACCMODE ? EINVAL : copy_text(path, call->request->path);
    if (!error)
        error = find_or_create(path, flags, call->request->mode, &found);
    if (error)
        return error;
    bool shortened = (flags & O_TRUNC) && found.attributes.size;
    if (shortened)
        error = set_size(found.place, found.attributes.size = 0);
    if (error)
        return error;
    call->request->attributes = found.attributes;
    return open_found(call, found.place, flags, shortened);
}

static int close_file(struct call *call)
{
    return client_file_close(call->client, call->request->file);
}

/* ---- data ---- */

static int transfer(struct call *call, struct file *file, enum file_system_method method)
{
    struct operation operation;
    uint32_t length = call->request->length;
    file_begin(&operation, file);
    operation.request->offset = call->request->offset;
    operation.request->flags = file->flags;
    int error = operation_transfer(&operation, method, call->session, call->data, length < call->room ? length : call->room);
    call->result = operation.request->length;
    call->request->offset = operation.request->offset;
    if (!error && method == FILE_SYSTEM_WRITE)
        file_note_written(file, operation.used);
    operation_end(&operation);
    return error;
}

/* Holds the file while it is worked on. */
static int with_file(struct call *call, int (*work)(struct call *call, struct file *file))
{
    struct file *file;
    int error = client_file_hold(call->client, call->request->file, &file);
    if (error)
        return error;
    error = work(call, file);
    client_file_release(file);
    return error;
}

static int read_from(struct call *call, struct file *file)
{
    return access_mode(file->flags) == O_WRONLY ? EBADF : transfer(call, file, FILE_SYSTEM_READ);
}

static int write_to(struct call *call, struct file *file)
{
    if (access_mode(file->flags) == O_RDONLY)
        return EBADF;
    return file_take_loss(file) ? EIO : transfer(call, file, FILE_SYSTEM_WRITE);
}

static int list(struct call *call, struct file *file)
{
    return access_mode(file->flags) == O_WRONLY ? EBADF : transfer(call, file, FILE_SYSTEM_READ_DIRECTORY);
}

static int truncate_open(struct call *call, struct file *file)
{
    struct operation operation;
    if (access_mode(file->flags) == O_RDONLY)
        return EINVAL;
    file_begin(&operation, file);
    operation.request->offset = call->request->offset;
    int error = operation_call(&operation, FILE_SYSTEM_TRUNCATE);
    if (!error)
        file_note_written(file, operation.used);
    operation_end(&operation);
    return error;
}

static int sync_to(struct call *call, struct file *file)
{
    (void)call;
    int error = mount_sync(file->mount);
    bool lost = file_take_loss(file);
    return error ? error : lost ? EIO : 0;
}

static int read_file(struct call *call) { return with_file(call, read_from); }
static int write_file(struct call *call) { return with_file(call, write_to); }
static int read_directory(struct call *call) { return with_file(call, list); }
static int truncate_file(struct call *call) { return with_file(call, truncate_open); }
static int sync_file(struct call *call) { return with_file(call, sync_to); }

/* ---- attributes ---- */

static int stat_path(struct call *call)
{
    struct found found;
    int error = path_find(call->request->path, !(call->request->flags & VFS_NO_FOLLOW), &found);
    if (!error)
        call->request->attributes = found.attributes;
    return error;
}

static int stat_open(struct call *call, struct file *file)
{
    struct operation operation;
    file_begin(&operation, file);
    int error = operation_call(&operation, FILE_SYSTEM_STAT);
    call->request->attributes = operation.request->attributes;
    operation_end(&operation);
    return error;
}

static int stat_file(struct call *call) { return with_file(call, stat_open); }

static int truncate_path(struct call *call)
{
    struct found found;
    int error = path_find(call->request->path, true, &found);
    if (!error && S_ISDIR(found.attributes.mode))
        error = EISDIR;
    return error ? error : set_size(found.place, call->request->offset);
}

static int set_attributes(struct call *call, uint32_t which)
{
    struct operation operation;
    struct found found;
    int error = path_find(call->request->path, true, &found);
    if (!error)
        error = read_only(found.place);
    if (error)
        return error;
    place_begin(&operation, found.place);
    operation.request->flags = which;
    operation.request->mode = call->request->mode & PERMISSIONS;
    operation.request->attributes = call->request->attributes;
    error = operation_call(&operation, FILE_SYSTEM_SET_ATTRIBUTES);
    operation_end(&operation);
    return error;
}

static int set_mode(struct call *call)
{
    return set_attributes(call, FILE_SYSTEM_MODE);
}

static int set_times(struct call *call)
{
    return set_attributes(call, FILE_SYSTEM_TIMES);
}

static int statistics(struct call *call)
{
    struct operation operation;
    struct found found;
    int error = path_find(call->request->path, true, &found);
    if (error)
        return error;
    place_begin(&operation, found.place);
    error = operation_call(&operation, FILE_SYSTEM_STATISTICS);
    call->request->statistics = operation.request->statistics;
    operation_end(&operation);
    return error;
}

/* ---- names ---- */

/* The place for a new name: its parent is there, it is not, and may be written. */
static int find_new(const char *path, struct found *found)
{
    int error = path_find(path, false, found);
    if (!error)
        return EEXIST;
    if (error != ENOENT || !found->parent.node)
        return error;
    return read_only(found->parent);
}

/* A name that is there, can be taken away, and hides no mount. */
static int find_name(const char *path, struct found *found)
{
    int error = path_find(path, false, found);
    if (error)
        return error;
    if (found->name[0] == '\0')
        return EINVAL;
    if (found->parent.mount != found->place.mount)
        return EBUSY;
    return read_only(found->place);
}

static int make_directory(struct call *call)
{
    struct found found;
    int error = find_new(call->request->path, &found);
    return error ? error : create_file(&found, S_IFDIR | (call->request->mode & PERMISSIONS), "");
}

static int make_symbolic_link(struct call *call)
{
    struct found found;
    char text[VFS_PATH];
    int error = copy_text(text, call->request->path);
    if (!error)
        error = text[0] ? find_new(call->request->path2, &found) : ENOENT;
    return error ? error : create_file(&found, S_IFLNK | 0777, text);
}

static int remove_name(struct call *call, uint32_t kind)
{
    struct operation operation;
    struct found found;
    int error = find_name(call->request->path, &found);
    if (error)
        return error;
    place_begin(&operation, found.parent);
    operation.request->flags = kind;
    strcpy(operation.request->name, found.name);
    error = operation_call(&operation, FILE_SYSTEM_REMOVE);
    operation_end(&operation);
    return error;
}

static int unlink_name(struct call *call)
{
    return remove_name(call, 0);
}

static int remove_directory(struct call *call)
{
    return remove_name(call, FILE_SYSTEM_DIRECTORY);
}

/* `place` is what LINK and RENAME expect there: the file, or the old directory. */
static int name_again(struct call *call, enum file_system_method method, const struct found *old, struct place place,
                      bool replace)
{
    struct operation operation;
    struct found new;
    int error = path_find(call->request->path2, false, &new);
    if (error && (error != ENOENT || !new.parent.node))
        return error;
    if (!error && !replace)
        return EEXIST;
    if (new.name[0] == '\0')
        return EINVAL;
    if (new.parent.mount != old->parent.mount)
        return EXDEV;
    if (!error && new.place.mount != new.parent.mount)
        return EBUSY;
    if (new.parent.volume != place.volume)
        return PLACE_GONE;
    place_begin(&operation, place);
    operation.request->directory = new.parent.node;
    strcpy(operation.request->name, old->name);
    strcpy(operation.request->text, new.name);
    error = operation_call(&operation, method);
    operation_end(&operation);
    return error;
}

static int rename_name(struct call *call)
{
    struct found old;
    int error = find_name(call->request->path, &old);
    return error ? error : name_again(call, FILE_SYSTEM_RENAME, &old, old.parent, true);
}

static int link_name(struct call *call)
{
    struct found old;
    int error = path_find(call->request->path, false, &old);
    if (!error)
        error = S_ISDIR(old.attributes.mode) ? EPERM : read_only(old.place);
    return error ? error : name_again(call, FILE_SYSTEM_LINK, &old, old.place, false);
}

static int read_link(struct call *call)
{
    struct operation operation;
    struct found found;
    int error = path_find(call->request->path, false, &found);
    if (!error && !S_ISLNK(found.attributes.mode))
        error = EINVAL;
    if (error)
        return error;
    place_begin(&operation, found.place);
    error = operation_call(&operation, FILE_SYSTEM_READ_LINK);
    call->result = strnlen(operation.request->text, call->room < VFS_PATH ? call->room : VFS_PATH);
    memcpy((uint8_t *)call->session->base + call->data, operation.request->text, call->result);
    operation_end(&operation);
    return error;
}

/* ---- mounts ---- */

static int sync_all(struct call *call)
{
    (void)call;
    return mounts_sync();
}

static int mount(struct call *call)
{
    char path[VFS_PATH], source[VFS_PATH];
    int error = copy_text(path, call->request->path);
    if (!error)
        error = copy_text(source, call->request->path2);
    return error ? error : mount_add(path, source, call->request->flags & VFS_READ_ONLY);
}

static int unmount(struct call *call)
{
    return mount_remove(call->request->path);
}

static int list_mounts(struct call *call)
{
    const struct mount *mount = mount_at(call->request->file);
    if (!mount)
        return ENOENT;
    strcpy(call->request->path, mount->path);
    strcpy(call->request->path2, mount->source);
    call->request->flags = mount->flags;
    return 0;
}

/* ---- dispatch ---- */

static const vfs_operation_t operations[VFS_METHODS] = {
    [VFS_OPEN] = open_file, [VFS_CLOSE] = close_file, [VFS_READ] = read_file, [VFS_WRITE] = write_file, [VFS_STAT] = stat_path,
    [VFS_FSTAT] = stat_file, [VFS_READ_DIRECTORY] = read_directory, [VFS_MAKE_DIRECTORY] = make_directory,
    [VFS_UNLINK] = unlink_name, [VFS_REMOVE_DIRECTORY] = remove_directory, [VFS_RENAME] = rename_name, [VFS_LINK] = link_name,
    [VFS_SYMBOLIC_LINK] = make_symbolic_link, [VFS_READ_LINK] = read_link, [VFS_TRUNCATE] = truncate_path,
    [VFS_FTRUNCATE] = truncate_file, [VFS_SET_MODE] = set_mode, [VFS_SET_TIMES] = set_times, [VFS_SYNC] = sync_all,
    [VFS_FSYNC] = sync_file, [VFS_STATISTICS] = statistics, [VFS_MOUNT] = mount, [VFS_UNMOUNT] = unmount,
    [VFS_MOUNTS] = list_mounts,
};

static reply_t operation(const request_t *rq)
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    struct call call = { .request = session_slot(session, rq->word), .session = session, .client = session->context };
    int error = EINVAL;
    if (call.request) {
        call.data = rq->word * session->slot_size + VFS_HEADER;
        call.room = session->slot_size - VFS_HEADER;
        for (uint32_t i = 0; i < PLACE_TRIES && (error = operations[rq->method](&call)) == PLACE_GONE; i++)
            continue;
    }
    session_release(session);
    return error ? reply_error(error == OUTCOME_UNKNOWN ? EIO : error == PLACE_GONE ? ESTALE : error) : reply(call.result);
}

const method_t vfs_methods[VFS_METHODS] = {
    [VFS_SESSION] = server_session_open,
    [VFS_OPEN ... VFS_METHODS - 1] = operation,
};
