/* call: any method of any service that the shell may call, by its number. */
#include <stdio.h>
#include <stdlib.h>

#include <server.h>

#include "utilities.h"

static bool read_number(const char *text, uint32_t *number)
{
    char *end;
    *number = (uint32_t)strtoul(text, &end, 0);
    return *text && *end == '\0';
}

int call_main(int count, char **arguments)
{
    uint32_t method, word = 0, answer;
    handle_t service;
    if (count < 2 || count > 3 || !read_number(arguments[1], &method) || (count == 3 && !read_number(arguments[2], &word)))
        return usage();
    status_t status = service_find(arguments[0], &service);
    if (status == OK)
        status = service_call(service, method, word, &answer);
    if (status != OK)
        return complain_of(arguments[0], status_text(status));
    printf("%u\n", (unsigned)answer);
    return 0;
}
