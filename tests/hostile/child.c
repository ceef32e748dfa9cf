/* hostile as a child of the test program: 1= says what it does, 2= and 3= with what. */
#include "hostile.h"
#include "tiny.h"

#include <spawn.h>

#define CHILD_QUOTA_KIB 64u
#define CHILD_PRIORITY 1u

/* Exit code: what method 3= (0 without it) of the service says to the word of word=. */
static int call(const char *name)
{
    handle_t service;
    uint32_t answer;
    status_t status = service_find(name, &service);
    if (status == OK)
        status = service_call(service, argument_number("3", 0), argument_number("word", 0), &answer);
    return status == OK ? (int)answer : status;
}

bool hostile_spawn_tiny(handle_t *process)
{
    struct child child;
    static struct tiny tiny = { .code = TINY_LOOP };
    const char *const arguments[] = { "loop", NULL };
    const struct spawn spawn = { .name = "grandchild", .image = &tiny, .size = sizeof(tiny), .arguments = arguments,
                                 .quota_kib = CHILD_QUOTA_KIB, .priority = CHILD_PRIORITY };
    tiny_finish(&tiny);
    bool started = program_spawn(&spawn, &child) == NULL;
    *process = child.process;
    return started;
}

/* Has a child of its own, and waits. */
static int parent(void)
{
    handle_t process;
    if (!hostile_spawn_tiny(&process))
        return 1;
    return sleep_microseconds(TIMEOUT_NEVER);
}

int hostile_child(void)
{
    const char *what = argument("1");
    if (!what)
        return 2;
    if (strcmp(what, "call") == 0)
        return call(argument("2"));
    if (strcmp(what, "parent") == 0)
        return parent();
    *(volatile uint32_t *)0 = 0;
    return 0;
}
