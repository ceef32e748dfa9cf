/* Many programs at once: each writes, reads back, renames and removes files of its own while all read one that they share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define PROGRAMS 16u
#define ROUNDS 6u
#define OWN_BYTES 40000u
#define SHARED_BYTES 200000u

static uint8_t written[OWN_BYTES], read_back[SHARED_BYTES], shared[SHARED_BYTES];

static void write_file(const char *path, const uint8_t *bytes, uint32_t count)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, bytes, count) != (ssize_t)count)
        fail("write", path);
    close(file);
}

static void expect_file(const char *path, const uint8_t *bytes, uint32_t count)
{
    int file = open(path, O_RDONLY);
    uint32_t got = 0;
    for (int part; file >= 0 && (part = (int)read(file, read_back + got, SHARED_BYTES - got)) > 0; got += (uint32_t)part)
        continue;
    if (file < 0 || got != count || memcmp(read_back, bytes, count) != 0)
        fail("what was read is not what was written:", path);
    close(file);
}

void storm_child(uint32_t number, const char *folder)
{
    char own[PATH_BYTES], other[PATH_BYTES], common[PATH_BYTES];
    sprintf(own, "%s/own-%u", folder, (unsigned)number);
    sprintf(other, "%s/other-%u", folder, (unsigned)number);
    sprintf(common, "%s/shared", folder);
    pattern_fill(shared, SHARED_BYTES, 4711);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t bytes = OWN_BYTES - round * 1000 - number;
        pattern_fill(written, bytes, number * 100 + round);
        write_file(own, written, bytes);
        expect_file(common, shared, SHARED_BYTES);
        expect_file(own, written, bytes);
        if (rename(own, other) != 0)
            fail("rename", own);
        expect_file(other, written, bytes);
        if (unlink(other) != 0)
            fail("unlink", other);
    }
}

static void *load(const char *path, uint32_t *size)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    void *image = file >= 0 && fstat(file, &status) == 0 ? malloc((size_t)status.st_size) : NULL;
    if (!image || read(file, image, (size_t)status.st_size) != status.st_size)
        fail("read", path);
    close(file);
    *size = (uint32_t)status.st_size;
    return image;
}

void start_program(const char *const *arguments, struct child *child)
{
    static uint32_t size;
    static void *image;
    if (!image)
        image = load("/boot/file-tests", &size);
    struct spawn spawn = { arguments[1], image, size, arguments, NULL, 1024, 0 };
    const char *wrong = program_spawn(&spawn, child);
    if (wrong)
        fail(wrong, "spawn");
}

static void start(uint32_t number, const char *folder, struct child *child)
{
    char digits[12];
    const char *arguments[] = { "file-tests", "child", digits, folder, NULL };
    sprintf(digits, "%u", (unsigned)number);
    start_program(arguments, child);
}

static uint32_t wait_for_end(const struct child *child, handle_t ends)
{
    uint32_t alive = 1, code = 1, bits;
    process_watch(child->process, ends, 1);
    while (process_info(child->process, PROCESS_ALIVE, &alive) == OK && alive)
        notification_wait(ends, 1, 100000, &bits);
    process_info(child->process, PROCESS_EXIT_CODE, &code);
    handle_close(child->process);
    return code;
}

static uint32_t threads_created(void)
{
    uint32_t value = 0;
    system_info(INFO_THREADS_CREATED, &value);
    return value;
}

/* Each program has one thread; not one more may have been made for all that they asked for. */
void storm(const char *folder)
{
    struct child children[PROGRAMS];
    char path[PATH_BYTES];
    uint32_t failed = 0;
    handle_t ends = HANDLE_NONE;
    mkdir(folder, 0755);
    sprintf(path, "%s/shared", folder);
    pattern_fill(shared, SHARED_BYTES, 4711);
    write_file(path, shared, SHARED_BYTES);
    notification_create(&ends);
    uint32_t threads = threads_created();
    for (uint32_t i = 0; i < PROGRAMS; i++)
        start(i, folder, &children[i]);
    for (uint32_t i = 0; i < PROGRAMS; i++)
        failed += wait_for_end(&children[i], ends) != 0;
    print("storm: %u programs, %u failed, %u threads made beside theirs\n", PROGRAMS, failed,
          threads_created() - threads - PROGRAMS);
    sync();
    if (failed)
        machine_exit(1);
}
