/* What the utilities share. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utilities.h"

int complain_of(const char *what, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", command_name(), what, why);
    return 1;
}

int complain(const char *path)
{
    return complain_of(path, strerror(errno));
}

static bool take_letters(const char *letters, const char *known, bool flags[])
{
    for (; *letters; letters++) {
        const char *place = strchr(known, *letters);
        if (!place)
            return false;
        flags[place - known] = true;
    }
    return true;
}

bool take_options(int *count, char ***arguments, const char *known, bool flags[])
{
    memset(flags, 0, strlen(known) * sizeof(flags[0]));
    for (; *count > 0 && (*arguments)[0][0] == '-' && (*arguments)[0][1]; ++*arguments, --*count) {
        if (!take_letters((*arguments)[0] + 1, known, flags)) {
            usage();
            return false;
        }
    }
    return true;
}

void join(char path[PATH_BYTES], const char *folder, const char *name)
{
    size_t length = strlen(folder);
    snprintf(path, PATH_BYTES, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int is_real(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

int for_each_name(const char *folder, int (*function)(const char *path, void *context), void *context)
{
    struct dirent **names;
    int worst = 0, count = scandir(folder, &names, is_real, alphasort);
    char *path = malloc(PATH_BYTES);
    if (count < 0 || !path) {
        free(path);
        return complain(folder);
    }
    for (int i = 0; i < count; i++) {
        join(path, folder, names[i]->d_name);
        int result = function(path, context);
        worst = result > worst ? result : worst;
        free(names[i]);
    }
    free(names);
    free(path);
    return worst;
}

void mode_text(uint32_t mode, char text[11])
{
    text[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : '-';
    for (uint32_t i = 0; i < 9; i++)
        text[1 + i] = mode & (0400u >> i) ? "rwx"[i % 3] : '-';
    text[10] = '\0';
}

bool write_all(int file, const void *bytes, size_t count)
{
    ssize_t written = 0;
    for (size_t done = 0; done < count; done += (size_t)written)
        if ((written = write(file, (const char *)bytes + done, count - done)) <= 0)
            return false;
    return true;
}

int open_input(const char *path)
{
    if (!path || strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int file = open(path, O_RDONLY);
    if (file < 0)
        complain(path);
    return file;
}
