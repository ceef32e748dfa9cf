/* Calls to the VFS: threads take turns with the slots of one session. */
#include <errno.h>
#include <fcntl.h>

#include "files.h"

#define SLOTS 2u /* as many threads can be in a call to the VFS at once; each costs VFS_SLOT_BYTES */
#define FREED 1u /* notification bit */

static struct connection vfs = { .service = "vfs", .slots = SLOTS, .slot_size = VFS_SLOT_BYTES };

static struct {
    struct lock lock;
    bool busy[SLOTS];
    uint32_t waiting;       /* threads */
    handle_t freed;         /* notification: a slot was freed while somebody waited */
} turns;

void libc_vfs_init(void)
{
    libc_lock_make(&vfs.lock);
    libc_lock_make(&turns.lock);
    if (notification_create(&turns.freed) != OK)
        process_exit((uint32_t)E_NO_MEMORY);
}

/* ---- slots ---- */

/* SLOTS when all are busy; then the caller counts as waiting until it comes again. */
static uint32_t take_free_slot(bool waited)
{
    lock_acquire(&turns.lock);
    turns.waiting -= waited;
    uint32_t slot = 0;
    while (slot < SLOTS && turns.busy[slot])
        slot++;
    if (slot < SLOTS)
        turns.busy[slot] = true;
    else
        turns.waiting++;
    lock_release(&turns.lock);
    return slot;
}

struct vfs_request *libc_vfs_begin(void)
{
    uint32_t bits, slot;
    status_t status = connection_open(&vfs);
    if (status != OK) {
        libc_result(status);
        return NULL;
    }
    for (bool waited = false; (slot = take_free_slot(waited)) == SLOTS; waited = true)
        notification_wait(turns.freed, FREED, TIMEOUT_NEVER, &bits);
    struct vfs_request *request = session_slot(&vfs.session, slot);
    request->flags = 0;
    return request;
}

static uint32_t slot_of(const struct vfs_request *request)
{
    return ((uint32_t)request - (uint32_t)vfs.session.base) / VFS_SLOT_BYTES;
}

void libc_vfs_end(struct vfs_request *request)
{
    lock_acquire(&turns.lock);
    turns.busy[slot_of(request)] = false;
    bool awaited = turns.waiting > 0;
    lock_release(&turns.lock);
    if (awaited)
        notification_signal(turns.freed, FREED);
}

/* ---- calls ---- */

static bool may_be_repeated(const struct vfs_request *request, enum vfs_method method)
{
    switch (method) {
    case VFS_MAKE_DIRECTORY: case VFS_UNLINK: case VFS_REMOVE_DIRECTORY: case VFS_RENAME: case VFS_LINK: case VFS_SYMBOLIC_LINK:
    case VFS_MOUNT: case VFS_UNMOUNT:
        return false;
    case VFS_OPEN:
        return !(request->flags & O_EXCL);
    default:
        return true;
    }
}

int libc_vfs_call(struct vfs_request *request, enum vfs_method method, uint32_t *reply)
{
    bool twice = may_be_repeated(request, method);
    status_t status = (twice ? connection_repeat : connection_call)(&vfs, method, slot_of(request), reply);
    return status == E_PEER_DIED ? libc_failure(EIO) : libc_result(status);
}

int libc_vfs_finish(struct vfs_request *request, enum vfs_method method)
{
    int done = libc_vfs_call(request, method, NULL);
    libc_vfs_end(request);
    return done;
}

/* Numbers from an earlier life of the VFS are not known to the next one: it says ESTALE as well. */
int libc_vfs_file_call(uint32_t file, struct vfs_request *request, enum vfs_method method, uint32_t *reply)
{
    request->file = file;
    status_t status = connection_call(&vfs, method, slot_of(request), reply);
    return status == E_PEER_DIED ? libc_failure(ESTALE) : libc_result(status);
}
