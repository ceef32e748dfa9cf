/* The memory and string functions that the compiler and everybody else expect. */
#include <server.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *start = to;
    size_t words = bytes / 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    bytes %= 4;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    uint8_t *last_to = (uint8_t *)to + bytes - 1;
    const uint8_t *last_from = (const uint8_t *)from + bytes - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(bytes) : : "memory", "cc");
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *start = to;
    size_t words = bytes / 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"((uint8_t)value * 0x01010101u) : "memory");
    bytes %= 4;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *left = a, *right = b;
    for (; bytes > 0; bytes--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (; most > 0; most--, a++, b++)
        if (*a != *b || *a == '\0')
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}
