/* What two do to one file system at the same time, or while the other is in the middle of something. place= says which. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

static void expect(bool good, const char *what)
{
    if (!good)
        fail("not as it should be:", what);
}

/* ---- a name is removed while its folder is listed ---- */

#define LISTED 260      /* names: one more than a listing's buffer holds, and one less, among them */
#define FIRST_REMOVED 248
#define WIDER 4         /* whose entries are longer in a listing than on the disk: so the buffer ends before a block does */

static const char *listed_name(char *path, int number)
{
    sprintf(path, number < WIDER ? "/f/name%04d" : "/f/name%03d", number);
    return path;
}

static void make(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    expect(file >= 0 && close(file) == 0, path);
}

/* The listing goes on behind the names before that one, wherever its buffer and the blocks of the folder end. */
static void remove_while_listed(int number)
{
    char path[32];
    int count = 0;
    struct dirent *entry;
    DIR *folder = opendir("/f");
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && ++count == number)
            expect(unlink(listed_name(path, number)) == 0, path);
    expect(closedir(folder) == 0 && (count == LISTED || count == LISTED - 1), "every other name is listed");
    make(listed_name(path, number));
}

static void listed(void)
{
    char path[32];
    expect(mkdir("/f", 0755) == 0, "a folder");
    for (int i = 0; i < LISTED; i++)
        make(listed_name(path, i));
    for (int i = FIRST_REMOVED; i < LISTED; i++)
        remove_while_listed(i);
}

/* ---- a file without a name is closed after the last change, and its folder unmounted ---- */

static void unmounted(void)
{
    static const char path[] = "/m/file";
    int file = open(path, O_RDWR | O_CREAT, 0644);
    expect(file >= 0 && write(file, path, sizeof(path)) == sizeof(path) && unlink(path) == 0, "a file without a name");
    sync();
    expect(close(file) == 0 && umount("/m") == 0, "unmount");
}

/* ---- a volume is to be mounted again while it is written ---- */

#define MOUNTED_ROUNDS 40
#define MOUNTED_BYTES 60000

static volatile bool over;

static void mount_often(void *unused)
{
    (void)unused;
    while (!over) {
        expect(mount("disk0", "/n", "ext2", 0) == -1 && errno == EBUSY, "a volume is mounted once");
        sleep_microseconds(100);
    }
    over = false;
}

static void mounted(void)
{
    uint8_t (*data)[MOUNTED_BYTES] = malloc(3 * MOUNTED_BYTES), *back = data[2];
    handle_t thread;
    int file = open("/m/file", O_RDWR | O_CREAT, 0644);
    expect(data && file >= 0 && mkdir("/n", 0755) == 0 && thread_spawn(mount_often, NULL, 0, &thread) == OK, "a thread");
    pattern_fill(data[0], MOUNTED_BYTES, 0);
    pattern_fill(data[1], MOUNTED_BYTES, 1);
    for (uint32_t round = 0; round < MOUNTED_ROUNDS; round++) {
        expect(pwrite(file, data[round % 2], MOUNTED_BYTES, 0) == MOUNTED_BYTES, "write");
        sleep_microseconds(20000);
        expect(pread(file, back, MOUNTED_BYTES, 0) == MOUNTED_BYTES && memcmp(data[round % 2], back, MOUNTED_BYTES) == 0,
               "what was written is there");
        expect(fsync(file) == 0, "sync");
    }
    for (over = true; over;)
        sleep_microseconds(1000);
    expect(close(file) == 0, "close");
    free(data);
}

/* ---- a file is shortened while others read it ---- */

#define SHORTENED_BYTES (12u << 20) /* more than the cache holds: there is always somebody who waits for the disk */
#define READERS 6u
#define TRUNCATIONS 5u
#define SOON 2000u                  /* milliseconds, after which every read that was under way is over */

_Noreturn void read_for_ever(const char *path)
{
    static uint8_t bytes[65536];
    for (int file = open(path, O_RDONLY);;)
        if (read(file, bytes, sizeof(bytes)) <= 0)
            expect(lseek(file, 0, SEEK_SET) == 0, "from the beginning");
}

static uint32_t milliseconds(void)
{
    uint32_t now = 0;
    system_info(INFO_UPTIME_MS, &now);
    return now;
}

static void shortened(void)
{
    static const char *const arguments[] = { "file-tests", "reader", "/file", NULL };
    struct child children[READERS];
    int file = open("/file", O_RDWR | O_CREAT, 0644);
    expect(file >= 0 && ftruncate(file, SHORTENED_BYTES) == 0, "a file");
    uint8_t *bytes = calloc(1, 65536);
    for (uint32_t i = 0; i < SHORTENED_BYTES; i += 65536)
        expect(write(file, bytes, 65536) == 65536, "write");
    free(bytes);
    for (uint32_t i = 0; i < READERS; i++)
        start_program(arguments, &children[i]);
    for (uint32_t i = 1; i <= TRUNCATIONS; i++) {
        sleep_microseconds(200000);
        uint32_t began = milliseconds();
        expect(ftruncate(file, SHORTENED_BYTES - i * 4096) == 0, "shorten");
        expect(milliseconds() - began < SOON, "in time");
    }
}

/* ---- ---- */

void together(const char *what)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = { { "listed", listed }, { "mounted", mounted }, { "shortened", shortened }, { "unmounted", unmounted } };
    for (uint32_t i = 0; i < COUNT(tests); i++)
        if (strcmp(tests[i].name, what) == 0)
            tests[i].run();
    print("together: %s: done\n", what);
}
