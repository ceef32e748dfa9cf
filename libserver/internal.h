/* What the library's files tell each other and nobody else. */
#ifndef LIBSERVER_INTERNAL_H
#define LIBSERVER_INTERNAL_H

#include <server.h>
#include <startup.h>

/* Guards the address ranges and the lists of pools, sessions and spawned threads. Never held over a call to a service. */
extern struct lock library_lock;
/* Keeps lines of text in one piece, over the call to the log service too, which calls nobody. */
extern struct lock print_lock;
/* Writes text where print() does; the lock is held. */
void output_write(const char *text, uint32_t bytes);

/* The page that init made for us. Weak: init itself, which has none, defines it to return what it knows. */
const struct startup *startup_page(void);
uint32_t startup_priority(void);
handle_t startup_endpoint(void);
/* Not in init, which nobody watches. */
static inline struct startup_statistics *startup_statistics(void) { return (struct startup_statistics *)STATISTICS_ADDRESS; }

/* Runs main() and ends the process. */
_Noreturn void program_main(void);
/* service_find() that does not wait: E_BUSY while the service is starting. */
status_t service_ask(const char *name, handle_t *endpoint);

void gates_init(void);
void memory_init(void);
/* For a pool that takes handles, before its first client. */
status_t sessions_init(void);

/* Maps new zeroed pages read-write at a free address. */
status_t memory_map_new(uint32_t address, uint32_t pages);
/* Pages that hold so many bytes; 0 when there are none, or more than the address space has. */
uint32_t pages_of(uint32_t bytes);

/* Names the stack that an address lies on, that of a worker or of a spawned thread; NULL: of none of them, so of the first
 * thread. A thread is known by its stack. */
const void *stack_of(uint32_t address);
/* The worker's alone. */
const void *worker_stack_of(uint32_t address);

/* Which pool a request came to; it lies on a worker's stack. */
const void *request_pool(const request_t *request);
/* Where it stands which session the worker on whose stack `address` lies holds. */
session_t **pool_held(const void *pool, uint32_t address);
/* What the session's holder can no longer do. */
void session_abandon(session_t *session);

/* session_open() of a service that may be stuck: each of its two calls has a deadline in microseconds. E_BUSY: it still works for
 * an earlier life of ours. */
status_t session_open_soon(session_t *session, handle_t endpoint, uint32_t slots, uint32_t slot_size, uint32_t timeout);
/* session_close() that tells nobody. */
void session_drop(session_t *session);
/* Client: makes the memory, which is not offered yet. */
status_t session_create(session_t *session, uint32_t slots, uint32_t slot_size);
/* Client: the word of METHOD_SESSION_OPEN with which the memory goes to the service. */
uint32_t session_word(const session_t *session);
/* Service: maps the memory that came with such a word. E_BAD_ARGUMENT: it is too small, or of no good shape. */
status_t session_take(const request_t *request, session_t *session);
/* Undoes it; the handle stays. */
void session_unmap(session_t *session);

#endif
