/* What newlib's <dirent.h> leaves to the system. */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <stdint.h>
#include <sys/types.h>

#define MAXNAMLEN 255

struct dirent {
    uint32_t d_ino;
    uint8_t d_type;     /* DT_* */
    char d_name[MAXNAMLEN + 1];
};

/* S_IFMT bits of the mode >> 12. */
#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12

typedef struct directory DIR;

#endif
