/* Program files, which are ELF: checked here, mapped by program.c. */
#ifndef LIBSERVER_IMAGE_H
#define LIBSERVER_IMAGE_H

#include <elf.h>

#include "internal.h"

/* NULL when the file can be loaded, or what is wrong with it. */
const char *image_check(const void *bytes, uint32_t size);
/* Whether the program begins in this segment, which is then the one with its code. */
bool image_contains_entry(const Elf32_Phdr *segment, uint32_t entry);

/* Of a file that has been checked. */
static inline const Elf32_Phdr *image_segments(const Elf32_Ehdr *header)
{
    return (const Elf32_Phdr *)((const uint8_t *)header + header->e_phoff);
}

#endif
