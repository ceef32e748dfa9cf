/* What objects take: so many are made, and then it is seen how much more of the quota is used and how many frames fewer are
 * free, divided by their number. What is taken may be more: a page of objects has a rest, which is nobody's. */
#include "measure.h"

#define OBJECTS 128u
#define HANDLES 512u
#define PROCESSES 16u
#define PROCESS_QUOTA (64u * 1024u)
#define SERVICES 8u
#define WORKERS 16u
#define SESSIONS 8u
#define SLOT_SIZE 4096u
#define MAPPINGS_ADDRESS 0x40000000u
#define PRIORITY 1

struct account {
    uint32_t charged, frames;
};

static handle_t made[HANDLES];

static uint32_t used_by(handle_t process)
{
    uint32_t used;
    must("process_info", process_info(process, PROCESS_QUOTA_USED, &used));
    return used;
}

static struct account balance(void)
{
    return (struct account){ used_by(self_process()), info(INFO_FRAMES_FREE) };
}

/* Since `before`, for each of `count`. */
static void tell(const char *name, const struct account *before, uint32_t count)
{
    char figure[FIGURE_NAME];
    struct account now = balance();
    report_value(figure_name(figure, "memory/%s/charged", name), (now.charged - before->charged) / count);
    report_value(figure_name(figure, "memory/%s/taken", name), (before->frames - now.frames) * PAGE_SIZE / count);
}

static void close_made(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        handle_close(made[i]);
}

/* ---- objects of the kernel ---- */

static status_t make_handle(handle_t *handle)
{
    return handle_duplicate(self_process(), RIGHT_READ, 0, handle);
}

static status_t make_thread(handle_t *thread)
{
    return thread_create(HANDLE_NONE, (uint32_t)make_thread, MAPPINGS_ADDRESS, 0, PRIORITY, thread);
}

static status_t make_endpoint(handle_t *endpoint)
{
    return endpoint_create(0, 0, endpoint);
}

static void account_for(const char *name, status_t (*make)(handle_t *), uint32_t count)
{
    struct account before = balance();
    for (uint32_t i = 0; i < count; i++)
        must(name, make(&made[i]));
    tell(name, &before, count);
}

static void account_for_threads(void)
{
    account_for("thread", make_thread, OBJECTS);
    for (uint32_t i = 0; i < OBJECTS; i++)
        thread_destroy(made[i]);
    close_made(OBJECTS);
}

/* What a process uses is charged to itself. */
static void account_for_processes(void)
{
    struct account before = balance();
    for (uint32_t i = 0; i < PROCESSES; i++) {
        must("process", process_create(PROCESS_QUOTA, HANDLE_NONE, 0, PRIORITY, &made[i]));
        before.charged -= used_by(made[i]);
    }
    tell("process", &before, PROCESSES);
    for (uint32_t i = 0; i < PROCESSES; i++)
        process_destroy(made[i], 0);
    close_made(PROCESSES);
}

/* One page, again and again at the next address. */
static void account_for_mappings(void)
{
    handle_t page;
    must("memory_create", memory_create(1, 0, &page));
    struct account before = balance();
    for (uint32_t i = 0; i < OBJECTS; i++)
        must("mapping", process_map(HANDLE_NONE, page, MAPPINGS_ADDRESS + i * PAGE_SIZE, PROTECT_READ, 0, 1));
    tell("mapping", &before, OBJECTS);
    for (uint32_t i = 0; i < OBJECTS; i++)
        process_unmap(HANDLE_NONE, MAPPINGS_ADDRESS + i * PAGE_SIZE, 1);
    handle_close(page);
}

/* ---- what the library makes ---- */

static const method_t methods[] = { server_session_open };

static status_t make_service(handle_t *endpoint)
{
    return server_start(endpoint, methods, COUNT(methods), .workers = 1, .handles = ENDPOINT_TAKES_HANDLE(METHOD_SESSION_OPEN));
}

/* The further workers of a service, which comes with its first. */
static void account_for_workers(void)
{
    struct account before = balance(), with_one;
    must("service", make_service(&made[0]));
    with_one = balance();
    before.charged += 2 * (with_one.charged - before.charged);
    before.frames -= 2 * (before.frames - with_one.frames);
    must("workers", server_start(&made[1], methods, COUNT(methods), .workers = 1 + WORKERS));
    tell("worker", &before, WORKERS);
}

/* Client and service are both this process; a session belongs to a badge. */
static void account_for_sessions(handle_t service)
{
    static session_t sessions[SESSIONS];
    for (uint32_t i = 0; i < SESSIONS; i++)
        must("badge", handle_duplicate(service, RIGHT_CALL | RIGHT_TRANSFER, i + 1, &made[i]));
    struct account before = balance();
    for (uint32_t i = 0; i < SESSIONS; i++)
        must("session", session_open(&sessions[i], made[i], 1, SLOT_SIZE, 0));
    tell("session", &before, SESSIONS);
    for (uint32_t i = 0; i < SESSIONS; i++)
        session_close(&sessions[i], made[i]);
    close_made(SESSIONS);
}

/* The handles come first: after them the table has room, and the others' accounts are without it. */
void measure_footprint(void)
{
    account_for("handle", make_handle, HANDLES);
    close_made(HANDLES);
    account_for("endpoint", make_endpoint, OBJECTS);
    close_made(OBJECTS);
    account_for("notification", notification_create, OBJECTS);
    close_made(OBJECTS);
    account_for_threads();
    account_for_processes();
    account_for_mappings();
    handle_t service;
    must("service", make_service(&service)); /* the first brings the thread that watches clients die */
    account_for("service", make_service, SERVICES);
    account_for_sessions(service);
    account_for_workers();
}
