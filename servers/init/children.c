/* Children: processes that programs start. init gives them numbers, watches them, and ends them when asked to. */
#include "service.h"

#define CHILDREN_MAX 64u        /* of one service and those that descend from it: others have children too */
#define UNBORN_MAX 4u           /* of one parent: numbers cost it nothing */
#define NUMBER_LAST 0x7FFFFFFFu /* badges are no larger */
#define EXIT_CODE_KILLED ((uint32_t)E_CANCELLED)

static bool is_unborn(const struct process *process, uint32_t parent)
{
    return entry_of(process)->number && entry_of(process)->parent == parent && process->handle == HANDLE_NONE &&
           !is_service(process);
}

static uint32_t count_unborn(uint32_t parent)
{
    uint32_t count = 0;
    for (const struct process *process = processes; process < &processes[PROCESSES_MAX]; process++)
        count += is_unborn(process, parent);
    return count;
}

static uint32_t count_children(const struct service *service)
{
    uint32_t count = 0;
    for (const struct process *process = &processes[service_count]; process < &processes[PROCESSES_MAX]; process++)
        count += process->service == service;
    return count;
}

/* A place has another number each time that it is used, so that nobody is taken for its predecessor. */
static uint32_t next_number(const struct process *process)
{
    static uint32_t numbers[PROCESSES_MAX];
    uint32_t place = (uint32_t)(process - processes), last = numbers[place];
    numbers[place] = last && last <= NUMBER_LAST - PROCESSES_MAX ? last + PROCESSES_MAX : place + 1;
    return numbers[place];
}

static struct process *free_place(void)
{
    for (struct process *process = &processes[service_count]; process < &processes[PROCESSES_MAX]; process++)
        if (entry_of(process)->number == 0)
            return process;
    return NULL;
}

reply_t serve_init_child(const request_t *rq)
{
    const struct process *parent = process_of_number(rq->badge);
    struct process *child = free_place();
    handle_t badged;
    if (!parent)
        return reply_error(E_BAD_STATE);
    if (!child || count_unborn(rq->badge) >= UNBORN_MAX || count_children(parent->service) >= CHILDREN_MAX)
        return reply_error(E_BUSY);
    uint32_t number = next_number(child);
    status_t status = handle_duplicate(self_endpoint, RIGHT_CALL | RIGHT_TRANSFER, number, &badged);
    if (status != OK)
        return reply_error(status);
    *child = (struct process){ .service = parent->service };
    *entry_of(child) = (struct process_entry){ .number = number, .parent = rq->badge, .state = PROCESS_STARTING };
    return reply_handle(number, badged);
}

/* From its startup page; what cannot be shown is not. */
static status_t read_name(handle_t process, struct process_entry *entry)
{
    uint32_t words[sizeof(entry->name) / 4];
    for (uint32_t i = 0; i < COUNT(words); i++) {
        status_t status = process_read_word(process, STARTUP_ADDRESS + offsetof(struct startup, name) + i * 4, &words[i]);
        if (status != OK)
            return status;
    }
    memcpy(entry->name, words, sizeof(words));
    entry->name[STARTUP_NAME - 1] = '\0';
    for (char *letter = entry->name; *letter; letter++)
        if (*letter <= ' ' || *letter > '~')
            *letter = '?';
    return OK;
}

static status_t take(struct process *child, handle_t process)
{
    uint32_t type, rights;
    status_t status = handle_info(process, &type, &rights);
    if (status != OK || type != TYPE_PROCESS)
        return E_BAD_TYPE;
    status = read_name(process, entry_of(child));
    if (status == OK)
        status = process_watch(process, events, 1);
    return status;
}

/* Without a handle, the number is given back. */
reply_t serve_init_adopt(const request_t *rq)
{
    struct process *child = process_of_number(rq->badge);
    status_t status = E_BAD_STATE;
    if (child && !is_service(child) && child->handle == HANDLE_NONE) {
        status = rq->handle == HANDLE_NONE ? OK : take(child, rq->handle);
        if (rq->handle == HANDLE_NONE) {
            child_forget(child);
        } else if (status == OK) {
            child->handle = rq->handle;
            entry_of(child)->state = PROCESS_RUNNING;
            return reply(0);
        }
    }
    if (rq->handle != HANDLE_NONE)
        handle_close(rq->handle);
    return reply_error(status);
}

reply_t serve_init_kill(const request_t *rq)
{
    const struct process *target = process_of_number(rq->word);
    if (!may_control(rq))
        return reply_error(E_NO_RIGHT);
    if (!target || target->handle == HANDLE_NONE)
        return reply_error(E_NOT_FOUND);
    return reply_error(process_destroy(target->handle, EXIT_CODE_KILLED));
}

void child_forget(struct process *child)
{
    if (child->handle != HANDLE_NONE)
        handle_close(child->handle);
    *child = (struct process){ 0 };
    *entry_of(child) = (struct process_entry){ 0 };
}

void children_forget(struct process *parent)
{
    for (struct process *process = processes; process < &processes[PROCESSES_MAX]; process++)
        if (is_unborn(process, entry_of(parent)->number))
            child_forget(process);
}
