/* ask NUMBER...: gives each to the service sum, and prints what it answers. */
#include <stdio.h>
#include <stdlib.h>

#include "sum.h"

int main(int argc, char **argv)
{
    handle_t service;
    status_t status = service_find("sum", &service);
    for (int i = 1; i < argc && status == OK; i++) {
        uint32_t sum;
        status = sum_add(service, (uint32_t)strtoul(argv[i], NULL, 0), &sum);
        if (status == OK)
            printf("%lu\n", (unsigned long)sum);
    }
    if (status != OK)
        fprintf(stderr, "ask: %s\n", status_text(status));
    return status == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
