/* A file system that takes its time, and ends, where the test of races (races.c) wants it: role=slowfs in the system list.
 *
 * In its root: "slow", a folder whose look-up takes SLOW_LOOKUP; "patient", the same with PATIENT_LOOKUP, once; "file", whose
 * sync takes SLOW_SYNC; "replaced", which becomes another file once it was looked up; "new", which does not exist: once it was
 * created, opening it ends the first life. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <file_system.h>

#include "files.h"

enum { ROOT = 1, SLOW, PATIENT, REPLACED };

static uint32_t volume, life, replaced;
static uint32_t new_node;   /* another from life to life; 0: it does not exist */
static bool waited;

static int answer(struct file_system_request *request, uint32_t node)
{
    bool folder = node == ROOT || node == SLOW || node == PATIENT;
    request->node = node;
    request->attributes = (struct vfs_attributes){ .mode = folder ? S_IFDIR | 0755 : S_IFREG | 0644, .links = 1,
                                                   .inode = node, .generation = node == REPLACED ? replaced : 0 };
    return 0;
}

static int mount(struct file_system_request *request, void *data)
{
    (void)data;
    if (volume)
        return EBUSY;
    volume = request->volume;
    return answer(request, ROOT);
}

static int unmount(struct file_system_request *request, void *data)
{
    (void)request;
    (void)data;
    volume = 0;
    return 0;
}

static int look_up(struct file_system_request *request, void *data)
{
    (void)data;
    if (request->node != ROOT)
        return ENOENT;
    if (strcmp(request->name, "slow") == 0) {
        sleep_microseconds(SLOW_LOOKUP);
        return answer(request, SLOW);
    }
    if (strcmp(request->name, "patient") == 0) {
        if (!waited) {
            waited = true;
            sleep_microseconds(PATIENT_LOOKUP);
        }
        return answer(request, PATIENT);
    }
    if (strcmp(request->name, "file") == 0)
        return answer(request, SLOW_FILE);
    if (strcmp(request->name, "replaced") == 0) {
        answer(request, REPLACED);
        replaced += replaced == 0;
        return 0;
    }
    return strcmp(request->name, "new") == 0 && new_node ? answer(request, new_node) : ENOENT;
}

static int stat_node(struct file_system_request *request, void *data)
{
    (void)data;
    return answer(request, request->node);
}

static int create(struct file_system_request *request, void *data)
{
    (void)data;
    new_node = SLOW_NEW + life;
    return answer(request, new_node);
}

static int open_node(struct file_system_request *request, void *data)
{
    (void)data;
    if (life == 0 && request->node == new_node)
        process_exit(0);
    return request->node == REPLACED && request->generation != replaced ? ESTALE : 0;
}

static int read(struct file_system_request *request, void *data)
{
    (void)data;
    request->length = 0;
    return 0;
}

static int sync(struct file_system_request *request, void *data)
{
    (void)request;
    (void)data;
    sleep_microseconds(SLOW_SYNC);
    return 0;
}

static int nothing_to_do(struct file_system_request *request, void *data)
{
    (void)request;
    (void)data;
    return 0;
}

int slow_main(void)
{
    static const file_system_operation_t operations[FILE_SYSTEM_METHODS] = {
        [FILE_SYSTEM_MOUNT] = mount, [FILE_SYSTEM_UNMOUNT] = unmount, [FILE_SYSTEM_LOOKUP] = look_up,
        [FILE_SYSTEM_STAT] = stat_node, [FILE_SYSTEM_OPEN] = open_node, [FILE_SYSTEM_CLOSE] = nothing_to_do,
        [FILE_SYSTEM_READ] = read, [FILE_SYSTEM_CREATE] = create, [FILE_SYSTEM_SYNC] = sync,
        [FILE_SYSTEM_STATISTICS] = nothing_to_do,
    };
    life = service_restarts(program_name());
    if (life == 2)
        sleep_microseconds(SLOW_START);
    return file_system_run(operations, false);
}
