/* The file tests: what the program's files share. Which test runs says the argument test= of the system list. */
#ifndef FILES_H
#define FILES_H

#include <stdint.h>

#include <server.h>
#include <spawn.h>
#include <servers/utilities/sha256.h>

#define PATH_BYTES 1024

/* ---- pattern.c: contents that the host can compute as well ---- */
void pattern_fill(uint8_t *to, uint32_t bytes, uint32_t seed);
/* Ends the machine with a message: what was done to which path, and errno. */
_Noreturn void fail(const char *what, const char *path);

/* ---- tree.c: prints a line for everything below a folder; returns how many things could not be read ---- */
uint32_t tree_print(const char *path);
/* The same with paths as they are from there on, the way tree_print("/") has them. */
uint32_t tree_print_inside(const char *path);

/* ---- write.c, storm.c, growth.c, damage.c, kills.c, restarts.c, lives.c, generations.c, together.c ---- */
void restarts(void);
void copies(void);
/* Kills a service, and waits until all run again. */
void service_kill(const char *name);
void lives(void);
void kills(const char *service);
void write_tree(void);
void storm(const char *folder);
void storm_child(uint32_t number, const char *folder);
/* Another program like this one. */
void start_program(const char *const *arguments, struct child *child);
void growth(void);
void cached(const char *path);
void damage(void);
void half_way(const char *name);
void other_disk(void);
void generations(void);
void volumes(void);
void together(const char *what);
_Noreturn void read_for_ever(const char *path);

#endif
