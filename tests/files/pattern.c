/* Contents that the host can compute as well, and the end when something goes wrong. */
#include <errno.h>
#include <string.h>

#include "files.h"

void pattern_fill(uint8_t *to, uint32_t bytes, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 12345;
    for (uint32_t i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        to[i] = (uint8_t)(state >> 24);
    }
}

void fail(const char *what, const char *path)
{
    print("FAILED: %s %s: %s\n", what, path, strerror(errno));
    machine_exit(1);
}
