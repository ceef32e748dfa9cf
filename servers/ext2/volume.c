/* Volumes: mounting, unmounting, and what keeps the disk consistent. */
#include <errno.h>
#include <string.h>

#include <et/com_err.h>

#include "cache.h"
#include "ext2.h"

#define INODE_CACHE 64u

/* libext2fs could read these, but we would write them wrongly. */
#define INCOMPATIBLE (EXT4_FEATURE_INCOMPAT_INLINE_DATA | EXT4_FEATURE_INCOMPAT_ENCRYPT | EXT4_FEATURE_INCOMPAT_CASEFOLD | \
                      EXT4_FEATURE_INCOMPAT_EA_INODE | EXT3_FEATURE_INCOMPAT_JOURNAL_DEV)

static struct volume volumes[VOLUMES];
static struct lock table_lock; /* over the use of the table, for mounting and unmounting */

/* ---- errors ---- */

static const struct {
    errcode_t code;
    int error;
} errors[] = {
    { EXT2_ET_NO_MEMORY, ENOMEM },          { EXT2_ET_FILE_NOT_FOUND, ENOENT },  { EXT2_ET_NO_DIRECTORY, ENOTDIR },
    { EXT2_ET_DIR_EXISTS, EEXIST },         { EXT2_ET_FILE_EXISTS, EEXIST },     { EXT2_ET_BLOCK_ALLOC_FAIL, ENOSPC },
    { EXT2_ET_INODE_ALLOC_FAIL, ENOSPC },   { EXT2_ET_DIR_NO_SPACE, ENOSPC },    { EXT2_ET_RO_FILSYS, EROFS },
    { EXT2_ET_FILE_TOO_BIG, EFBIG },        { EXT2_ET_BAD_MAGIC, EINVAL },       { EXT2_ET_SYMLINK_LOOP, ELOOP },
    { EXT2_ET_EXTENT_NO_SPACE, ENOSPC },    { EXT2_ET_TOOSMALL, ENOSPC },
};

int error_of(const struct volume *volume, errcode_t code)
{
    for (uint32_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].code == code)
            return errors[i].error;
    if (code == 0 || (code > 0 && code < 256))
        return (int)code;
    print("ext2: %s: %s\n", volume->fs && volume->fs->device_name ? volume->fs->device_name : "volume", error_message(code));
    return EIO;
}

uint32_t volume_now(const struct volume *volume)
{
    uint32_t now = file_system_now();
    return now > volume->written ? now : volume->written;
}

/* ---- the table ---- */

struct volume *volume_lock(uint32_t number)
{
    for (uint32_t i = 0; i < VOLUMES; i++) {
        struct volume *volume = &volumes[i];
        if (!volume->used || volume->number != number)
            continue;
        lock_acquire(&volume->lock);
        if (volume->used && volume->number == number)
            return volume;
        lock_release(&volume->lock);
    }
    return NULL;
}

void volume_unlock(struct volume *volume)
{
    lock_release(&volume->lock);
}

int volume_run(int (*operation)(struct volume *volume, request *rq), request *rq)
{
    struct volume *volume = volume_lock(rq->volume);
    if (!volume)
        return ENXIO;
    int error = operation(volume, rq);
    volume_unlock(volume);
    return error;
}

static struct volume *take_free(void)
{
    for (uint32_t i = 0; i < VOLUMES; i++)
        if (!volumes[i].used)
            return &volumes[i];
    return NULL;
}

static bool is_mounted(uint32_t unit)
{
    for (uint32_t i = 0; i < VOLUMES; i++)
        if (volumes[i].used && volumes[i].unit == unit)
            return true;
    return false;
}

/* ---- mounting ---- */

/* What is on the disk must be something that we can write. */
static int check_features(const ext2_filsys fs, const char *source)
{
    if (fs->super->s_feature_incompat & INCOMPATIBLE) {
        print("ext2: %s: it has features (0x%x) that are not supported\n", source, fs->super->s_feature_incompat & INCOMPATIBLE);
        return EINVAL;
    }
    if (fs->super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) {
        print("ext2: %s: its journal must be replayed first: run e2fsck on it\n", source);
        return EINVAL;
    }
    if (!(fs->super->s_state & EXT2_VALID_FS) || (fs->super->s_state & EXT2_ERROR_FS))
        print("ext2: %s: it was not unmounted cleanly, or has errors: e2fsck should look at it\n", source);
    return 0;
}

static errcode_t open_volume(struct volume *volume, const char *source, bool read_only)
{
    int flags = EXT2_FLAG_64BITS | (read_only ? 0 : EXT2_FLAG_RW);
    errcode_t code = ext2fs_open2(source, NULL, flags, 0, 0, &cache_io_manager, &volume->fs);
    if (code == EROFS && !read_only) {
        volume->read_only = true;
        return open_volume(volume, source, true);
    }
    if (code)
        return code;
    volume->fs->flags |= EXT2_FLAG_MASTER_SB_ONLY;
    code = ext2fs_create_inode_cache(volume->fs, INODE_CACHE);
    if (!code)
        code = ext2fs_read_bitmaps(volume->fs);
    return code ? code : commit_begin(volume);
}

static void close_volume(struct volume *volume)
{
    if (volume->freed)
        ext2fs_free_block_bitmap(volume->freed);
    if (volume->fs) {
        volume->fs->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED | EXT2_FLAG_IB_DIRTY | EXT2_FLAG_BB_DIRTY);
        ext2fs_free(volume->fs);
    }
    volume->freed = NULL;
    volume->fs = NULL;
}

/* The record of a mounted volume is its own, perhaps of a sync that has not ended. */
static int open_and_check(struct volume *volume, const char *source)
{
    uint64_t sectors;
    bool read_only;
    if (cache_parse_unit(source, &volume->unit) && is_mounted(volume->unit))
        return EBUSY;
    if (cache_find_unit(source, &volume->unit, &sectors, &read_only) == OK && commit_replay(volume, volume->unit) != OK) {
        print("ext2: %s: an interrupted sync cannot be finished\n", source);
        return EIO;
    }
    errcode_t code = open_volume(volume, source, volume->read_only);
    int error = code == EXT2_ET_BAD_MAGIC || code == EXT2_ET_SHORT_READ ? EINVAL : code ? error_of(volume, code) : 0;
    if (code)
        print("ext2: %s: %s\n", source, error_message(code));
    return error ? error : check_features(volume->fs, source);
}

static int mount(request *rq)
{
    struct volume *volume = take_free();
    struct ext2_inode root;
    if (!volume)
        return ENFILE;
    if (volume->lock.notification == HANDLE_NONE && lock_init(&volume->lock) != OK)
        return ENOMEM;
    memset(&volume->lock + 1, 0, sizeof(*volume) - sizeof(volume->lock));
    volume->read_only = rq->flags & VFS_READ_ONLY;
    volume->number = rq->volume;
    int error = open_and_check(volume, rq->text);
    if (!error)
        error = node_read(volume, EXT2_ROOT_INO, &root);
    if (!error && !LINUX_S_ISDIR(root.i_mode))
        error = EIO;
    if (error) {
        close_volume(volume);
        return error;
    }
    volume->written = volume->fs->super->s_wtime;
    volume->clean = volume->fs->super->s_state & EXT2_VALID_FS;
    volume->places = (uint32_t)(ext2fs_blocks_count(volume->fs->super) * volume->fs->blocksize / PAGE_SIZE * 3 / 4);
    rq->flags = volume->read_only ? VFS_READ_ONLY : 0;
    node_answer(volume, rq, EXT2_ROOT_INO, &root);
    volume->used = true;
    return 0;
}

int volume_mount(request *rq, void *data)
{
    (void)data;
    if (table_lock.notification == HANDLE_NONE && lock_init(&table_lock) != OK)
        return ENOMEM;
    lock_acquire(&table_lock);
    int error = mount(rq);
    lock_release(&table_lock);
    return error;
}

/* ---- staying consistent ---- */

static errcode_t write_super(struct volume *volume, bool valid)
{
    uint16_t *state = &volume->fs->super->s_state;
    *state = (uint16_t)(valid ? *state | EXT2_VALID_FS : *state & ~EXT2_VALID_FS);
    ext2fs_mark_super_dirty(volume->fs);
    io_compare(volume->fs->io, true);
    errcode_t code = ext2fs_flush2(volume->fs, EXT2_FLAG_FLUSH_NO_SYNC);
    io_compare(volume->fs->io, false);
    return code;
}

static int flush(struct volume *volume)
{
    volume->failed = cache_flush(volume->unit) != OK;
    return volume->failed ? EIO : 0;
}

/* What cannot be written as a whole goes piece by piece; before the first and until the last, the disk says that it is in use. */
static int sync_in_pieces(struct volume *volume)
{
    if (!volume->in_pieces)
        print("ext2: %s: too little is free to sync it as a whole, or sector 1 is not\n", volume->fs->device_name);
    volume->in_pieces = true;
    errcode_t code = write_super(volume, false);
    if (code)
        return error_of(volume, code);
    if (commit_superblock(volume) != OK || flush(volume) != 0)
        return EIO;
    code = write_super(volume, volume->clean);
    return code ? error_of(volume, code) : flush(volume);
}

static int write_changes(struct volume *volume)
{
    errcode_t code = write_super(volume, volume->clean);
    if (code)
        return error_of(volume, code);
    status_t status = commit(volume);
    return status == E_NOT_SUPPORTED ? sync_in_pieces(volume) : status == OK ? 0 : EIO;
}

static int sync_volume(struct volume *volume)
{
    if (volume->failed || !volume->changed)
        return volume->failed ? EIO : 0;
    int error = write_changes(volume);
    volume->failed = volume->failed || cache_is_lost(volume->unit);
    if (volume->failed) {
        print("ext2: %s: a sync failed: the volume must be mounted again\n", volume->fs->device_name);
        cache_drop(volume->unit); /* or the rest would be written, to make room */
    }
    if (!error)
        ext2fs_clear_block_bitmap(volume->freed);
    volume->changed = error != 0;
    return error;
}

/* Changes that fill the cache are written in time, between two operations: in the middle of one they would have to make room. */
int volume_will_change(struct volume *volume)
{
    if (volume->read_only || volume->failed)
        return volume->failed ? EIO : EROFS;
    int error = cache_is_full() ? sync_volume(volume) : 0;
    volume->changed = true;
    volume->fs->now = (time_t)volume_now(volume);
    return error;
}

static int sync_asked(struct volume *volume, request *rq)
{
    (void)rq;
    return sync_volume(volume);
}

int volume_sync(request *rq, void *data)
{
    (void)data;
    return volume_run(sync_asked, rq);
}

/* By force, what cannot be written is lost; so it is if a sync has failed, as was said then. */
static int unmount(struct volume *volume, request *rq)
{
    bool force = rq->flags & FILE_SYSTEM_FORCE, failed = volume->failed;
    if (force)
        node_close_all(volume);
    int error = volume->nodes ? EBUSY : sync_volume(volume);
    if (error && !force && (error == EBUSY || !failed))
        return error;
    close_volume(volume);
    cache_drop(volume->unit);
    volume->used = false;
    return 0;
}

int volume_unmount(request *rq, void *data)
{
    (void)data;
    return volume_run(unmount, rq);
}

static int statistics(struct volume *volume, request *rq)
{
    struct ext2_super_block *super = volume->fs->super;
    rq->statistics = (struct vfs_statistics){
        .blocks = ext2fs_blocks_count(super), .free_blocks = ext2fs_free_blocks_count(super), .block_size = volume->fs->blocksize,
        .inodes = super->s_inodes_count, .free_inodes = super->s_free_inodes_count, .read_only = volume->read_only,
    };
    return 0;
}

int volume_statistics(request *rq, void *data)
{
    (void)data;
    return volume_run(statistics, rq);
}
