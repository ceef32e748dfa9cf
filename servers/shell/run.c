/* Programs: found in /bin or /boot, loaded, started as children, waited for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <server.h>
#include <servers/console/console.h>
#include <spawn.h>

#include "shell.h"

#define QUOTA_KIB 4096u
#define INTERRUPTED 1u      /* notification bits */
#define ENDED 2u
#define STATUS_INTERRUPTED 130
#define BACKGROUND_MAX 16u
#define ALL_PROGRAMS "utilities" /* the boot module that has many names */

static handle_t events;     /* notification: Ctrl-C, and the end of a child */
static handle_t console;
static struct {
    struct child child;
    char name[32];
} background[BACKGROUND_MAX];

/* ---- events ---- */

/* Without a console there is nobody to press Ctrl-C. */
void run_init(void)
{
    notification_create(&events);
    service_find("console", &console);
}

/* Again for each line, since the console may have been restarted. */
void run_ask_for_interrupts(void)
{
    handle_t copy;
    if (console != HANDLE_NONE && handle_duplicate(events, RIGHT_WRITE | RIGHT_TRANSFER, 0, &copy) == OK)
        console_notify(console, copy);
}

/* ---- loading ---- */

static void *read_all(const char *path, uint32_t *size)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0)
        return NULL;
    void *image = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? malloc((size_t)status.st_size + 1) : NULL;
    if (image && read(file, image, (size_t)status.st_size) != status.st_size) {
        free(image);
        image = NULL;
        errno = EIO;
    }
    close(file);
    *size = image ? (uint32_t)status.st_size : 0;
    return image;
}

/* A name with a slash is a path; any other is looked for in /bin, and in the program of many names among the boot modules, where
 * the other names are mostly those of services. */
static void *load(const char *name, uint32_t *size)
{
    static const char *const places[] = { "/bin/%s", "/boot/" ALL_PROGRAMS };
    char path[LINE_BYTES];
    void *image = NULL;
    if (strchr(name, '/'))
        return read_all(name, size);
    for (uint32_t i = 0; i < COUNT(places) && !image; i++) {
        snprintf(path, sizeof(path), places[i], name);
        image = read_all(path, size);
    }
    return image;
}

/* ---- starting ---- */

/* "stdin=/path"; a relative path is one of ours. */
static const char *setting(char *text, const char *key, const char *path)
{
    char folder[LINE_BYTES] = "";
    if (path && path[0] != '/' && !getcwd(folder, sizeof(folder)))
        folder[0] = '\0';
    sprintf(text, "%s=%s%s%s", key, folder, folder[0] ? "/" : "", path ? path : "");
    return text;
}

static const char *start(const struct command *command, const char *input, const char *output, struct child *child)
{
    char texts[3][2 * LINE_BYTES];
    const char *environment[5] = { setting(texts[0], "cwd", "") };
    uint32_t count = 1, size;
    void *image = load(command->words[0], &size);
    if (!image)
        return strerror(errno);
    getcwd(texts[0] + strlen("cwd="), LINE_BYTES);
    if (input)
        environment[count++] = setting(texts[1], "stdin", input);
    if (output)
        environment[count++] = setting(texts[2], "stdout", output);
    if (command->append)
        environment[count++] = "append=1";
    const struct spawn spawn = { command->words[0], image, size, (const char *const *)command->words, environment, QUOTA_KIB, 0 };
    const char *wrong = program_spawn(&spawn, child);
    free(image);
    return wrong;
}

/* ---- waiting ---- */

static int end_of(const char *name, struct child *child)
{
    uint32_t code = 0;
    process_info(child->process, PROCESS_EXIT_CODE, &code);
    handle_close(child->process);
    if ((int32_t)code < 0)
        fprintf(stderr, "%s: ended: %s\n", name, status_text((status_t)code));
    return (int32_t)code < 0 ? 1 : (int)code;
}

static bool is_alive(const struct child *child)
{
    uint32_t alive = 0;
    process_info(child->process, PROCESS_ALIVE, &alive);
    return alive;
}

static int wait_for(const char *name, struct child *child)
{
    uint32_t bits = 0;
    while (is_alive(child)) {
        notification_wait(events, INTERRUPTED | ENDED, TIMEOUT_NEVER, &bits);
        if (bits & INTERRUPTED)
            process_destroy(child->process, STATUS_INTERRUPTED);
    }
    return end_of(name, child);
}

static void keep_in_background(const char *name, const struct child *child)
{
    for (uint32_t i = 0; i < BACKGROUND_MAX; i++) {
        if (background[i].child.process != HANDLE_NONE)
            continue;
        background[i].child = *child;
        snprintf(background[i].name, sizeof(background[i].name), "%s", name);
        printf("[%u] %s\n", (unsigned)child->number, name);
        return;
    }
    fprintf(stderr, "shell: %s runs, but is one too many in the background to be watched\n", name);
    handle_close(child->process);
}

void run_report_ended(void)
{
    for (uint32_t i = 0; i < BACKGROUND_MAX; i++) {
        struct child *child = &background[i].child;
        if (child->process == HANDLE_NONE || is_alive(child))
            continue;
        unsigned number = (unsigned)child->number;
        printf("[%u] %s ended with %d\n", number, background[i].name, end_of(background[i].name, child));
        child->process = HANDLE_NONE;
    }
}

int run_program(const struct command *command, const char *input, const char *output, bool in_background)
{
    const char *name = command->words[0];
    struct child child;
    uint32_t bits;
    notification_wait(events, INTERRUPTED | ENDED, 0, &bits); /* what is left of those before it */
    const char *wrong = start(command, input, output, &child);
    if (wrong) {
        fprintf(stderr, "%s: %s\n", name, wrong);
        return STATUS_NOT_FOUND;
    }
    if (in_background) {
        keep_in_background(name, &child);
        return 0;
    }
    process_watch(child.process, events, ENDED);
    return wait_for(name, &child);
}
