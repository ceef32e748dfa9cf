/* A file system as the VFS sees it: we are a second client of it, with a volume of our own, as the next VFS is while requests of
 * the one before it go on. Nodes that are gone, or whose number another has by now, must be told from those that are meant. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <file_system.h>

#include "files.h"

#define OURS 0x7F000001u    /* a volume's number */

static handle_t service;
static session_t session;
static struct file_system_request *request;

struct node {
    uint32_t number, generation;
};

static void expect(bool good, const char *what)
{
    if (!good)
        fail("not as it should be:", what);
}

static status_t call(enum file_system_method method, struct node node, const char *name)
{
    request->volume = OURS;
    request->node = node.number;
    request->generation = node.generation;
    request->flags = 0;
    request->mode = S_IFREG | 0644;
    request->offset = 0;
    strcpy(request->name, name);
    return service_call(service, method, 0, NULL);
}

static struct node answered(void)
{
    return (struct node){ request->node, request->attributes.generation };
}

static struct node create(struct node root, const char *name)
{
    expect(call(FILE_SYSTEM_CREATE, root, name) == OK, name);
    return answered();
}

static struct node begin(const char *name, const char *source)
{
    expect(service_find(name, &service) == OK, "find the service");
    expect(session_open(&session, service, 1, FILE_SYSTEM_SLOT, 0) == OK, "open a session");
    request = session_slot(&session, 0);
    strcpy(request->text, source);
    expect(call(FILE_SYSTEM_MOUNT, (struct node){ 0 }, "") == OK, "mount");
    return answered();
}

static void expect_stale(struct node node, struct node root, const char *what)
{
    expect(call(FILE_SYSTEM_STAT, node, "") == ESTALE, what);
    expect(call(FILE_SYSTEM_OPEN, node, "") == ESTALE, what);
    expect(call(FILE_SYSTEM_TRUNCATE, node, "") == ESTALE, what);
    expect(call(FILE_SYSTEM_SET_ATTRIBUTES, node, "") == ESTALE, what);
    expect(call(FILE_SYSTEM_READ_LINK, node, "") == ESTALE, what);
    request->directory = root.number;
    strcpy(request->text, "link");
    expect(call(FILE_SYSTEM_LINK, node, "") == ESTALE, what);
}

static void nodes(struct node root)
{
    const struct node first = create(root, "first");
    expect(call(FILE_SYSTEM_OPEN, first, "") == OK && call(FILE_SYSTEM_CLOSE, first, "") == OK, "open what is there");
    expect(call(FILE_SYSTEM_REMOVE, root, "first") == OK, "remove it");
    expect_stale(first, root, "a node that is gone");
    const struct node second = create(root, "second");
    expect(second.number == first.number && second.generation != first.generation, "another with its number");
    expect_stale(first, root, "a node whose number another has");
    expect(call(FILE_SYSTEM_OPEN, second, "") == OK && call(FILE_SYSTEM_REMOVE, root, "second") == OK, "one without a name");
    expect(call(FILE_SYSTEM_TRUNCATE, second, "") == OK && call(FILE_SYSTEM_STAT, second, "") == OK, "is there while it is open");
    expect(call(FILE_SYSTEM_CLOSE, second, "") == OK, "close it");
    expect_stale(second, root, "a node that was open");
}

/* The VFS has a volume of the same service at /m. */
static void end_of_session(void)
{
    char text[4] = "";
    int file = open("/m/kept", O_RDWR | O_CREAT, 0644);
    expect(file >= 0 && write(file, "abc", 3) == 3, "a file of the VFS");
    expect(call(FILE_SYSTEM_MOUNT, (struct node){ 0 }, "") == EBUSY, "a number that is in use");
    session_close(&session, service);
    expect(pread(file, text, 3, 0) == 3 && strcmp(text, "abc") == 0, "the end of one session is not that of the other");
    expect(close(file) == 0 && unlink("/m/kept") == 0, "close it");
}

void protocol(const char *name)
{
    const char *source = strcmp(name, "ext2") == 0 ? "disk1" : "";
    nodes(begin(name, source));
    end_of_session();
    expect(begin(name, source).number != 0, "what was mounted is free again");
    print("protocol: done\n");
}
