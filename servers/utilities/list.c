/* ls, stat, find: what there is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "utilities.h"

enum { LONG, ALL, RECURSIVE, OPTIONS };

static bool options[OPTIONS];

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_time(time_t seconds)
{
    char text[20];
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", gmtime(&seconds));
    fputs(text, stdout);
}

static void print_link_text(const char *path)
{
    char text[PATH_BYTES];
    ssize_t bytes = readlink(path, text, sizeof(text) - 1);
    if (bytes >= 0)
        printf(" -> %.*s", (int)bytes, text);
}

static int list_one(const char *path, const char *name)
{
    struct stat status;
    char mode[11];
    if (!options[LONG]) {
        puts(name);
        return 0;
    }
    if (lstat(path, &status) != 0)
        return complain(path);
    mode_text(status.st_mode, mode);
    printf("%s %3u %10lu ", mode, (unsigned)status.st_nlink, (unsigned long)status.st_size);
    print_time(status.st_mtime);
    printf(" %s", name);
    if (S_ISLNK(status.st_mode))
        print_link_text(path);
    putchar('\n');
    return 0;
}

static int list_name(const char *path, void *unused)
{
    (void)unused;
    return base(path)[0] == '.' && !options[ALL] ? 0 : list_one(path, base(path));
}

static int list_folder(const char *path);

static int list_below(const char *path, void *unused)
{
    struct stat status;
    (void)unused;
    if ((base(path)[0] == '.' && !options[ALL]) || lstat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return 0;
    printf("\n%s:\n", path);
    return list_folder(path);
}

static int list_folder(const char *path)
{
    int worst = for_each_name(path, list_name, NULL);
    int below = options[RECURSIVE] && worst == 0 ? for_each_name(path, list_below, NULL) : 0;
    return below > worst ? below : worst;
}

int ls_main(int count, char **arguments)
{
    int worst = 0;
    if (!take_options(&count, &arguments, "laR", options))
        return 2;
    if (count == 0)
        return list_folder(".");
    for (int i = 0; i < count; i++) {
        struct stat status;
        int result;
        if (lstat(arguments[i], &status) != 0) {
            result = complain(arguments[i]);
        } else if (!is_folder(arguments[i])) {
            result = list_one(arguments[i], arguments[i]);
        } else {
            if (count > 1)
                printf("%s%s:\n", i ? "\n" : "", arguments[i]);
            result = list_folder(arguments[i]);
        }
        worst = result > worst ? result : worst;
    }
    return worst;
}

static int show(const char *path)
{
    struct stat status;
    char mode[11];
    if (lstat(path, &status) != 0)
        return complain(path);
    mode_text(status.st_mode, mode);
    printf("%s: %s, %lu bytes in %lu blocks of 512, inode %lu on volume %u, %u links, changed ", path, mode,
           (unsigned long)status.st_size, (unsigned long)status.st_blocks, (unsigned long)status.st_ino,
           (unsigned)status.st_dev, (unsigned)status.st_nlink);
    print_time(status.st_mtime);
    putchar('\n');
    return 0;
}

int stat_main(int count, char **arguments)
{
    int worst = count ? 0 : usage();
    for (int i = 0; i < count; i++)
        worst |= show(arguments[i]);
    return worst;
}

static int find_below(const char *path, void *unused)
{
    struct stat status;
    (void)unused;
    if (lstat(path, &status) != 0)
        return complain(path);
    puts(path);
    return S_ISDIR(status.st_mode) ? for_each_name(path, find_below, NULL) : 0;
}

int find_main(int count, char **arguments)
{
    int worst = count ? 0 : find_below(".", NULL);
    for (int i = 0; i < count; i++)
        worst |= find_below(arguments[i], NULL);
    return worst;
}
