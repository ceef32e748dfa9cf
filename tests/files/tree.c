/* Prints what is below a folder, a line for each thing. Paths are shown as the beginning of their hash, since they can be longer
 * than a line of the log: "F hash size path-hash", "L text-hash path-hash", "D path-hash"; "E error path-hash" for what cannot be
 * read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define PIECE 65536u

static uint8_t buffer[PIECE];
static uint32_t errors;
static size_t hidden; /* bytes at the beginning of each path that are not part of what is printed */

static const char *short_hash(const char *text)
{
    static char digits[65];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, text, strlen(text));
    sha256_end(&hash, digits);
    digits[24] = '\0';
    return digits;
}

static void report_error(const char *path)
{
    int error = errno;
    errors++;
    print("E %s %s\n", strerror(error), short_hash(path + hidden));
}

static void print_file(const char *path)
{
    struct sha256 hash;
    char digits[65];
    int file = open(path, O_RDONLY), bytes = 0;
    sha256_begin(&hash);
    while (file >= 0 && (bytes = (int)read(file, buffer, sizeof(buffer))) > 0)
        sha256_add(&hash, buffer, (uint32_t)bytes);
    if (file < 0 || bytes < 0)
        report_error(path);
    if (file >= 0)
        close(file);
    if (file < 0 || bytes < 0)
        return;
    uint32_t size = (uint32_t)hash.bytes;
    sha256_end(&hash, digits);
    print("F %s %u %s\n", digits, size, short_hash(path + hidden));
}

static void print_link(const char *path)
{
    char text[PATH_BYTES], text_hash[25];
    int bytes = (int)readlink(path, text, sizeof(text) - 1);
    if (bytes < 0) {
        report_error(path);
        return;
    }
    text[bytes] = '\0';
    strcpy(text_hash, short_hash(text));
    print("L %s %s\n", text_hash, short_hash(path + hidden));
}

static void print_folder(const char *path);

static void print_thing(const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        report_error(path);
    } else if (S_ISDIR(status.st_mode)) {
        print("D %s\n", short_hash(path + hidden));
        print_folder(path);
    } else if (S_ISLNK(status.st_mode)) {
        print_link(path);
    } else {
        print_file(path);
    }
}

static void print_folder(const char *path)
{
    DIR *folder = opendir(path);
    char *child = malloc(PATH_BYTES);
    struct dirent *entry;
    if (!folder || !child) {
        report_error(path);
        free(child);
        return;
    }
    errno = 0;
    while ((entry = readdir(folder))) {
        snprintf(child, PATH_BYTES, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(child + hidden, "/lost+found") != 0)
            print_thing(child);
        errno = 0;
    }
    if (errno)
        report_error(path);
    closedir(folder);
    free(child);
}

uint32_t tree_print(const char *path)
{
    print_folder(path);
    return errors;
}

uint32_t tree_print_inside(const char *path)
{
    hidden = strlen(path);
    print_folder(path);
    hidden = 0;
    return errors;
}
