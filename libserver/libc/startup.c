/* Start-up of programs with a C library: arguments, environment and redirections, then main and exit. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../internal.h"
#include "files.h"

#define KEY_BYTES 12
#define NEW_FILE 0666

int main(int argc, char **argv);

extern char **environ;

static void *must_allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        process_exit((uint32_t)E_NO_MEMORY);
    return memory;
}

static const char *numbered_argument(int number)
{
    char key[KEY_BYTES];
    return argument(itoa(number, key, 10));
}

/* "0=", "1=", ... Programs may write to their arguments, and the startup page is read-only, so these are copies. */
static char **copy_arguments(int *count)
{
    *count = 1;
    while (numbered_argument(*count))
        ++*count;
    char **arguments = must_allocate((size_t)*count + 1, sizeof(*arguments));
    for (int i = 0; i < *count; i++) {
        const char *text = numbered_argument(i);
        text = text ? text : program_name();
        arguments[i] = strcpy(must_allocate(strlen(text) + 1, 1), text);
    }
    return arguments;
}

/* All other arguments. */
static char **list_environment(void)
{
    uint32_t count = 0;
    const char *first = startup_page()->arguments;
    for (const char *text = first; *text; text += strlen(text) + 1)
        count++;
    char **list = must_allocate(count + 1, sizeof(*list)), **next = list;
    for (const char *text = first; *text; text += strlen(text) + 1)
        if (!isdigit((unsigned char)*text))
            *next++ = (char *)text;
    return list;
}

static void redirect(int descriptor, const char *path, int flags)
{
    if (!path)
        return;
    int opened = open(path, flags, NEW_FILE);
    if (opened < 0) {
        perror(path);
        _exit(EXIT_FAILURE);
    }
    dup2(opened, descriptor);
    close(opened);
}

void program_main(void)
{
    int count;
    libc_locks_init();
    libc_console_init();
    libc_vfs_init();
    libc_descriptors_init();
    libc_path_init();
    libc_time_init();
    environ = list_environment();
    char **arguments = copy_arguments(&count);
    redirect(STDIN_FILENO, argument("stdin"), O_RDONLY);
    redirect(STDOUT_FILENO, argument("stdout"), O_WRONLY | O_CREAT | (argument_number("append", 0) ? O_APPEND : O_TRUNC));
    exit(main(count, arguments));
}
