/* libserver: all that a service or a program on Postern needs.
 *
 *     #define SUM_METHODS(METHOD) METHOD(SUM_ADD, sum_add, WORD(uint32_t, number), WORD(uint32_t, sum))
 *     METHODS_DECLARE(SUM_METHODS)
 *
 *     static _Atomic uint32_t sum;
 *     static reply_t serve_sum_add(const request_t *rq) { return reply(sum += rq->word); }
 *     static const method_t methods[] = METHODS_TABLE(SUM_METHODS);
 *     int main(void) { return server_run(NULL, methods, COUNT(methods), .workers = 4); }
 *
 * A client includes the first two lines from a header, and calls sum_add(service, 5, &sum). The pool of workers exists before
 * the service is announced; nothing on the request path creates a thread. Idea of the library-owned loop: seL4 microkit; of pools
 * that exist before the first call: QNX and Solaris doors, less their growth on the call path. */
#ifndef SERVER_H
#define SERVER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <postern.h>
#include <lock.h>
#include <system.h> /* one typed function per kernel call, through INT 250 */

/* Elements of an array. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---------------------------------------------------------------- service side */

/* What a worker got; it lies on the worker's stack and is gone after the reply. */
typedef struct request {
    uint32_t word;      /* the DWORD of the call */
    uint32_t method;    /* its number; < count of the method table */
    uint32_t badge;     /* which client: the badge of the handle it called through */
    handle_t handle;    /* a handle that the caller attached, now ours to close; HANDLE_NONE otherwise */
} request_t;

/* Service status and reply DWORD, in EDX:EAX as the compiler returns 64 bits: two registers, no memory. */
typedef uint64_t reply_t;
/* Success with a DWORD. */
static inline reply_t reply(uint32_t word) { return word; }
/* A service status; negative E_* or the service's own positive numbers. */
static inline reply_t reply_error(status_t status) { return (uint64_t)(uint32_t)status << 32; }
/* Success with a DWORD and a handle to be moved to the caller (it needs RIGHT_TRANSFER); the reply goes by INT 250.
 * To be returned by the handler: `return reply_handle(word, handle);`. E_BAD_STATE outside a worker. */
reply_t reply_handle(uint32_t word, handle_t handle);

typedef reply_t (*method_t)(const request_t *request);

enum when_busy { WAIT_IN_QUEUE, REFUSE_BUSY };

struct server_options {
    uint32_t workers;           /* threads in the pool, 1 to 64; 0: 1, or what the list gave as workers=N */
    uint32_t stack;             /* bytes per worker, rounded up to pages; 0: 8 KiB. Each has a guard page below */
    enum when_busy when_busy;   /* what a caller meets when all workers are busy */
    uint32_t client_cap;        /* requests of one badge at a time, those included that their caller has left and that
                                   workers are still at; 0: no cap. A cap costs callers the fast path */
    uint32_t handles;           /* METHODS_HANDLES(list), or ENDPOINT_TAKES_HANDLE(method) | ...: the methods whose callers may
                                   attach a handle, which is then the handler's to close. Sessions need it */
    uint32_t reserve;           /* spare workers kept ready in the background, off the call path; at most 64 in all */
    uint8_t priority;           /* of the workers' own budgets, 0: that of main */
    bool int_gate;              /* workers reply through INT 250 even where SYSENTER is usable: tests, measurements.
                                   int-gate=1 in the list does the same */
    bool count_calls;           /* requests are counted for init's table, at one instruction each.
                                   count-calls = 1 among the list's arguments does the same */
};

/* Creates the pool, announces the service to init, and serves for ever: on this thread and workers - 1 others, or, with a
 * reserve, on `workers` others, which this thread replaces when they die. `name` is the name under which the system list
 * started us, or NULL for just that; any other is E_BAD_ARGUMENT. Returns only on failure, with a negative E_*. The macro takes
 * the options by name, as in .workers = 4; server_run_options() takes their address. */
#define server_run(name, methods, count, ...) \
    server_run_options(name, methods, count, &(const struct server_options){ __VA_ARGS__ })
int server_run_options(const char *name, const method_t *methods, uint32_t count, const struct server_options *options);
/* The same for an endpoint of our own that is not announced: creates the pool and returns. *endpoint gets the handle,
 * with every right. server_start_options() is to this macro what server_run_options() is to server_run(). */
#define server_start(endpoint, methods, count, ...) \
    server_start_options(endpoint, methods, count, &(const struct server_options){ __VA_ARGS__ })
status_t server_start_options(handle_t *endpoint, const method_t *methods, uint32_t count,
                              const struct server_options *options);

/* True when the request being served has lost its caller (death, deadline, cancel): its reply will go nowhere. */
bool request_cancelled(void);

/* A request that no method table covers comes here: its number is out of range, or the entry is NULL. The library's own
 * closes a handle that came with it and answers E_NO_METHOD; a program may define this function to do more (init takes
 * METHOD_FAULT with it). */
reply_t server_unknown_method(const request_t *request);

/* Counters of the pool that serves `endpoint`, in this process. E_NOT_FOUND: no pool of this process does. Requests are
 * not counted here: see .count_calls. */
struct server_statistics {
    uint32_t workers, busy_high;                 /* size, most ever busy at once */
    uint32_t queue, queue_high, waits, refusals; /* of the endpoint: see ENDPOINT_* */
};
status_t server_statistics(handle_t endpoint, struct server_statistics *statistics);

/* ---------------------------------------------------------------- client side */

/* A service that init knows, by name; waits until it is announced. *endpoint gets a handle to call it through.
 * E_NOT_FOUND: no such name in the system list; E_NO_RIGHT: we have it neither in calls= nor in uses=. */
status_t service_find(const char *name, handle_t *endpoint);

/* One call through the better gate: SYSENTER where the machine has it, INT 250 otherwise. Returns the kernel's status
 * if that is not 0, else the service's. *reply is written only on 0. */
status_t service_call(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply);
/* The same, through INT 250 always, with a deadline in microseconds (TIMEOUT_NEVER) and a handle to attach
 * (HANDLE_NONE); *handle, unless NULL, receives a handle that came back. */
status_t service_call_full(handle_t endpoint, uint32_t method, uint32_t word, uint32_t timeout, handle_t attach,
                           uint32_t *reply, handle_t *handle);

/* The two gates bare, for tests and measurements: kernel status returned, *status the service's. */
#include <gates.h> /* gate_call_int(), gate_call_sysenter(), gate_null_int(), gate_null_sysenter() */
#include <methods.h> /* METHODS_DECLARE(), METHODS_TABLE(): one list of methods for both sides */

/* True when this machine's SYSENTER gate may be used. */
bool gate_sysenter_usable(void);

/* ---------------------------------------------------------------- sessions: bulk data in shared memory */

/* A memory object that a client and a service both map, cut into slots of equal size; a DWORD of a call names a slot.
 * The client may change a slot at any time, but cannot take the memory away: a service accepts only irrevocable memory. */
typedef struct session {
    handle_t memory;    /* service: with the rights that the client offered */
    uint8_t *base;
    uint32_t slots, slot_size;
    void *context;      /* the service's own, set in server_session_began() */
} session_t;

#define METHOD_SESSION_OPEN 0 /* by convention method 0 of a service with sessions: server_session_open handles it */

/* Client: creates the memory, maps it, and hands it to the service. slot_size in bytes, a power of two >= 64. `rights`: what
 * the service may do with it beside reading and writing: RIGHT_DMA for devices, RIGHT_TRANSFER is among them always. Waits while
 * the service still works for a process that had our badge and has died. */
status_t session_open(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size, uint32_t rights);
/* Client: hands the memory of a session to the service again, after the service was restarted. */
status_t session_offer(const session_t *session, handle_t endpoint, uint32_t rights);
/* Client: unmaps and closes. The service is told by calling METHOD_SESSION_OPEN with word 0 and no handle. */
void session_close(session_t *session, handle_t endpoint);
/* Either side: address of a slot, NULL when there is no such slot. */
void *session_slot(const session_t *session, uint32_t slot);
/* Service: the method for METHOD_SESSION_OPEN; keeps one session per badge, until the client closes it or dies. The pool must
 * take handles with it. */
reply_t server_session_open(const request_t *request);
/* For a program to define; the library's own do nothing. server_session_began() is called when a session has begun, and anything
 * but OK refuses it; server_session_ended() when it has ended, nobody holds it any more and its memory is about to be unmapped:
 * by a thread of the library's or by a worker. */
status_t server_session_began(uint32_t badge, session_t *session);
void server_session_ended(uint32_t badge, session_t *session);
/* Service: the session of the badge that called, NULL when it has none. It stays until that worker gives it to
 * session_release(); or dies, in a pool with a reserve. */
session_t *session_hold(const request_t *request);
void session_release(session_t *session);

/* Client: a session that outlives its service. After a restart the library offers the same memory to the new instance, at the
 * first call that this one answers with E_BAD_STATE; endpoint, memory and what is in the slots stay, the service's state is gone.
 * The first four members and a made lock are the program's to set. */
struct connection {
    const char *service;
    uint32_t slots, slot_size, rights;  /* as in session_open() */
    status_t (*renewed)(struct connection *connection); /* NULL, or: tells a new instance what it must know before it is called
                                           again. Runs locked. E_PEER_DIED and E_BAD_STATE: it has ended as well */
    struct lock lock;
    handle_t endpoint;
    session_t session;
    uint32_t generation;                /* which session this is, the first being 1; 0: there was none yet */
};

/* Finds the service and opens the session, unless that was done before. */
status_t connection_open(struct connection *connection);
/* What connection_call() does when the service knows of no session that `generation` opened: opens one and calls again. */
status_t connection_renew(struct connection *connection, uint32_t generation, uint32_t method, uint32_t word, uint32_t *reply);
/* Calls the service. E_PEER_DIED: it ended in the middle, and may have done what was asked, or not. */
static inline status_t connection_call(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply)
{
    uint32_t generation = connection->generation;
    status_t status = service_call(connection->endpoint, method, word, reply);
    return status == E_BAD_STATE ? connection_renew(connection, generation, method, word, reply) : status;
}
/* The same for a request that may be made twice: it is, a few times. */
status_t connection_repeat(struct connection *connection, uint32_t method, uint32_t word, uint32_t *reply);

/* ---------------------------------------------------------------- process side */

/* Text to the log service if we use it (servers/log/log.h), else to the kernel's log; %s %c %d %u %x %p with width, zero padding
 * and '-'. One call writes its text unmixed. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same text into memory, without a 0 at its end; what does not fit is left out. Returns how many bytes there are. */
uint32_t text_format(char *to, uint32_t size, const char *format, va_list *arguments);
/* Value of key=value in our line of the system list; NULL when absent. argument_number: decimal or 0x, up to the first
 * character that is no digit; `otherwise` when absent. */
const char *argument(const char *key);
uint32_t argument_number(const char *key, uint32_t otherwise);
/* Our name in the system list. */
const char *program_name(void);
/* Handles that every program has: self_process(), its own process, and init_endpoint(), where init serves. */
handle_t self_process(void);
handle_t init_endpoint(void);
/* Handle of a resource that our section of the system list names: "ports", "irq" or "device-memory"; startup_handle_at() has the
 * n-th with this key, from 0. HANDLE_NONE: it was not given. */
handle_t startup_handle(const char *key);
handle_t startup_handle_at(const char *key, uint32_t n);
/* Ends this process. */
_Noreturn void process_exit(uint32_t code);
/* Ends the machine: init writes the code to the emulator's exit port, or powers off. Without control = true it ends this process
 * alone. */
_Noreturn void machine_exit(uint32_t code);
/* Zeroed memory in whole pages, mapped read-write with an unmapped guard page on both sides; NULL when the quota is
 * used up. pages_free() wants the same size. */
void *pages_allocate(uint32_t bytes);
void pages_free(void *address, uint32_t bytes);
/* Maps the first pages of a memory object at a free address of ours, with such guard pages too. pages 0: E_NO_MEMORY. */
status_t pages_map(handle_t memory, uint32_t pages, uint32_t protection, void **address);
/* Undoes it. */
void pages_unmap(void *address, uint32_t pages);
/* Size in pages of memory that a client has given us. E_BAD_TYPE: it is none, or the client could revoke it while we use it. */
status_t memory_given(handle_t memory, uint32_t *pages);
/* A free range of `pages` pages of our address space for mapping; nothing is mapped, and nothing ever will be in the
 * page below and the page above. 0 when none is left. */
uint32_t address_reserve(uint32_t pages);
/* Takes the range back; its mappings must be gone. */
void address_release(uint32_t address, uint32_t pages);
/* Sleeps. E_NO_MEMORY: no notification to be had to sleep on. */
status_t sleep_microseconds(uint32_t microseconds);
/* A new thread of this process that runs function(argument) on its own guarded stack, started; ends when it returns,
 * and its stack is freed when the next one is made. One that is destroyed leaves its stack behind. *thread is the
 * caller's to close. priority 0: that of main. */
status_t thread_spawn(void (*function)(void *), void *argument, uint8_t priority, handle_t *thread);
/* Error text of a status ("E_BUSY: all workers are busy ..."). */
const char *status_text(status_t status);
/* Time stamp counter. */
static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* memcpy, memmove, memset, memcmp, strlen, strcmp, strncmp are there with their standard meaning. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);

#endif
