/* Paths: walked component by component, over mounts and through symbolic links. The places passed are kept, so that ".." goes
 * back the way that was really taken. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define DEPTH 64u
#define LINKS 16u
#define TEXT (2 * VFS_PATH)

struct walk {
    struct place places[DEPTH];     /* from the root to where we are */
    uint32_t depth;                 /* index of the last */
    uint32_t links;                 /* symbolic links followed */
    bool known;                     /* found->attributes are those of the last place */
    char text[TEXT];
    const char *rest;               /* what is left of it */
};

/* ---- single steps ---- */

static struct place here(const struct walk *walk)
{
    return walk->places[walk->depth];
}

static const char *skip_slashes(const char *text)
{
    while (*text == '/')
        text++;
    return text;
}

/* The next component into `name`; ENAMETOOLONG. */
static int take_component(struct walk *walk, char *name)
{
    size_t length = strcspn(walk->rest, "/");
    if (length >= FILE_SYSTEM_NAME)
        return ENAMETOOLONG;
    memcpy(name, walk->rest, length);
    name[length] = '\0';
    walk->rest += length;
    return 0;
}

void found_answer(struct found *found, const struct file_system_request *answer)
{
    found->place = found->parent;
    found->place.node = answer ? answer->node : 0;
    if (!answer)
        return;
    found->place.generation = answer->attributes.generation;
    found->attributes = answer->attributes;
}

static int lookup(struct place directory, const char *name, struct found *found)
{
    struct operation operation;
    place_begin(&operation, directory);
    strcpy(operation.request->name, name);
    int error = operation_call(&operation, FILE_SYSTEM_LOOKUP);
    found->parent = directory;
    found_answer(found, error ? NULL : operation.request);
    operation_end(&operation);
    return error;
}

static int push(struct walk *walk, struct found *found)
{
    struct place place = found->place;
    int error = walk->depth + 1 == DEPTH ? ENAMETOOLONG : mount_cross(&place);
    if (error)
        return error;
    walk->known = place.mount == found->place.mount;
    walk->places[++walk->depth] = place;
    return 0;
}

/* Puts the link's text in front of the rest of the path. */
static int follow_link(struct walk *walk, struct place link)
{
    struct operation operation;
    char text[TEXT];
    if (++walk->links > LINKS)
        return ELOOP;
    place_begin(&operation, link);
    int error = operation_call(&operation, FILE_SYSTEM_READ_LINK);
    size_t length = error ? 0 : strnlen(operation.request->text, VFS_PATH), rest = strlen(walk->rest);
    if (!error && length + rest + 1 > TEXT)
        error = ENAMETOOLONG;
    if (!error) {
        memcpy(text, operation.request->text, length);
        memcpy(text + length, walk->rest, rest + 1);
        strcpy(walk->text, text);
        walk->rest = walk->text;
        if (text[0] == '/')
            walk->depth = 0;
        walk->known = false;
    }
    operation_end(&operation);
    return error;
}

/* ---- the walk ---- */

static int step(struct walk *walk, bool follow, struct found *found)
{
    int error = take_component(walk, found->name);
    if (error)
        return error;
    if (strcmp(found->name, ".") == 0 || strcmp(found->name, "..") == 0) {
        if (found->name[1] == '.' && walk->depth > 0)
            walk->depth--;
        walk->known = false;
        found->name[0] = '\0';
        return 0;
    }
    error = lookup(here(walk), found->name, found);
    if (error) {
        if (error == ENOENT && *skip_slashes(walk->rest) != '\0')
            found->parent.node = 0; /* more than the last component is missing */
        return error;
    }
    if (S_ISLNK(found->attributes.mode) && (follow || *walk->rest == '/'))
        return follow_link(walk, found->place);
    return push(walk, found);
}

static int read_attributes(struct place place, struct vfs_attributes *attributes)
{
    struct operation operation;
    place_begin(&operation, place);
    int error = operation_call(&operation, FILE_SYSTEM_STAT);
    *attributes = operation.request->attributes;
    operation_end(&operation);
    return error;
}

static int start(struct walk *walk, const char *path, struct found *found)
{
    size_t length = strnlen(path, VFS_PATH);
    found->parent.node = 0;
    found->name[0] = '\0';
    if (length == VFS_PATH)
        return ENAMETOOLONG;
    memcpy(walk->text, path, length);
    walk->text[length] = '\0';
    if (walk->text[0] != '/')
        return walk->text[0] ? EINVAL : ENOENT;
    walk->rest = walk->text;
    walk->depth = 0;
    walk->links = 0;
    walk->known = false;
    walk->places[0] = (struct place){ 0 };
    return mount_enter(mount_root(), &walk->places[0]);
}

/* The client may change the path while we look, so it is copied first. */
int path_find(const char *path, bool follow, struct found *found)
{
    struct walk walk;
    int error = start(&walk, path, found);
    while (!error && *(walk.rest = skip_slashes(walk.rest)))
        error = step(&walk, follow, found);
    if (error)
        return error;
    found->place = here(&walk);
    found->parent = walk.places[walk.depth ? walk.depth - 1 : 0];
    if (!walk.known)
        error = read_attributes(found->place, &found->attributes);
    if (!error && walk.rest > walk.text && walk.rest[-1] == '/' && !S_ISDIR(found->attributes.mode))
        error = ENOTDIR;
    return error;
}
