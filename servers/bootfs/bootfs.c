/* bootfs: the boot modules as a read-only file system with one directory. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <file_system.h>
#include <init.h>

#define ROOT 1u             /* node of the directory; that of module n is FIRST + n */
#define FIRST 2u

typedef struct file_system_request request;

static struct {
    const uint8_t *bytes;
    uint32_t size;
    char name[BOOT_NAME];
} modules[BOOT_MODULES];
static uint32_t module_count, boot_time;

static bool is_module(uint32_t node)
{
    return node - FIRST < module_count;
}

static int answer(request *rq, uint32_t node)
{
    bool root = node == ROOT;
    uint32_t size = root ? 0 : modules[node - FIRST].size;
    rq->node = node;
    rq->attributes = (struct vfs_attributes){
        .mode = root ? S_IFDIR | 0555 : S_IFREG | 0555, .links = root ? 2 : 1, .size = size, .blocks = (size + 511) / 512,
        .block_size = PAGE_SIZE, .inode = node, .accessed = boot_time, .modified = boot_time, .changed = boot_time,
    };
    return 0;
}

static int mount(request *rq, void *data)
{
    (void)data;
    rq->flags |= VFS_READ_ONLY;
    return answer(rq, ROOT);
}

static int nothing_to_do(request *rq, void *data)
{
    (void)rq;
    (void)data;
    return 0;
}

static int lookup(request *rq, void *data)
{
    (void)data;
    if (rq->node != ROOT)
        return ENOTDIR;
    for (uint32_t i = 0; i < module_count; i++)
        if (strcmp(modules[i].name, rq->name) == 0)
            return answer(rq, FIRST + i);
    return ENOENT;
}

static int stat_node(request *rq, void *data)
{
    (void)data;
    return rq->node == ROOT || is_module(rq->node) ? answer(rq, rq->node) : ENOENT;
}

static int read(request *rq, void *data)
{
    if (!is_module(rq->node))
        return rq->node == ROOT ? EISDIR : ENOENT;
    uint32_t size = modules[rq->node - FIRST].size;
    uint32_t left = rq->offset < size ? size - (uint32_t)rq->offset : 0;
    if (rq->length > left)
        rq->length = left;
    memcpy(data, modules[rq->node - FIRST].bytes + rq->offset, rq->length);
    return 0;
}

/* Offsets: 0 ".", 1 "..", then the modules. */
static int read_directory(request *rq, void *data)
{
    uint32_t used = 0;
    if (rq->node != ROOT)
        return ENOTDIR;
    for (; rq->offset < module_count + 2; rq->offset++) {
        uint32_t at = (uint32_t)rq->offset;
        const char *name = at == 0 ? "." : at == 1 ? ".." : modules[at - 2].name;
        if (!file_system_add_entry(data, &used, rq->length, at < 2 ? ROOT : FIRST + at - 2, at < 2 ? S_IFDIR : S_IFREG, name,
                                   strlen(name)))
            break;
    }
    rq->length = used;
    return 0;
}

static int statistics(request *rq, void *data)
{
    (void)data;
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < module_count; i++)
        blocks += (modules[i].size + PAGE_SIZE - 1) / PAGE_SIZE;
    rq->statistics = (struct vfs_statistics){
        .blocks = blocks, .block_size = PAGE_SIZE, .inodes = module_count + 1, .read_only = 1,
    };
    return 0;
}

/* ---- start ---- */

static status_t map_module(uint32_t index)
{
    handle_t memory;
    status_t status = init_module(init_endpoint(), index, &modules[index].size, &memory);
    uint32_t pages = (modules[index].size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (status != OK || pages == 0)
        return status;
    uint32_t address = address_reserve(pages);
    status = address ? process_map(self_process(), memory, address, PROTECT_READ, 0, pages) : E_NO_MEMORY;
    modules[index].bytes = (const uint8_t *)address;
    handle_close(memory);
    return status;
}

/* The names stand in init's table. */
static status_t read_names(void)
{
    const struct process_table *table;
    status_t status = init_table(&table);
    if (status != OK)
        return status;
    module_count = table->module_count;
    for (uint32_t i = 0; i < module_count; i++)
        memcpy(modules[i].name, table->modules[i].name, BOOT_NAME);
    return OK;
}

int main(void)
{
    static const file_system_operation_t operations[FILE_SYSTEM_METHODS] = {
        [FILE_SYSTEM_MOUNT] = mount, [FILE_SYSTEM_UNMOUNT] = nothing_to_do, [FILE_SYSTEM_LOOKUP] = lookup,
        [FILE_SYSTEM_STAT] = stat_node, [FILE_SYSTEM_OPEN] = nothing_to_do, [FILE_SYSTEM_CLOSE] = nothing_to_do,
        [FILE_SYSTEM_READ] = read, [FILE_SYSTEM_READ_DIRECTORY] = read_directory, [FILE_SYSTEM_SYNC] = nothing_to_do,
        [FILE_SYSTEM_STATISTICS] = statistics,
    };
    boot_time = file_system_now();
    status_t status = read_names();
    for (uint32_t i = 0; i < module_count && status == OK; i++)
        status = map_module(i);
    if (status != OK) {
        print("bootfs: cannot read the boot modules: %s\n", status_text(status));
        return status;
    }
    return file_system_run(operations, false);
}
