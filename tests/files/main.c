/* The file tests: a program that the host drives by test= in the system list, and that ends the machine when it is done. */
#include <stdlib.h>
#include <string.h>

#include "files.h"

int main(int count, char **arguments)
{
    const char *test = argument("test");
    if (count == 4 && strcmp(arguments[1], "child") == 0) {
        storm_child((uint32_t)atoi(arguments[2]), arguments[3]);
        return 0;
    }
    if (count == 3 && strcmp(arguments[1], "reader") == 0)
        read_for_ever(arguments[2]);
    if (!test)
        fail("wanted test=",
             "tree, write, kills, restarts, copies, lives, storm, cached, growth, damage, half-way, other-disk, generations, "
             "volumes or together");
    if (strcmp(test, "write") == 0)
        write_tree();
    if (strcmp(test, "tree") == 0 || strcmp(test, "write") == 0)
        print("errors: %u\n", tree_print(test[0] == 't' ? "/" : "/w"));
    if (strcmp(test, "kills") == 0)
        kills(argument("place"));
    if (strcmp(test, "restarts") == 0)
        restarts();
    if (strcmp(test, "copies") == 0)
        copies();
    if (strcmp(test, "lives") == 0)
        lives();
    if (strcmp(test, "storm") == 0)
        storm(argument("place"));
    if (strcmp(test, "cached") == 0)
        cached(argument("place"));
    if (strcmp(test, "growth") == 0)
        growth();
    if (strcmp(test, "damage") == 0)
        damage();
    if (strcmp(test, "half-way") == 0)
        half_way(argument("place"));
    if (strcmp(test, "other-disk") == 0)
        other_disk();
    if (strcmp(test, "generations") == 0)
        generations();
    if (strcmp(test, "volumes") == 0)
        volumes();
    if (strcmp(test, "together") == 0)
        together(argument("place"));
    machine_exit(0);
}
