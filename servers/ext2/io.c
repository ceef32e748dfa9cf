/* libext2fs's way to the disk: an io_manager over the page cache. */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "ext2.h"

struct channel {
    uint32_t unit;
    uint64_t bytes;
    bool read_only;
    bool comparing; /* io_compare() */
};

static struct channel *channel_of(io_channel io)
{
    return io->private_data;
}

static errcode_t code_of(status_t status)
{
    switch (status) {
    case OK: return 0;
    case E_NOT_FOUND: return ENXIO;
    case E_NO_MEMORY: return EXT2_ET_NO_MEMORY;
    case E_BAD_ARGUMENT: return EXT2_ET_SHORT_READ;
    default: return EIO;
    }
}

static io_channel new_channel(const char *name)
{
    io_channel io = calloc(1, sizeof(*io));
    if (!io)
        return NULL;
    io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    io->manager = &cache_io_manager;
    io->block_size = 1024;
    io->refcount = 1;
    io->name = strdup(name);
    io->private_data = calloc(1, sizeof(struct channel));
    return io;
}

static void free_channel(io_channel io)
{
    free(io->private_data);
    free(io->name);
    free(io);
}

static errcode_t open_channel(const char *name, int flags, io_channel *opened)
{
    uint64_t sectors;
    io_channel io = new_channel(name);
    if (!io || !io->private_data || !io->name)
        return EXT2_ET_NO_MEMORY;
    struct channel *channel = io->private_data;
    status_t status = cache_find_unit(name, &channel->unit, &sectors, &channel->read_only);
    channel->bytes = sectors * 512;
    if (status == OK && (flags & IO_FLAG_RW) && channel->read_only) {
        free_channel(io);
        return EROFS;
    }
    if (status != OK) {
        free_channel(io);
        return code_of(status);
    }
    *opened = io;
    return 0;
}

static errcode_t close_channel(io_channel io)
{
    if (--io->refcount > 0)
        return 0;
    free_channel(io);
    return 0;
}

static errcode_t set_block_size(io_channel io, int bytes)
{
    io->block_size = bytes;
    return 0;
}

/* A negative count is a number of bytes. */
static uint32_t byte_count(io_channel io, int count)
{
    return count < 0 ? (uint32_t)-count : (uint32_t)count * (uint32_t)io->block_size;
}

static errcode_t read_blocks(io_channel io, unsigned long long block, int count, void *data)
{
    return code_of(cache_read(channel_of(io)->unit, block * (uint32_t)io->block_size, data, byte_count(io, count), 0));
}

void io_compare(io_channel io, bool compare)
{
    channel_of(io)->comparing = compare;
}

static errcode_t write_blocks(io_channel io, unsigned long long block, int count, const void *data)
{
    const struct channel *channel = channel_of(io);
    return code_of((channel->comparing ? cache_update : cache_write)(channel->unit, block * (uint32_t)io->block_size, data,
                                                                     byte_count(io, count)));
}

static errcode_t read_blocks32(io_channel io, unsigned long block, int count, void *data)
{
    return read_blocks(io, block, count, data);
}

static errcode_t write_blocks32(io_channel io, unsigned long block, int count, const void *data)
{
    return write_blocks(io, block, count, data);
}

/* What must be on the disk in time is flushed by volume.c. */
static errcode_t flush(io_channel io)
{
    (void)io;
    return 0;
}

static errcode_t write_bytes(io_channel io, unsigned long offset, int count, const void *data)
{
    return code_of(cache_write(channel_of(io)->unit, offset, data, (uint32_t)count));
}

static errcode_t zero_blocks(io_channel io, unsigned long long block, unsigned long long count)
{
    uint32_t size = (uint32_t)io->block_size;
    return code_of(cache_zero(channel_of(io)->unit, block * size, (uint32_t)count * size));
}

struct struct_io_manager cache_io_manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER, .name = "Postern page cache", .open = open_channel, .close = close_channel,
    .set_blksize = set_block_size, .read_blk = read_blocks32, .write_blk = write_blocks32, .flush = flush,
    .write_byte = write_bytes, .read_blk64 = read_blocks, .write_blk64 = write_blocks, .zeroout = zero_blocks,
};

/* libext2fs has this beside its journals, which are for Unix hosts. */
errcode_t ext2fs_zero_blocks2(ext2_filsys fs, blk64_t block, int count, blk64_t *failed, int *failed_count)
{
    errcode_t error = fs ? io_channel_zeroout(fs->io, block, (unsigned long long)count) : 0;
    if (error && failed)
        *failed = block;
    if (error && failed_count)
        *failed_count = count;
    return error;
}
