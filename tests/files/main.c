/* The file tests: a program that the host drives by test= and place= in the system list, and that ends the machine when it is
 * done. Programs that a test starts are this one too, with arguments. */
#include <stdlib.h>
#include <string.h>

#include "files.h"

static void tree(void)
{
    print("errors: %u\n", tree_print("/"));
}

static void write_and_print(void)
{
    write_tree();
    print("errors: %u\n", tree_print("/w"));
}

static const struct {
    const char *name;
    void (*run)(void);                      /* this, or the next */
    void (*run_at)(const char *place);
} tests[] = {
    { "tree", .run = tree },               { "write", .run = write_and_print },   { "restarts", .run = restarts },
    { "copies", .run = copies },           { "lives", .run = lives },             { "growth", .run = growth },
    { "damage", .run = damage },           { "other-disk", .run = other_disk },   { "generations", .run = generations },
    { "volumes", .run = volumes },         { "races", .run = races },             { "patience", .run = patience },
    { "kills", .run_at = kills },          { "storm", .run_at = storm },          { "cached", .run_at = cached },
    { "half-way", .run_at = half_way },    { "protocol", .run_at = protocol },    { "together", .run_at = together },
};

static bool run(const char *test)
{
    for (uint32_t i = 0; i < COUNT(tests); i++) {
        if (strcmp(test, tests[i].name) != 0)
            continue;
        if (tests[i].run)
            tests[i].run();
        else
            tests[i].run_at(argument("place"));
        return true;
    }
    return false;
}

int main(int count, char **arguments)
{
    const char *test = argument("test");
    if (argument("slow"))
        return slow_main();
    if (count == 4 && strcmp(arguments[1], "child") == 0) {
        storm_child((uint32_t)atoi(arguments[2]), arguments[3]);
        return 0;
    }
    if (count == 3 && strcmp(arguments[1], "reader") == 0)
        read_for_ever(arguments[2]);
    if (!test || !run(test))
        fail("there is no such test=", test ? test : "(none)");
    machine_exit(0);
}
