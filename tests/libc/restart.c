/* A VFS that ends and is started again: open files are lost, everything else goes on. Last, since its tree is in memory. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <init.h>

#include "tests.h"

#define THREADS 4u
#define ROUNDS 60u

/* The table is mapped once and stays. */
static const struct process_table *table(void)
{
    static uint32_t address;
    uint32_t pages = (sizeof(struct process_table) + PAGE_SIZE - 1) / PAGE_SIZE;
    handle_t memory;
    if (!address && init_ask_table(init_endpoint(), &memory) == OK) {
        address = address_reserve(pages);
        process_map(self_process(), memory, address, PROTECT_READ, 0, pages);
        handle_close(memory);
    }
    return (const struct process_table *)address;
}

static void kill_vfs(void)
{
    const struct process_entry *entry = table()->entries;
    while (entry < table()->entries + PROCESSES_MAX && strcmp(entry->name, "vfs") != 0)
        entry++;
    expect(entry < table()->entries + PROCESSES_MAX);
    expect_equal(kill((pid_t)entry->number, SIGKILL), 0);
}

/* What is in memory goes with the VFS that had mounted it; what is on a disk stays. */
static void make_folder(void)
{
    if (!argument("disk"))
        expect_equal(mkdir(FOLDER, 0755), 0);
}

static void begin_again(void)
{
    kill_vfs();
    expect_passed();
    make_folder();
}

static void open_files(void)
{
    char text[4];
    struct stat status;
    make_file(FOLDER "/a", "abc");
    int file = open(FOLDER "/a", O_RDONLY);
    begin_again();
    expect_passed();
    make_file(FOLDER "/b", "def");
    expect_error(read(file, text, 1), ESTALE);
    expect_error(fstat(file, &status), ESTALE);
    expect_error(close(file), ESTALE);
    expect_error(close(file), EBADF);
    if (argument("disk"))
        expect_file(FOLDER "/a", "abc");
    else
        expect_error(stat(FOLDER "/a", &status), ENOENT);
    expect_file(FOLDER "/b", "def");
}

static void first_call(void)
{
    char text[4];
    make_file(FOLDER "/a", "abc");
    int file = open(FOLDER "/a", O_RDONLY);
    kill_vfs();
    expect_passed();
    expect_error(read(file, text, 1), ESTALE);
    expect_error(close(file), ESTALE);
    make_folder();
    expect_passed();
    make_file(FOLDER "/a", "abc");
    expect_file(FOLDER "/a", "abc");
}

/* Thread 0 ends the VFS again and again; the others may lose files, but nothing else. */
static void use_and_lose(void *number)
{
    char path[32], text[4096] = "";
    snprintf(path, sizeof(path), FOLDER "/%u", (unsigned)number);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (number == 0 && i % 20 == 10)
            kill_vfs();
        int file = open(path, O_RDWR | O_CREAT, 0644);
        ssize_t written = file < 0 ? -1 : write(file, text, sizeof(text));
        if (file < 0 && mkdir(FOLDER, 0755) < 0)
            thread_yield();
        if (file >= 0)
            close(file);
        expect(written == -1 || written == sizeof(text));
    }
}

static void several_threads(void)
{
    run_threads(THREADS, use_and_lose);
    expect_passed();
    mkdir(FOLDER, 0755);
    make_file(FOLDER "/a", "abc");
    expect_file(FOLDER "/a", "abc");
}

static const struct test_case cases[] = {
    { "open files", open_files },
    { "an open file's is the first call", first_call },
    { "several threads", several_threads },
};

TEST_GROUP(restart_tests, "restart");
