/* Programs started by programs: a child process with a quota out of ours, known to init under a number of its own. */
#ifndef SPAWN_H
#define SPAWN_H

#include <postern.h>

struct spawn {
    const char *name;               /* for lists and reports; cut after 16 bytes */
    const void *image;              /* the ELF file, in our memory */
    uint32_t size;                  /* bytes */
    const char *const *arguments;   /* argv, ended by NULL; become "0=...", "1=..." of the startup page */
    const char *const *environment; /* further "key=value" for the startup page (the C library knows cwd=, stdin=, stdout=,
                                       append=1), ended by NULL; NULL: none */
    uint32_t quota_kib;
    uint8_t priority;               /* 0: ours */
};

struct child {
    uint32_t number;                /* as init and its clients know it: what ps shows and kill takes */
    handle_t process;               /* ours to watch, to end and to close */
};

/* Loads and starts a program. It may look up the services that we may look up; init reports its faults. NULL, or what is
 * wrong, to be printed behind the program's name; nothing is left behind then. */
const char *program_spawn(const struct spawn *spawn, struct child *child);

#endif
