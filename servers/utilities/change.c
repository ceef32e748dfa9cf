/* cp, mv, rm, mkdir, rmdir, ln, touch, fill: what changes files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

#include "utilities.h"

static uint8_t piece[PIECE_BYTES];

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* ---- cp ---- */

static int copy_bytes(int from, int to, const char *source, const char *target)
{
    ssize_t bytes;
    while ((bytes = read(from, piece, sizeof(piece))) > 0)
        if (!write_all(to, piece, (size_t)bytes))
            return complain(target);
    return bytes < 0 ? complain(source) : 0;
}

static bool is_same(const char *source, const char *target)
{
    struct stat a, b;
    return stat(source, &a) == 0 && stat(target, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int copy_file(const char *source, const char *target, uint32_t mode)
{
    if (is_same(source, target))
        return complain_of(target, "is the file itself");
    int from = open(source, O_RDONLY);
    if (from < 0)
        return complain(source);
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777), result;
    result = to < 0 ? complain(target) : copy_bytes(from, to, source, target);
    close(from);
    if (to >= 0 && close(to) != 0)
        result = complain(target);
    return result;
}

static int copy_link(const char *source, const char *target)
{
    char text[PATH_BYTES];
    ssize_t bytes = readlink(source, text, sizeof(text) - 1);
    if (bytes < 0)
        return complain(source);
    text[bytes] = '\0';
    return symlink(text, target) == 0 ? 0 : complain(target);
}

static int copy(const char *source, const char *target, bool with_folders);

static int copy_into(const char *source, void *folder)
{
    char *target = malloc(PATH_BYTES);
    if (!target)
        return complain(source);
    join(target, folder, base(source));
    int result = copy(source, target, true);
    free(target);
    return result;
}

static int copy(const char *source, const char *target, bool with_folders)
{
    struct stat status;
    if ((with_folders ? lstat(source, &status) : stat(source, &status)) != 0)
        return complain(source);
    if (S_ISLNK(status.st_mode))
        return copy_link(source, target);
    if (!S_ISDIR(status.st_mode))
        return copy_file(source, target, status.st_mode);
    if (!with_folders)
        return complain_of(source, "is a folder: use cp -r");
    if (mkdir(target, status.st_mode & 0777) != 0 && errno != EEXIST)
        return complain(target);
    return for_each_name(source, copy_into, (void *)target);
}

/* ---- what cp and mv have in common: several things into a folder, or one to another name ---- */

static int each_to(int count, char **arguments, int (*act)(const char *source, const char *target))
{
    char target[PATH_BYTES];
    int worst = 0;
    const char *last = arguments[count - 1];
    bool folder = is_folder(last);
    if (count > 2 && !folder)
        return complain_of(last, "is not a folder");
    for (int i = 0; i < count - 1; i++) {
        if (folder)
            join(target, last, base(arguments[i]));
        else
            snprintf(target, sizeof(target), "%s", last);
        worst |= act(arguments[i], target);
    }
    return worst;
}

/* Whether the place of the target lies in the folder that is to be copied there. */
static bool lies_within(const char *target, const char *folder)
{
    char above[PATH_BYTES], outer[PATH_BYTES], inner[PATH_BYTES];
    snprintf(above, sizeof(above), "%s", target);
    char *slash = strrchr(above, '/');
    if (slash)
        slash[slash == above] = '\0';
    if (!is_folder(folder) || !realpath(folder, outer) || !realpath(slash ? above : ".", inner))
        return false;
    size_t length = strlen(outer);
    return strncmp(inner, outer, length) == 0 && (inner[length] == '\0' || inner[length] == '/' || length == 1);
}

static int copy_plainly(const char *source, const char *target) { return copy(source, target, false); }

static int copy_whole(const char *source, const char *target)
{
    return lies_within(target, source) ? complain_of(source, "cannot be copied into itself") : copy(source, target, true);
}

int cp_main(int count, char **arguments)
{
    bool recursive;
    if (!take_options(&count, &arguments, "r", &recursive))
        return 2;
    return count < 2 ? usage() : each_to(count, arguments, recursive ? copy_whole : copy_plainly);
}

/* ---- rm ---- */

static int remove_tree(const char *path, void *unused)
{
    struct stat status;
    (void)unused;
    if (lstat(path, &status) != 0)
        return complain(path);
    if (!S_ISDIR(status.st_mode))
        return unlink(path) == 0 ? 0 : complain(path);
    int worst = for_each_name(path, remove_tree, NULL);
    return worst ? worst : rmdir(path) == 0 ? 0 : complain(path);
}

int rm_main(int count, char **arguments)
{
    bool flags[2];
    int worst = 0;
    if (!take_options(&count, &arguments, "rf", flags))
        return 2;
    if (count == 0)
        return usage();
    for (int i = 0; i < count; i++) {
        struct stat status;
        if (flags[1] && lstat(arguments[i], &status) != 0 && errno == ENOENT)
            continue;
        worst |= flags[0] ? remove_tree(arguments[i], NULL) : unlink(arguments[i]) == 0 ? 0 : complain(arguments[i]);
    }
    return worst;
}

/* ---- mv ---- */

/* To another file system it is a copy, and the removal of the old. */
static int move(const char *source, const char *target)
{
    if (rename(source, target) == 0)
        return 0;
    if (errno != EXDEV)
        return complain(source);
    int result = copy(source, target, true);
    return result ? result : remove_tree(source, NULL);
}

int mv_main(int count, char **arguments)
{
    return count < 2 ? usage() : each_to(count, arguments, move);
}

/* ---- folders and links ---- */

static int make_with_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return complain(path);
        *slash = '/';
    }
    return mkdir(path, 0755) == 0 || (errno == EEXIST && is_folder(path)) ? 0 : complain(path);
}

int mkdir_main(int count, char **arguments)
{
    bool parents;
    int worst = 0;
    if (!take_options(&count, &arguments, "p", &parents))
        return 2;
    for (int i = 0; i < count; i++)
        worst |= parents ? make_with_parents(arguments[i]) : mkdir(arguments[i], 0755) == 0 ? 0 : complain(arguments[i]);
    return count ? worst : usage();
}

int rmdir_main(int count, char **arguments)
{
    int worst = 0;
    for (int i = 0; i < count; i++)
        worst |= rmdir(arguments[i]) == 0 ? 0 : complain(arguments[i]);
    return count ? worst : usage();
}

int ln_main(int count, char **arguments)
{
    bool symbolic;
    if (!take_options(&count, &arguments, "s", &symbolic))
        return 2;
    if (count != 2)
        return usage();
    return (symbolic ? symlink : link)(arguments[0], arguments[1]) == 0 ? 0 : complain(arguments[1]);
}

int touch_main(int count, char **arguments)
{
    int worst = 0;
    for (int i = 0; i < count; i++) {
        int file = open(arguments[i], O_WRONLY | O_CREAT, 0644);
        worst |= file < 0 || close(file) != 0 || utime(arguments[i], NULL) != 0 ? complain(arguments[i]) : 0;
    }
    return count ? worst : usage();
}

/* ---- fill ---- */

static void fill_piece(uint32_t *state)
{
    for (uint32_t i = 0; i < sizeof(piece); i++) {
        *state = *state * 1664525u + 1013904223u;
        piece[i] = (uint8_t)(*state >> 24);
    }
}

int fill_main(int count, char **arguments)
{
    if (count != 3)
        return usage();
    char *ends[2];
    uint32_t left = strtoul(arguments[1], &ends[0], 0), state = strtoul(arguments[2], &ends[1], 0);
    if (*ends[0] || *ends[1])
        return usage();
    int file = open(arguments[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        return complain(arguments[0]);
    while (left > 0) {
        uint32_t part = left < sizeof(piece) ? left : sizeof(piece);
        fill_piece(&state);
        if (!write_all(file, piece, part))
            return complain(arguments[0]);
        left -= part;
    }
    return close(file) == 0 ? 0 : complain(arguments[0]);
}
