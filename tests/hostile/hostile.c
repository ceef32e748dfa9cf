/* hostile: a service that does what a service must not do, on request. See hostile.h. */
#include "hostile.h"

#include <init.h>

#include "servers/log/log.h"
#include "tests/guest/child.h"

#define EATEN_MAX 200u
#define LOW_PRIORITY 8u
#define STACK_WORDS 2500u
#define REPORT_STARTS 50u /* microseconds */

static reply_t echo(const request_t *rq) { return reply(rq->word); }

static reply_t end_process(const request_t *rq)
{
    process_exit(rq->word + 9);
}

static reply_t fault(const request_t *rq)
{
    *(volatile uint32_t *)0 = rq->word;
    return reply(0);
}

/* Workers' stacks are two pages, and this frame is on the upper one. */
static reply_t unmap_stack(const request_t *rq)
{
    uint32_t top = ((uint32_t)rq | (PAGE_SIZE - 1)) + 1;
    process_unmap(HANDLE_NONE, top - 2 * PAGE_SIZE, 2);
    return reply(*(volatile uint32_t *)(top - 4));
}

static reply_t stay_silent(const request_t *rq)
{
    while (sleep_microseconds(TIMEOUT_NEVER) == OK)
        continue;
    return reply(rq->word);
}

/* Replies by itself, with the given state at the gate; then the worker loop is back in step: what comes next through SYSENTER
 * is received by the loop, and what comes through INT 250 is answered like an echo by returning. */
static reply_t garbage(const request_t *rq)
{
    static const uint32_t flags[] = { 0x400, 0x4000, 0x40000, 0x44400 };
    uint32_t kind = rq->word % HOSTILE_GARBAGE_KINDS;
    bool by_sysenter = gate_sysenter_usable() && kind % 2;
    struct raw raw = { .eax = by_sysenter ? (uint32_t)OP_REPLY_WAIT : SYS_reply_wait, .ebx = rq->word + 1, .ecx = 0xBAD1,
                       .edx = 0xBAD2, .esi = OK, .edi = by_sysenter ? 0xBAD3 : HANDLE_NONE, .ebp = 0xBAD4,
                       .eflags = 0x202 | flags[kind % COUNT(flags)], .segments = 0, .mask = kind / 2 % 2 ? 15 : 0 };
    (by_sysenter ? raw_sysenter : raw_int)(&raw);
    return reply(raw.ebx);
}

static reply_t attach_nothing(const request_t *rq)
{
    return reply_handle(rq->word, 0x7FFFFFE0);
}

static volatile struct {
    uint32_t done;
    status_t status;
} forged;

static void forge_reply(void *argument)
{
    struct message message = { .word = 666, .status = OK, .handle = HANDLE_NONE };
    (void)argument;
    forged.status = ipc_reply_wait(&message);
    forged.done = 1;
}

static reply_t forge(const request_t *rq)
{
    handle_t thread;
    (void)rq;
    forged.done = 0;
    status_t status = thread_spawn(forge_reply, NULL, 0, &thread);
    if (status != OK)
        return reply_error(status);
    for (uint32_t i = 0; i < 1000 && !forged.done; i++)
        sleep_microseconds(1000);
    handle_close(thread);
    return reply((uint32_t)forged.status);
}

/* Handles, methods and operations that cannot be good; none may come back as a success. */
static bool is_refused(handle_t endpoint, bool by_sysenter, uint32_t kind)
{
    static const uint32_t bad_methods[] = { 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    handle_t handle = kind % 3 == 0 ? endpoint : endpoint ^ (0x8000u << kind % 15);
    struct raw raw = { .eax = by_sysenter ? handle : SYS_call, .ebx = kind, .ecx = handle, .edx = TIMEOUT_NEVER,
                       .esi = bad_methods[kind % COUNT(bad_methods)], .edi = by_sysenter ? kind : HANDLE_NONE, .ebp = kind,
                       .eflags = 0x202 | (kind & 1 ? 0x4400 : 0), .segments = 0, .mask = kind % 16 };
    (by_sysenter ? raw_sysenter : raw_int)(&raw);
    return raw.eax != OK || raw.esi != OK;
}

static reply_t call_back(const request_t *rq)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < HOSTILE_CALLS_BACK; i++)
        refused += is_refused(rq->handle, rq->word, i);
    handle_close(rq->handle);
    return reply(refused);
}

static reply_t eat(const request_t *rq)
{
    static handle_t eaten[EATEN_MAX];
    uint32_t count = 0;
    (void)rq;
    while (count < EATEN_MAX && memory_create(1, 0, &eaten[count]) == OK)
        count++;
    for (uint32_t i = 0; i < count; i++)
        handle_close(eaten[i]);
    return reply(count);
}

static reply_t ask_init(const request_t *rq)
{
    handle_t handle = HANDLE_NONE;
    uint32_t method = rq->word & 0xFF, word = method == INIT_FIND ? name_hash("echo", NAME_HASH_ASK) : rq->word >> 8;
    status_t status = service_call_full(init_endpoint(), method, word, TIMEOUT_NEVER, HANDLE_NONE, NULL, &handle);
    handle_close(handle);
    return reply((uint32_t)status);
}

static reply_t call_nothing(const request_t *rq)
{
    uint32_t (*volatile nothing)(uint32_t word) = NULL;
    return reply(nothing(rq->word) + 1);
}

static __attribute__((noinline)) uint32_t descend(uint32_t levels)
{
    volatile uint32_t frame[8] = { levels };
    return levels ? descend(levels - 1) + frame[levels % 8] : 0;
}

static reply_t overflow(const request_t *rq) { return reply(descend(rq->word | 0x10000)); }

/* With much on the stack for init to look through. */
static void fault_slowly(void *unused)
{
    volatile uint32_t words[STACK_WORDS];
    (void)unused;
    for (uint32_t i = 0; i < STACK_WORDS; i++)
        words[i] = 0;
    *(volatile uint32_t *)0 = words[0];
}

/* The other one's report is under way when this thread, of a higher priority, wakes up. The end of the child makes init's main
 * thread wait for the end of that report before ours does. */
static reply_t fault_twice(const request_t *rq)
{
    handle_t thread, process;
    if (!hostile_spawn_tiny(&process))
        return reply_error(E_NO_MEMORY);
    status_t status = thread_spawn(fault_slowly, NULL, LOW_PRIORITY, &thread);
    if (status != OK)
        return reply_error(status);
    sleep_microseconds(REPORT_STARTS);
    process_destroy(process, 0);
    return fault(rq);
}

static reply_t forward(const request_t *rq);

static const method_t methods[HOSTILE_METHODS] = {
    [HOSTILE_ECHO] = echo,           [HOSTILE_EXIT] = end_process,    [HOSTILE_FAULT] = fault,
    [HOSTILE_UNMAP_STACK] = unmap_stack, [HOSTILE_SILENT] = stay_silent, [HOSTILE_GARBAGE] = garbage,
    [HOSTILE_BAD_HANDLE] = attach_nothing, [HOSTILE_FORGE] = forge,   [HOSTILE_CALL_BACK] = call_back,
    [HOSTILE_EAT] = eat,             [HOSTILE_ASK_INIT] = ask_init,
    [HOSTILE_PRINT] = hostile_print, [HOSTILE_READ_LOG] = hostile_read_log, [HOSTILE_LOG_WRONGLY] = hostile_log_wrongly,
    [HOSTILE_NULL_CALL] = call_nothing, [HOSTILE_OVERFLOW] = overflow, [HOSTILE_FORWARD] = forward,
    [HOSTILE_FAULT_TWICE] = fault_twice,
};

static reply_t forward(const request_t *rq)
{
    const char *name = argument("next");
    handle_t next;
    uint32_t answer = 0;
    if (!name)
        return methods[rq->word % HOSTILE_FORWARD](rq);
    status_t status = service_find(name, &next);
    if (status != OK)
        return reply_error(status);
    status = service_call(next, HOSTILE_FORWARD, rq->word, &answer);
    handle_close(next);
    return status == OK ? reply(answer) : reply_error(status);
}

/* In place of the log: it takes sessions, and never finishes its first line. */
static const method_t stuck[] = { [LOG_SESSION] = server_session_open, [LOG_WRITE] = stay_silent };

int main(void)
{
    if (argument("0"))
        return hostile_child();
    if (argument("stuck"))
        return server_run(NULL, stuck, COUNT(stuck), .workers = 1, .handles = METHODS_HANDLES(LOG_METHODS));
    return server_run(NULL, methods, HOSTILE_METHODS, .workers = 4, .reserve = argument_number("reserve", 0),
                      .handles = ENDPOINT_TAKES_HANDLES);
}
