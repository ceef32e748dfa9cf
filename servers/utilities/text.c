/* cat, echo, wc, head, hexdump: what is in files. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utilities.h"

static uint8_t piece[PIECE_BYTES];

/* Calls show() for each file, or for standard input when there is none. */
static int for_each_input(int count, char **arguments, int (*show)(int file, const char *name))
{
    int worst = count ? 0 : show(STDIN_FILENO, "");
    for (int i = 0; i < count; i++) {
        int file = open_input(arguments[i]);
        worst |= file < 0 ? 1 : show(file, arguments[i]);
        if (file > STDIN_FILENO)
            close(file);
    }
    return worst;
}

static int print_all(int file, const char *name)
{
    ssize_t bytes;
    while ((bytes = read(file, piece, sizeof(piece))) > 0)
        if (!write_all(STDOUT_FILENO, piece, (size_t)bytes))
            return complain("standard output");
    return bytes < 0 ? complain(name) : 0;
}

int cat_main(int count, char **arguments)
{
    return for_each_input(count, arguments, print_all);
}

int echo_main(int count, char **arguments)
{
    for (int i = 0; i < count; i++)
        printf("%s%s", i ? " " : "", arguments[i]);
    putchar('\n');
    return 0;
}

static int count_all(int file, const char *name)
{
    unsigned long lines = 0, words = 0, total = 0;
    bool in_word = false;
    ssize_t bytes;
    while ((bytes = read(file, piece, sizeof(piece))) > 0) {
        total += (unsigned long)bytes;
        for (ssize_t i = 0; i < bytes; i++) {
            lines += piece[i] == '\n';
            words += !isspace(piece[i]) && !in_word;
            in_word = !isspace(piece[i]);
        }
    }
    if (bytes < 0)
        return complain(name);
    printf("%7lu %7lu %7lu %s\n", lines, words, total, name);
    return 0;
}

int wc_main(int count, char **arguments)
{
    return for_each_input(count, arguments, count_all);
}

static unsigned long lines_wanted = 10;

static int print_head(int file, const char *name)
{
    unsigned long lines = 0;
    ssize_t bytes = 0;
    while (lines < lines_wanted && (bytes = read(file, piece, sizeof(piece))) > 0) {
        ssize_t end = 0;
        while (end < bytes && lines < lines_wanted)
            lines += piece[end++] == '\n';
        fwrite(piece, 1, (size_t)end, stdout);
    }
    return bytes < 0 ? complain(name) : 0;
}

int head_main(int count, char **arguments)
{
    if (count >= 1 && strcmp(arguments[0], "-n") == 0) {
        if (count < 2 || !isdigit((unsigned char)arguments[1][0]))
            return usage();
        lines_wanted = strtoul(arguments[1], NULL, 10);
        count -= 2;
        arguments += 2;
    }
    return for_each_input(count, arguments, print_head);
}

/* ---- hexdump ---- */

#define ROW 16u

static void print_row(const uint8_t *bytes, uint32_t count, unsigned long offset)
{
    printf("%08lx ", offset);
    for (uint32_t i = 0; i < ROW; i++) {
        if (i < count)
            printf("%s%02x", i == ROW / 2 ? "  " : " ", bytes[i]);
        else
            fputs(i == ROW / 2 ? "    " : "   ", stdout);
    }
    fputs("  |", stdout);
    for (uint32_t i = 0; i < count; i++)
        putchar(isprint(bytes[i]) ? bytes[i] : '.');
    puts("|");
}

/* Bytes of the next row, 0 at the end, -1 for an error. */
static int fill_row(int file, uint8_t row[ROW])
{
    int count = 0;
    ssize_t bytes = 1;
    while (count < (int)ROW && (bytes = read(file, row + count, ROW - (size_t)count)) > 0)
        count += (int)bytes;
    return bytes < 0 ? -1 : count;
}

static int dump(int file, const char *name)
{
    uint8_t row[ROW], last[ROW];
    unsigned long offset = 0;
    bool repeated = false;
    int count;
    for (; (count = fill_row(file, row)) > 0; offset += (unsigned long)count) {
        bool same = offset > 0 && count == (int)ROW && memcmp(row, last, ROW) == 0;
        if (!same)
            print_row(row, (uint32_t)count, offset);
        else if (!repeated)
            puts("*");
        repeated = same;
        memcpy(last, row, ROW);
    }
    if (count < 0)
        return complain(name);
    printf("%08lx\n", offset);
    return 0;
}

int hexdump_main(int count, char **arguments)
{
    bool canonical; /* there is only that form */
    if (!take_options(&count, &arguments, "C", &canonical))
        return 2;
    return count > 1 ? usage() : for_each_input(count, arguments, dump);
}
