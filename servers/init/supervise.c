/* Which service starts when: in order, each when what it needs is there, and again when it has ended. */
#include "service.h"

/* Restarts: the first at once, then with a delay that doubles, and no more than so many within a minute. */
#define DELAY_FIRST 100u
#define DELAY_LAST 5000u
#define RESTARTS_MAX 10u
#define MINUTE 60000u

static uint32_t uptime(void)
{
    uint32_t milliseconds = 0;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return milliseconds;
}

static struct service *service_of(const struct process *process)
{
    return &services[process - processes];
}

/* ---- ends ---- */

static uint32_t next_delay(const struct service *service)
{
    uint32_t delay = service->lately ? DELAY_FIRST << (service->lately - 1) : 0;
    return delay < DELAY_LAST ? delay : DELAY_LAST;
}

/* False: it stays ended. */
static bool plan_restart(struct process *process)
{
    struct service *service = service_of(process);
    uint32_t time = uptime();
    if (!service->restarts)
        return false;
    if (service->at_once || time - service->lately_since >= MINUTE)
        service->lately = 0;
    if (service->lately == RESTARTS_MAX) {
        tell("%s has ended too often: %u restarts within a minute; given up\n", entry_of(process)->name, RESTARTS_MAX);
        return false;
    }
    if (service->lately == 0)
        service->lately_since = time;
    service->due = time + next_delay(service);
    tell("%s starts again in %u ms\n", entry_of(process)->name, next_delay(service));
    service->lately++;
    entry_of(process)->restarts++;
    entry_of(process)->state = PROCESS_WAITING;
    return true;
}

static void drop_process(struct process *process)
{
    if (process->handle == HANDLE_NONE)
        return;
    process_destroy(process->handle, 0);
    handle_close(process->handle);
    process->handle = HANDLE_NONE;
}

/* Callers that wait at the endpoint wait for the next instance; without the endpoint's last handle to serve through, they get
 * E_PEER_DIED. */
static void end(struct process *process, uint32_t code)
{
    drop_process(process);
    if (plan_restart(process))
        return;
    entry_of(process)->state = PROCESS_ENDED;
    handle_close(process->endpoint);
    process->endpoint = HANDLE_NONE;
    if (process->service->essential) {
        report_add(REPORT_NEXT "the machine ends with it\n");
        machine_end(code);
    }
    report_add(REPORT_NEXT "it stays ended; whoever calls it gets E_PEER_DIED\n");
}

/* A program that just ends, with 0, has nothing to say. */
static void end_service(struct process *process)
{
    const struct process_entry *entry = entry_of(process);
    uint32_t code = 0;
    process_info(process->handle, PROCESS_EXIT_CODE, &code);
    if (code != 0 || entry->state == PROCESS_RUNNING || process->service->restarts)
        tell_end(process, code);
    end(process, code);
}

void process_collect(struct process *process)
{
    uint32_t alive = 1;
    if (process->handle == HANDLE_NONE || process_info(process->handle, PROCESS_ALIVE, &alive) != OK || alive)
        return;
    children_forget(process);
    if (is_service(process))
        end_service(process);
    else
        child_forget(process);
}

void processes_collect(void)
{
    for (struct process *process = processes; process < &processes[PROCESSES_MAX]; process++)
        process_collect(process);
}

/* ---- starts ---- */

/* Whoever uses all services looks them up when it needs them. Those behind it in the list are not waited for either, since
 * they may wait for it. */
static bool is_provided(const struct process *process)
{
    if (may_look_up(process->service, "*"))
        return true;
    for (const struct process *other = processes; other < process; other++) {
        uint32_t state = entry_of(other)->state;
        if ((state == PROCESS_WAITING || state == PROCESS_STARTING) && may_look_up(process->service, entry_of(other)->name))
            return false;
    }
    return true;
}

static void start(struct process *process)
{
    entry_of(process)->state = PROCESS_STARTING;
    const char *wrong = service_start(process);
    if (!wrong)
        return;
    print("init: cannot start %s: program \"%s\": %s\n", entry_of(process)->name, process->service->program->name, wrong);
    end(process, 1);
}

void services_prepare(void)
{
    for (uint32_t i = 0; i < service_count; i++) {
        processes[i].service = &services[i];
        table->entries[i].number = i + 1;
        table->entries[i].state = PROCESS_WAITING;
        services[i].due = uptime();
    }
}

/* Microseconds until the service may start, if it has not; TIMEOUT_NEVER: not before something else happens. */
static uint32_t start_if_due(struct process *process)
{
    while (entry_of(process)->state == PROCESS_WAITING && is_provided(process)) {
        int32_t left = (int32_t)(service_of(process)->due - uptime());
        if (left > 0)
            return (uint32_t)left * 1000;
        start(process);
    }
    return TIMEOUT_NEVER;
}

uint32_t services_start(void)
{
    uint32_t soonest = TIMEOUT_NEVER;
    for (struct process *process = processes; is_service(process); process++) {
        uint32_t left = start_if_due(process);
        soonest = left < soonest ? left : soonest;
    }
    return soonest;
}
