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

/* ---- write.c, storm.c, growth.c, damage.c, kills.c, restarts.c, lives.c, generations.c, races.c, protocol.c, together.c ---- */
void restarts(void);
void copies(void);
void service_kill_only(const char *name);
/* The same, and waits until all run again. */
void service_kill(const char *name);
uint32_t service_restarts(const char *name);
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
void races(void);
void patience(void);
void protocol(const char *service);

/* ---- slow.c: a file system; times in microseconds ---- */
#define SLOW_FILE 50u        /* inode of "file" */
#define SLOW_NEW 100u        /* inode of "new" in the first life; the next has the next */
#define SLOW_LOOKUP 200000u
#define PATIENT_LOOKUP 4000000u
#define SLOW_SYNC 300000u
#define SLOW_START 1000000u /* of its third life */
int slow_main(void);

#endif
