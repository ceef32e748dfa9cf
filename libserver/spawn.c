/* Programs started by programs: the parent does all the work, init gives it a number and watches. */
#include "internal.h"

#include <init.h>
#include <program.h>
#include <spawn.h>

#define INDEX_DIGITS 12u

/* A parent on its way: what it holds until the child runs. */
struct birth {
    const struct spawn *spawn;
    struct child *child;
    handle_t init;              /* init's endpoint, with the child's badge */
    struct startup *page;
};

static uint8_t priority_of(const struct spawn *spawn)
{
    return spawn->priority ? spawn->priority : (uint8_t)startup_priority();
}

/* ---- what the child is told ---- */

/* "12=", at the end of the buffer. */
static const char *index_prefix(char buffer[INDEX_DIGITS], uint32_t index)
{
    uint32_t at = INDEX_DIGITS - 1;
    buffer[at] = '\0';
    buffer[--at] = '=';
    do
        buffer[--at] = (char)('0' + index % 10);
    while ((index /= 10) != 0);
    return &buffer[at];
}

static status_t add_arguments(struct birth *birth)
{
    char buffer[INDEX_DIGITS];
    status_t status = OK;
    for (uint32_t i = 0; birth->spawn->arguments[i] && status == OK; i++)
        status = startup_add_argument(birth->page, index_prefix(buffer, i), birth->spawn->arguments[i],
                                      strlen(birth->spawn->arguments[i]));
    const char *const *environment = birth->spawn->environment;
    for (uint32_t i = 0; environment && environment[i] && status == OK; i++)
        status = startup_add_argument(birth->page, "", environment[i], strlen(environment[i]));
    return status;
}

/* ---- init ---- */

/* In place of what program_spawn keeps, init gets a handle that can only be looked at and ended. */
static status_t adopt(const struct birth *birth)
{
    handle_t offered;
    status_t status = handle_duplicate(birth->child->process, RIGHT_READ | RIGHT_CONTROL | RIGHT_TRANSFER, 0, &offered);
    if (status != OK)
        return status;
    status = init_adopt(birth->init, offered);
    if (status != OK)
        handle_close(offered); /* it may have gone to init, which is as good */
    return status;
}

static void disown(const struct birth *birth)
{
    init_adopt(birth->init, HANDLE_NONE);
}

/* ---- the child ---- */

static const char *fill(struct birth *birth)
{
    const struct spawn *spawn = birth->spawn;
    const struct program_image image = { spawn->image, spawn->size, HANDLE_NONE };
    uint32_t entry;
    status_t status = startup_begin(birth->page, spawn->name, priority_of(spawn), birth->child->process, birth->init,
                                    HANDLE_NONE);
    if (status != OK)
        return status_text(status);
    if (add_arguments(birth) != OK)
        return "has more arguments than its startup page holds";
    const char *wrong = program_load(birth->child->process, &image, birth->page, &entry);
    if (wrong)
        return wrong;
    status = adopt(birth); /* before its first instruction, which may fault */
    if (status == OK)
        status = program_run(birth->child->process, entry, priority_of(spawn));
    return status == OK ? NULL : status_text(status);
}

/* The badge of the supervisor's handle is the child's number: nobody else can report a fault in its name. */
static const char *create(struct birth *birth)
{
    const struct spawn *spawn = birth->spawn;
    if (spawn->quota_kib > UINT32_MAX / 1024)
        return status_text(E_NO_MEMORY);
    status_t status = process_create(spawn->quota_kib * 1024, birth->init, birth->child->number, priority_of(spawn),
                                     &birth->child->process);
    if (status != OK)
        return status_text(status);
    const char *wrong = fill(birth);
    if (wrong) {
        process_destroy(birth->child->process, 0);
        handle_close(birth->child->process);
    }
    return wrong;
}

const char *program_spawn(const struct spawn *spawn, struct child *child)
{
    struct birth birth = { .spawn = spawn, .child = child, .page = pages_allocate(PAGE_SIZE) };
    if (!birth.page)
        return status_text(E_NO_MEMORY);
    const char *wrong;
    status_t status = init_child(init_endpoint(), &child->number, &birth.init);
    if (status == OK) {
        wrong = create(&birth);
        if (wrong)
            disown(&birth);
        handle_close(birth.init);
    } else {
        wrong = status_text(status);
    }
    pages_free(birth.page, PAGE_SIZE);
    return wrong;
}
