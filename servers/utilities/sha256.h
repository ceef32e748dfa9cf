/* SHA-256, as in FIPS 180-4. */
#ifndef SHA256_H
#define SHA256_H

#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, uint32_t bytes);
/* 64 hexadecimal digits and a 0. */
void sha256_end(struct sha256 *hash, char text[65]);

#endif
