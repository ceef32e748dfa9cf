/* The file tests: what the program's files share. Which test runs says the argument test= of the system list. */
#ifndef FILES_H
#define FILES_H

#include <stdint.h>

#include <server.h>

#define PATH_BYTES 1024

/* ---- sha256.c ---- */
struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, uint32_t bytes);
/* 64 hexadecimal digits and a 0. */
void sha256_end(struct sha256 *hash, char text[65]);

/* ---- pattern.c: contents that the host can compute as well ---- */
void pattern_fill(uint8_t *to, uint32_t bytes, uint32_t seed);
/* Ends the machine with a message: what was done to which path, and errno. */
_Noreturn void fail(const char *what, const char *path);

/* ---- tree.c: prints a line for everything below a folder; returns how many things could not be read ---- */
uint32_t tree_print(const char *path);

/* ---- write.c, storm.c, growth.c, damage.c ---- */
void write_tree(void);
void storm(const char *folder);
void storm_child(uint32_t number, const char *folder);
void growth(void);
void damage(void);

#endif
