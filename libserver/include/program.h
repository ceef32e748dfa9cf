/* How a program gets into an empty process: the one loader and the one startup page, for init and for program_spawn. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <startup.h>

struct program_image {
    const void *bytes;      /* the ELF file, in our memory */
    uint32_t size;
    handle_t memory;        /* an object that holds it from its first page on: what nobody writes is mapped from there, and
                               not copied. HANDLE_NONE: there is none */
};

/* Begins a startup page that still lies in our memory, all zero, and gives the process the handles that every program finds
 * first in its table. The name is cut after 16 bytes. endpoint HANDLE_NONE: it serves nobody by name. */
status_t startup_begin(struct startup *page, const char *name, uint32_t priority, handle_t process, handle_t init,
                       handle_t endpoint);
/* Appends an argument "key=value": `prefix` and `length` bytes of `text`. E_NO_MEMORY: the page is full. */
status_t startup_add_argument(struct startup *page, const char *prefix, const char *text, uint32_t length);
/* Gives the process a handle and notes it on the page. E_NO_MEMORY: the page is full. */
status_t startup_add_resource(struct startup *page, const char *key, handle_t process, handle_t handle);

/* Maps the program, a stack, a copy of the startup page and its page of statistics into the process. NULL and *entry, or
 * what is wrong, to be printed behind the program's name. */
const char *program_load(handle_t process, const struct program_image *image, struct startup *page, uint32_t *entry);
/* Starts its first thread. */
status_t program_run(handle_t process, uint32_t entry, uint32_t priority);

#endif
