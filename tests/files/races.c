/* What happens to requests while mounts come and go, file systems end and others are slow: between two steps of one request,
 * which a file system of our own (slow.c) makes last. The VFS must never end. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define FAILS(call, error) ((call) == -1 && errno == (error))
#define BEGUN 50000u        /* microseconds after which a thread's request is where it takes long */
#define AT_ONCE_MS 100u     /* that a request may take which has nothing to do with a slow one */

static void expect(bool good, const char *what)
{
    if (!good)
        fail("not as it should be:", what);
}

/* ---- a request beside ours ---- */

static struct {
    int (*work)(void);
    int result, error;
    handle_t done;
} beside;

static void run_beside(void *unused)
{
    (void)unused;
    beside.result = beside.work();
    beside.error = errno;
    notification_signal(beside.done, 1);
}

static void begin(int (*work)(void))
{
    handle_t thread;
    beside.work = work;
    expect(beside.done || notification_create(&beside.done) == OK, "a notification");
    expect(thread_spawn(run_beside, NULL, 0, &thread) == OK, "a thread");
    handle_close(thread);
    sleep_microseconds(BEGUN);
}

static int end(void)
{
    uint32_t bits;
    notification_wait(beside.done, 1, TIMEOUT_NEVER, &bits);
    errno = beside.error;
    return beside.result;
}

/* ---- mounts that go ---- */

static void mount_slow(void)
{
    expect(mount("", "/s", "slowfs", 0) == 0, "mount");
}

static int look(void)
{
    struct stat status;
    return stat("/s/slow/x", &status);
}

static void walk_beside_unmount(void)
{
    mount_slow();
    begin(look);
    expect(umount("/s") == 0, "an unmount beside a walk");
    expect(FAILS(end(), ENOENT), "the walk finds what is there now");
}

static int unmount_slowly(void)
{
    return umount("/s/slow/..");
}

static void two_unmounts(void)
{
    mount_slow();
    begin(unmount_slowly);
    expect(umount("/s") == 0, "an unmount beside another");
    expect(FAILS(end(), ENOENT), "the other comes too late");
}

static int open_slowly(void)
{
    return open("/s/slow/../file", O_RDONLY);
}

static void another_in_its_place(void)
{
    struct stat status;
    mount_slow();
    begin(open_slowly);
    expect(umount("/s") == 0 && mount("", "/s", "memoryfs", 0) == 0, "another mount");
    expect(FAILS(end(), ENOENT), "the walk finds the other");
    expect(umount("/s") == 0 && FAILS(stat("/s/file", &status), ENOENT), "nothing has it open");
}

/* ---- nodes that are not any more what they were ---- */

static void other_lives(void)
{
    struct stat status;
    mount_slow();
    int file = open("/s/new", O_RDWR | O_CREAT, 0644);
    expect(file >= 0 && fstat(file, &status) == 0 && service_restarts("slowfs") == 1, "a file system that ends before OPEN");
    expect(status.st_ino == SLOW_NEW + 1 && close(file) == 0, "the file is created again");
    file = open("/s/replaced", O_RDONLY);
    expect(file >= 0 && close(file) == 0, "a file that is replaced before OPEN");
    expect(umount("/s") == 0, "nothing has it open");
}

/* ---- one file system and another ---- */

static void expect_at_once(const char *what)
{
    static uint32_t last;
    uint32_t now = 0;
    system_info(INFO_UPTIME_MS, &now);
    if (what)
        expect(now - last < AT_ONCE_MS, what);
    last = now;
}

static int slow_file;

static int read_slowly(void)
{
    char byte;
    return (int)read(slow_file, &byte, 1);
}

static int sync_slowly(void)
{
    return fsync(slow_file);
}

/* Its third life begins late; the first read sends our memory to it. */
static void nobody_waits_for_another(void)
{
    struct stat status;
    int file = open("/plain", O_RDWR | O_CREAT, 0644);
    mount_slow();
    slow_file = open("/s/file", O_RDONLY);
    expect(service_restarts("slowfs") == 1 && slow_file >= 0 && file >= 0, "two files");
    begin(sync_slowly);
    expect_at_once(NULL);
    expect(fsync(file) == 0, "sync");
    expect_at_once("a sync beside a slow one");
    expect(end() == 0, "the slow sync");
    service_kill_only("slowfs");
    begin(read_slowly);
    expect_at_once(NULL);
    expect(stat("/plain", &status) == 0, "stat");
    expect_at_once("a request while another file system is not there");
    expect(end() == 0 && service_restarts("slowfs") == 2, "the slow read");
    expect(close(slow_file) == 0 && close(file) == 0 && umount("/s") == 0, "the end");
}

static int look_patiently(void)
{
    struct stat status;
    return stat("/patient", &status);
}

/* "/" is the slow file system. */
void patience(void)
{
    struct stat status;
    expect(stat("/", &status) == 0, "the VFS is there");
    begin(look_patiently);
    service_kill_only("vfs");
    expect(stat("/file", &status) == 0 && status.st_ino == SLOW_FILE, "what was there before");
    expect(end() == 0, "the slow look-up, made again");
    expect(service_restarts("vfs") == 1 && service_restarts("slowfs") == 0, "one has ended");
    print("patience: done\n");
}

void races(void)
{
    mkdir("/s", 0755);
    walk_beside_unmount();
    two_unmounts();
    another_in_its_place();
    other_lives();
    expect(FAILS(mount("", "/s", "log", 0), ENODEV), "a service that is no file system");
    nobody_waits_for_another();
    expect(service_restarts("vfs") == 0, "the VFS has not ended");
    print("races: done\n");
}
