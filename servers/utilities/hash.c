/* sha256sum: sums of files and folders, and checking a list of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sha256.h"
#include "utilities.h"

#define DIGITS 64

static int sum(const char *path, char digits[DIGITS + 1])
{
    static uint8_t piece[PIECE_BYTES];
    struct sha256 hash;
    int file = open_input(path);
    ssize_t bytes = 0;
    if (file < 0)
        return 1;
    sha256_begin(&hash);
    while ((bytes = read(file, piece, sizeof(piece))) > 0)
        sha256_add(&hash, piece, (uint32_t)bytes);
    int result = bytes < 0 ? complain(path) : 0;
    if (file != STDIN_FILENO)
        close(file);
    sha256_end(&hash, digits);
    return result;
}

static int print_sum(const char *path)
{
    char digits[DIGITS + 1];
    int result = sum(path, digits);
    if (result == 0)
        printf("%s  %s\n", digits, path);
    return result;
}

static int print_tree(const char *path, void *unused)
{
    struct stat status;
    (void)unused;
    if (lstat(path, &status) != 0)
        return complain(path);
    if (S_ISDIR(status.st_mode))
        return for_each_name(path, print_tree, NULL);
    return S_ISREG(status.st_mode) ? print_sum(path) : 0;
}

static int check_line(char *line)
{
    char digits[DIGITS + 1], *path = line + DIGITS + 2;
    line[strcspn(line, "\n")] = '\0';
    if (strlen(line) < DIGITS + 3 || line[DIGITS] != ' ')
        return complain_of(line, "is no line of sha256sum");
    line[DIGITS] = '\0';
    bool good = sum(path, digits) == 0 && strcmp(digits, line) == 0;
    printf("%s: %s\n", path, good ? "OK" : "FAILED");
    return !good;
}

static int check_list(const char *list)
{
    char line[PATH_BYTES + DIGITS + 4];
    int worst = 0;
    FILE *file = fopen(list, "r");
    if (!file)
        return complain(list);
    while (fgets(line, sizeof(line), file))
        worst |= check_line(line);
    fclose(file);
    return worst;
}

int sha256sum_main(int count, char **arguments)
{
    bool flags[2];
    int worst = 0;
    if (!take_options(&count, &arguments, "rc", flags))
        return 2;
    if (count == 0)
        return flags[0] || flags[1] ? usage() : print_sum("-");
    for (int i = 0; i < count; i++)
        worst |= flags[1] ? check_list(arguments[i]) : flags[0] ? print_tree(arguments[i], NULL) : print_sum(arguments[i]);
    return worst;
}
