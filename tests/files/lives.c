/* What open files, written data and mounts go through when their file system ends between two calls; each step has one right
 * outcome. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define ENTRIES 300

static void expect(bool good, const char *what)
{
    if (!good)
        fail("not as it should be:", what);
}

#define FAILS(call, error) ((call) == -1 && errno == (error))

static int begin_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT, 0644);
    expect(file >= 0 && write(file, "one", 3) == 3 && fsync(file) == 0, path);
    return file;
}

static void add(int file)
{
    expect(write(file, "two", 3) == 3, "write more");
}

/* The loss is said once, by whichever call comes first; what was synced is there. */
static void written_data(void)
{
    char text[8] = "";
    int at_write = begin_file("/l/a"), at_sync = begin_file("/l/b"), at_close = begin_file("/l/c");
    int reader = open("/l/a", O_RDONLY);
    expect(read(reader, text, 1) == 1, "a reader");
    add(at_write);
    add(at_sync);
    add(at_close);
    service_kill("ext2");
    expect(read(reader, text + 1, 6) == 2 && strcmp(text, "one") == 0, "a reader goes on where it was");
    expect(FAILS(write(at_write, "xyz", 3), EIO), "a write says that data were lost");
    expect(FAILS(fsync(at_sync), EIO), "fsync says so");
    expect(FAILS(close(at_close), EIO), "close says so");
    expect(write(at_write, "new", 3) == 3 && fsync(at_write) == 0 && close(at_write) == 0, "said once");
    expect(fsync(at_sync) == 0 && close(at_sync) == 0, "said once");
    expect(pread(reader, text, 7, 6) == 3 && memcmp(text, "new", 3) == 0, "what was written then");
    close(reader);
}

static void truncated_data(void)
{
    struct stat status;
    int file = begin_file("/l/t");
    expect(fsync(file) == 0 && ftruncate(file, 1) == 0, "truncate");
    service_kill("ext2");
    expect(FAILS(fsync(file), EIO), "a truncation that was lost is told");
    expect(fstat(file, &status) == 0 && status.st_size == 3 && close(file) == 0, "the file is as it was synced");
    file = open("/l/t", O_WRONLY | O_TRUNC);
    service_kill("ext2");
    expect(write(file, "x", 1) == 1 && FAILS(close(file), EIO), "so is one at opening, found at the next call");
}

static void unlinked_file(void)
{
    char byte;
    int file = begin_file("/l/u");
    expect(fsync(file) == 0 && unlink("/l/u") == 0 && pread(file, &byte, 1, 0) == 1, "a file without a name");
    sync();
    service_kill("ext2");
    expect(FAILS(pread(file, &byte, 1, 0), ESTALE), "it is gone with its file system");
    close(file);
    file = begin_file("/l/v"); /* perhaps with the same inode */
    expect(pread(file, &byte, 1, 0) == 1 && close(file) == 0, "another");
}

/* Never on the disk, and its inode may be another's by now. */
static void unsynced_file(void)
{
    char byte;
    sync();
    int file = open("/l/n", O_RDWR | O_CREAT, 0644);
    expect(write(file, "abc", 3) == 3, "a new file");
    service_kill("ext2");
    int other = open("/l/o", O_RDWR | O_CREAT, 0644);
    expect(write(other, "def", 3) == 3, "another");
    expect(FAILS(pread(file, &byte, 1, 0), ESTALE) && FAILS(write(file, "x", 1), EIO), "the first is gone");
    expect(FAILS(open("/l/n", O_RDONLY), ENOENT), "its name as well");
    close(file);
    close(other);
}

/* On the disk its inode is still that of a file that was removed. */
static void inode_of_another(void)
{
    struct stat old, new;
    char byte;
    int file = begin_file("/l/old");
    expect(fstat(file, &old) == 0 && close(file) == 0 && unlink("/l/old") == 0, "remove a file");
    file = open("/l/new", O_RDWR | O_CREAT, 0644);
    expect(write(file, "new", 3) == 3 && fstat(file, &new) == 0 && old.st_ino == new.st_ino, "another has its inode");
    service_kill("ext2");
    expect(FAILS(pread(file, &byte, 1, 0), ESTALE), "the inode is the other's again");
    close(file);
}

static void listing(void)
{
    static bool seen[ENTRIES];
    char path[32];
    int count = 0, number;
    struct dirent *entry;
    mkdir("/l/wide", 0755);
    for (int i = 0; i < ENTRIES; i++) {
        sprintf(path, "/l/wide/%d", i);
        expect(mkdir(path, 0755) == 0, path);
    }
    sync();
    DIR *folder = opendir("/l/wide");
    while ((entry = readdir(folder))) {
        if (count == 50)
            service_kill("ext2");
        if (sscanf(entry->d_name, "%d", &number) != 1)
            continue;
        expect(!seen[number], "each name once");
        seen[number] = true;
        count++;
    }
    expect(count == ENTRIES && closedir(folder) == 0, "every name");
}

static void in_memory(void)
{
    char byte;
    struct stat status;
    int file = begin_file("/tmp/x");
    expect(mkdir("/tmp/m", 0755) == 0 && mount("", "/tmp/m", "bootfs", 0) == 0, "a mount on it");
    service_kill("memoryfs");
    expect(FAILS(pread(file, &byte, 1, 0), ESTALE), "a file in memory is gone");
    close(file);
    expect(FAILS(stat("/tmp/x", &status), ENOENT), "with its name");
    expect(stat("/tmp/m/file-tests", &status) == 0, "what was mounted on it is still there");
    expect(umount("/tmp/m") == 0 && rmdir("/tmp/m") == 0, "and can be taken away");
    close(begin_file("/tmp/x"));
}

static void over_unsynced_folder(void)
{
    struct stat status;
    sync();
    expect(mkdir("/l/m", 0755) == 0 && mount("", "/l/m", "memoryfs", 0) == 0, "a mount on a new folder");
    close(begin_file("/l/m/f"));
    service_kill("ext2");
    expect(stat("/l/m/f", &status) == 0, "it is still there, and what is in it");
    expect(umount("/l/m") == 0 && FAILS(stat("/l/m/f", &status), ENOENT) && rmdir("/l/m") == 0, "and can be taken away");
}

static void modules(void)
{
    char byte;
    int file = open("/boot/file-tests", O_RDONLY);
    expect(pread(file, &byte, 1, 0) == 1, "a boot module");
    service_kill("bootfs");
    expect(pread(file, &byte, 1, 1000) == 1 && close(file) == 0, "is there all the time");
}

/* What ext2 has is not lost with the VFS; the VFS's own numbers of files are. */
static void vfs(void)
{
    char text[8] = "";
    int file = begin_file("/l/w");
    add(file);
    service_kill("vfs");
    int other = open("/l/w", O_RDONLY); /* perhaps with the same place in the new table */
    expect(FAILS(write(file, "xyz", 3), ESTALE) && FAILS(close(file), ESTALE), "a file of a VFS that ended");
    expect(read(other, text, 8) == 6 && memcmp(text, "onetwo", 6) == 0 && close(other) == 0, "what was written before");
}

void lives(void)
{
    mkdir("/l", 0755);
    sync();
    written_data();
    truncated_data();
    unlinked_file();
    unsynced_file();
    inode_of_another();
    listing();
    in_memory();
    over_unsynced_folder();
    modules();
    vfs();
    sync();
    print("lives: done\n");
}
