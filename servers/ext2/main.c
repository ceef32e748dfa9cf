/* ext2: the file system of Linux disks, read and written with e2fsprogs' libext2fs over a page cache of our own.
 *
 * cache=KiB: size of the cache, 1024 to 16384. What is mounted is asked for by the VFS: "ext2:disk0p1". */
#include "cache.h"
#include "ext2.h"

#include <et/com_err.h>

#define CACHE_KIB 8192u

int main(void)
{
    static const file_system_operation_t operations[FILE_SYSTEM_METHODS] = {
        [FILE_SYSTEM_MOUNT] = volume_mount, [FILE_SYSTEM_UNMOUNT] = volume_unmount, [FILE_SYSTEM_LOOKUP] = names_lookup,
        [FILE_SYSTEM_STAT] = node_stat, [FILE_SYSTEM_OPEN] = node_open, [FILE_SYSTEM_CLOSE] = node_close,
        [FILE_SYSTEM_READ] = data_read, [FILE_SYSTEM_WRITE] = data_write, [FILE_SYSTEM_READ_DIRECTORY] = names_list,
        [FILE_SYSTEM_CREATE] = names_create, [FILE_SYSTEM_REMOVE] = names_remove, [FILE_SYSTEM_RENAME] = names_rename,
        [FILE_SYSTEM_LINK] = names_link, [FILE_SYSTEM_READ_LINK] = node_read_link, [FILE_SYSTEM_TRUNCATE] = data_truncate,
        [FILE_SYSTEM_SET_ATTRIBUTES] = node_set_attributes, [FILE_SYSTEM_SYNC] = volume_sync,
        [FILE_SYSTEM_STATISTICS] = volume_statistics,
    };
    add_error_table(&et_ext2_error_table);
    status_t status = cache_init(argument_number("cache", CACHE_KIB));
    if (status != OK) {
        print("%s: no cache over the block service: %s\n", program_name(), status_text(status));
        return status;
    }
    return file_system_run(operations, false);
}
