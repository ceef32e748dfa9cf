/* What the services below the C library refuse: handles that nobody takes, memory that could be taken away again. */
#include <server.h>

#include <file_system.h>
#include <servers/vfs/vfs.h>

#include "tests.h"

#define CLIENT 1

static void send(handle_t service, uint32_t method, uint32_t word, handle_t handle, status_t wanted)
{
    handle_t offered;
    expect_equal(handle_duplicate(handle, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, 0, &offered), OK);
    status_t status = service_call_full(service, method, word, TIMEOUT_NEVER, offered, NULL, NULL);
    if (status != OK)
        handle_close(offered);
    expect_equal(status, wanted);
}

static void handles(void)
{
    handle_t vfs;
    expect_equal(service_find("vfs", &vfs), OK);
    for (uint32_t method = VFS_SESSION + 1; method < VFS_METHODS; method++)
        send(vfs, method, 0, self_process(), E_NO_RIGHT);
    handle_close(vfs);
}

static void memory(void)
{
    handle_t file_system, revocable, irrevocable;
    session_t session;
    expect_equal(service_find("memoryfs", &file_system), OK);
    expect_equal(session_open(&session, file_system, 1, PAGE_SIZE, 0), OK);
    expect_equal(memory_create(1, 0, &revocable), OK);
    expect_equal(memory_create(1, MEMORY_IRREVOCABLE, &irrevocable), OK);
    send(file_system, FILE_SYSTEM_ATTACH, CLIENT, revocable, E_BAD_TYPE);
    send(file_system, FILE_SYSTEM_ATTACH, CLIENT, irrevocable, OK);
    session_close(&session, file_system);
    handle_close(irrevocable);
    handle_close(revocable);
    handle_close(file_system);
}

static const struct test_case cases[] = {
    { "handles that nobody takes", handles },
    { "memory that can be revoked", memory },
};

TEST_GROUP(refused_tests, "refused");
