/* One typed function per kernel call, in the order of abi/syscalls.def. Gate: INT 250, for all of them.
 *
 * Every function returns OK or a negative E_*; what a call yields comes back through a pointer that is written only on
 * OK. A `process` argument may be HANDLE_NONE, which names the calling process, unless a comment says otherwise. Errors
 * that any call can give are not repeated: E_BAD_HANDLE, E_BAD_TYPE and E_NO_RIGHT for a handle argument, E_BAD_STATE
 * for a process or a thread that has ended. A call that changes an object wants RIGHT_CONTROL where nothing is said. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdint.h>

#include <postern.h>

#include <int250.h> /* system_call(), system_message() */

/* A call whose result word is of no interest. */
SYSTEM_INLINE status_t system_command(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    uint32_t ignored;
    return system_call(number, a, b, c, d, e, &ignored);
}

/* A call whose result is passed on only when it is good. */
SYSTEM_INLINE status_t system_query(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
                                    uint32_t *result)
{
    uint32_t value;
    status_t status = system_call(number, a, b, c, d, e, &value);
    if (status == OK)
        *result = value;
    return status;
}

/* Enters and leaves the kernel. */
SYSTEM_INLINE status_t system_null(void) { return system_command(SYS_null, 0, 0, 0, 0, 0); }

/* ---------------------------------------------------------------- calls and replies */

/* Calls a service: *message is the request (word, method, handle to move or HANDLE_NONE) and becomes the reply (word,
 * status, handle). The attached handle needs RIGHT_TRANSFER and is gone from our table once a worker has it; or
 * HANDLE_ACCEPT into it to take a handle from the reply. timeout in microseconds, TIMEOUT_NEVER: no deadline.
 * E_BUSY, E_TIMED_OUT, E_CANCELLED, E_PEER_DIED, E_DEADLOCK, E_NO_MEMORY (the handle did not fit). */
SYSTEM_INLINE status_t ipc_call(handle_t endpoint, uint32_t timeout, struct message *message)
{
    return system_message(SYS_call, endpoint, timeout, message);
}

/* Replies with *message (word, status, handle to move or HANDLE_NONE) and waits for the next request, which *message
 * becomes. Returns the badge of its caller, or an error with message->method 0xFFFFFFFF: E_NO_CALLER, E_CANCELLED. */
SYSTEM_INLINE status_t ipc_reply_wait(struct message *message)
{
    return system_message(SYS_reply_wait, 0, 0, message);
}

/* Becomes a worker of the endpoint (RIGHT_SERVE) and waits for a request. Returns the badge of its caller or an error
 * with message->method 0xFFFFFFFF: E_BAD_STATE while a request is being served, E_CANCELLED. Such a worker replies through
 * INT 250: it names no place at which to receive through SYSENTER. */
SYSTEM_INLINE status_t ipc_wait(handle_t endpoint, struct message *message)
{
    return system_message(SYS_wait, endpoint, 0, message);
}

/* OK while the request being served has a caller, E_CANCELLED once it has none (and in a thread that serves none). */
SYSTEM_INLINE status_t request_status(void) { return system_command(SYS_request_status, 0, 0, 0, 0, 0); }

/* ---------------------------------------------------------------- the machine */

/* Goes to the end of the run queue of this priority. */
SYSTEM_INLINE status_t thread_yield(void) { return system_command(SYS_yield, 0, 0, 0, 0, 0); }

/* Appends `count` bytes (up to 16), four per word, lowest byte first, to the kernel log. E_BAD_ARGUMENT: count. */
SYSTEM_INLINE status_t log_bytes(uint32_t bytes0, uint32_t bytes4, uint32_t bytes8, uint32_t bytes12, uint32_t count)
{
    return system_command(SYS_log, bytes0, bytes4, bytes8, bytes12, count);
}

/* Reads a fact about the machine or a kernel counter: INFO_*. E_BAD_ARGUMENT: no such fact. */
SYSTEM_INLINE status_t system_info(uint32_t which, uint32_t *value)
{
    return system_query(SYS_system_info, which, 0, 0, 0, 0, value);
}

/* ---------------------------------------------------------------- handles */

/* Gives up a handle. Objects end with their last handle and their last use. */
SYSTEM_INLINE status_t handle_close(handle_t handle) { return system_command(SYS_handle_close, handle, 0, 0, 0, 0); }

/* Makes a second handle with the rights of both `handle` and `rights`; a non-zero badge (to 0x7FFFFFFF) marks it, if it
 * names an endpoint and has none yet. E_BAD_ARGUMENT: the badge, E_NO_MEMORY. */
SYSTEM_INLINE status_t handle_duplicate(handle_t handle, uint32_t rights, uint32_t badge, handle_t *duplicate)
{
    return system_query(SYS_handle_duplicate, handle, rights, badge, 0, 0, duplicate);
}

/* Says what a handle names (TYPE_*) and with which rights (RIGHT_*). */
SYSTEM_INLINE status_t handle_info(handle_t handle, uint32_t *type, uint32_t *rights)
{
    uint32_t value = 0;
    status_t status = system_query(SYS_handle_info, handle, 0, 0, 0, 0, &value);
    if (status == OK) {
        *type = value & 0xFF;
        *rights = value >> 8;
    }
    return status;
}

/* ---------------------------------------------------------------- processes */

/* Creates an empty process with a quota of `quota` bytes, taken out of ours. Faults of its threads arrive as requests
 * of METHOD_FAULT with `badge`, or the badge that the supervisor handle has, at that endpoint (HANDLE_NONE: a faulting thread
 * just ends). It may give threads and budgets no priority above `highest`, which we may give ourselves. E_NO_MEMORY,
 * E_BAD_ARGUMENT, E_NO_RIGHT (the endpoint takes no handles, or the priority is too high). */
SYSTEM_INLINE status_t process_create(uint32_t quota, handle_t supervisor, uint32_t badge, uint32_t highest, handle_t *process)
{
    return system_query(SYS_process_create, quota, supervisor, badge, highest, 0, process);
}

/* Ends a process (RIGHT_CONTROL) and every thread in it, the caller's own included. */
SYSTEM_INLINE status_t process_destroy(handle_t process, uint32_t exit_code)
{
    return system_command(SYS_process_destroy, process, exit_code, 0, 0, 0);
}

/* Puts a copy of our handle (RIGHT_TRANSFER) into the table of a process (RIGHT_CONTROL), with the rights of both it
 * and `rights`, its badge kept. *there is valid in that process. E_NO_MEMORY. */
SYSTEM_INLINE status_t process_give(handle_t process, handle_t handle, uint32_t rights, handle_t *there)
{
    return system_query(SYS_process_give, process, handle, rights, 0, 0, there);
}

/* Signals the bits of the notification (RIGHT_WRITE) when the process (RIGHT_READ) ends. E_NO_MEMORY. */
SYSTEM_INLINE status_t process_watch(handle_t process, handle_t notification, uint32_t bits)
{
    return system_command(SYS_process_watch, process, notification, bits, 0, 0);
}

/* Reads a fact about a process (RIGHT_READ), even one that has ended: PROCESS_*. E_BAD_ARGUMENT: no such fact. */
SYSTEM_INLINE status_t process_info(handle_t process, uint32_t which, uint32_t *value)
{
    return system_query(SYS_process_info, process, which, 0, 0, 0, value);
}

/* Maps `pages` pages of a memory object, from page `first` on, at a page-aligned address. protection: PROTECT_*, never
 * write with execute, each covered by the memory handle's rights. E_BAD_ADDRESS: outside user space or already mapped;
 * E_BAD_ARGUMENT: pages, first or protection; E_NO_MEMORY. */
SYSTEM_INLINE status_t process_map(handle_t process, handle_t memory, uint32_t address, uint32_t protection,
                                   uint32_t first, uint32_t pages)
{
    return system_command(SYS_process_map, process, memory, address | protection, first, pages);
}

/* Unmaps a range made of whole mappings. E_BAD_ADDRESS. */
SYSTEM_INLINE status_t process_unmap(handle_t process, uint32_t address, uint32_t pages)
{
    return system_command(SYS_process_unmap, process, address, pages, 0, 0);
}

/* Changes the protection of a range made of whole mappings, within the rights they were mapped with. E_BAD_ADDRESS,
 * E_BAD_ARGUMENT, E_NO_RIGHT. */
SYSTEM_INLINE status_t process_protect(handle_t process, uint32_t address, uint32_t protection, uint32_t pages)
{
    return system_command(SYS_process_protect, process, address | protection, pages, 0, 0);
}

/* Reads one aligned word of a process (RIGHT_CONTROL). E_BAD_ADDRESS: unaligned or not mapped. */
SYSTEM_INLINE status_t process_read_word(handle_t process, uint32_t address, uint32_t *word)
{
    return system_query(SYS_process_read_word, process, address, 0, 0, 0, word);
}

/* ---------------------------------------------------------------- threads */

/* Creates a stopped thread that will begin at `entry` with ESP = stack_top and EBX = argument. priority 0 to 31.
 * E_NO_MEMORY, E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t thread_create(handle_t process, uint32_t entry, uint32_t stack_top, uint32_t argument,
                                     uint32_t priority, handle_t *thread)
{
    uint32_t ebx = process;
    status_t status = system_call(SYS_thread_create, ebx, entry, stack_top, argument, priority, &ebx);
    if (status == OK)
        *thread = ebx;
    return status;
}

/* Lets a stopped thread run. E_BAD_STATE: it is not stopped. */
SYSTEM_INLINE status_t thread_start(handle_t thread) { return system_command(SYS_thread_start, thread, 0, 0, 0, 0); }

/* Stops a thread; a blocking call that it was in ends with E_CANCELLED. */
SYSTEM_INLINE status_t thread_stop(handle_t thread) { return system_command(SYS_thread_stop, thread, 0, 0, 0, 0); }

/* Ends the blocking call that a thread is in with E_CANCELLED; nothing happens if it is in none. */
SYSTEM_INLINE status_t thread_cancel(handle_t thread) { return system_command(SYS_thread_cancel, thread, 0, 0, 0, 0); }

/* Ends a thread, whatever it does. The handle stays to be closed. */
SYSTEM_INLINE status_t thread_destroy(handle_t thread)
{
    return system_command(SYS_thread_destroy, thread, 0, 0, 0, 0);
}

/* Ends the calling thread. */
_Noreturn SYSTEM_INLINE void thread_exit(void)
{
    for (;;)
        system_command(SYS_thread_exit, 0, 0, 0, 0, 0);
}

/* Reads a register (REGISTER_*) of a thread that does not run. E_BAD_STATE: it runs; E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t thread_read_register(handle_t thread, uint32_t which, uint32_t *value)
{
    return system_query(SYS_thread_read_register, thread, which, 0, 0, 0, value);
}

/* Writes a register of a stopped or faulted thread; EFLAGS keeps only what users may set. E_BAD_STATE,
 * E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t thread_write_register(handle_t thread, uint32_t which, uint32_t value)
{
    return system_command(SYS_thread_write_register, thread, which, value, 0, 0);
}

/* Says who waits for a thread (RIGHT_READ): depth 0 is the caller that it serves, 1 the caller of that one. The badge is the one
 * with which the caller's process reports faults to `supervisor` (RIGHT_SERVE). E_NO_CALLER: the chain is not that long;
 * E_NO_RIGHT: that caller has another supervisor. */
SYSTEM_INLINE status_t thread_caller(handle_t thread, handle_t supervisor, uint32_t depth, uint32_t *badge)
{
    return system_query(SYS_thread_caller, thread, supervisor, depth, 0, 0, badge);
}

/* ---------------------------------------------------------------- budgets */

/* Creates a scheduling context: priority 0 to 31, slice in microseconds. E_NO_MEMORY, E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t budget_create(uint32_t priority, uint32_t slice, handle_t *budget)
{
    return system_query(SYS_budget_create, priority, slice, 0, 0, 0, budget);
}

/* Lets a stopped thread run on this budget in place of its own. E_BAD_STATE. */
SYSTEM_INLINE status_t budget_bind(handle_t budget, handle_t thread)
{
    return system_command(SYS_budget_bind, budget, thread, 0, 0, 0);
}

/* Sets priority (0 to 31, 31 first) and slice in microseconds of a budget, or of a thread's own. E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t budget_set(handle_t budget_or_thread, uint32_t priority, uint32_t slice)
{
    return system_command(SYS_budget_set, budget_or_thread, priority, slice, 0, 0);
}

/* CPU time used in microseconds, lent time included, modulo 2^32. */
SYSTEM_INLINE status_t budget_time(handle_t budget_or_thread, uint32_t *microseconds)
{
    return system_query(SYS_budget_time, budget_or_thread, 0, 0, 0, 0, microseconds);
}

/* ---------------------------------------------------------------- endpoints */

/* Creates an endpoint: flags ENDPOINT_NO_QUEUE | ENDPOINT_TAKES_*; cap: requests of one badge at a time, 0: no cap.
 * E_BAD_ARGUMENT, E_NO_MEMORY. */
SYSTEM_INLINE status_t endpoint_create(uint32_t flags, uint32_t cap, handle_t *endpoint)
{
    return system_query(SYS_endpoint_create, flags, cap, 0, 0, 0, endpoint);
}

/* Reads a fact about an endpoint: ENDPOINT_*. E_BAD_ARGUMENT: no such fact. */
SYSTEM_INLINE status_t endpoint_info(handle_t endpoint, uint32_t which, uint32_t *value)
{
    return system_query(SYS_endpoint_info, endpoint, which, 0, 0, 0, value);
}

/* ---------------------------------------------------------------- memory */

/* Creates a memory object of zeroed pages, charged to us; flags MEMORY_CONTIGUOUS, MEMORY_IRREVOCABLE. Others run in between
 * two pages, so this may be stopped half-way like a loop. E_NO_MEMORY, E_BAD_ARGUMENT. */
SYSTEM_INLINE status_t memory_create(uint32_t pages, uint32_t flags, handle_t *memory)
{
    return system_query(SYS_memory_create, pages, flags, 0, 0, 0, memory);
}

/* Names physical frames that are not RAM, below an authority over them. E_BAD_ARGUMENT: the range, E_NO_MEMORY. */
SYSTEM_INLINE status_t memory_create_device(handle_t authority, uint32_t first_frame, uint32_t pages, handle_t *memory)
{
    return system_query(SYS_memory_create_device, authority, first_frame, pages, 0, 0, memory);
}

/* Number of the physical frame of a page (RIGHT_DMA). E_BAD_ARGUMENT: no such page. */
SYSTEM_INLINE status_t memory_physical(handle_t memory, uint32_t page, uint32_t *frame)
{
    return system_query(SYS_memory_physical, memory, page, 0, 0, 0, frame);
}

/* Unmaps the object everywhere (RIGHT_CONTROL). E_BAD_STATE: it is irrevocable. */
SYSTEM_INLINE status_t memory_revoke(handle_t memory) { return system_command(SYS_memory_revoke, memory, 0, 0, 0, 0); }

/* Reads a fact about a memory object: MEMORY_INFO_*. E_BAD_ARGUMENT: no such fact. */
SYSTEM_INLINE status_t memory_info(handle_t memory, uint32_t which, uint32_t *value)
{
    return system_query(SYS_memory_info, memory, which, 0, 0, 0, value);
}

/* ---------------------------------------------------------------- notifications */

/* Creates 32 sticky bits, all clear. E_NO_MEMORY. */
SYSTEM_INLINE status_t notification_create(handle_t *notification)
{
    return system_query(SYS_notification_create, 0, 0, 0, 0, 0, notification);
}

/* Sets bits (RIGHT_WRITE) and wakes the waiters whose mask has one of them. */
SYSTEM_INLINE status_t notification_signal(handle_t notification, uint32_t bits)
{
    return system_command(SYS_notification_signal, notification, bits, 0, 0, 0);
}

/* Waits for any bit of the mask (RIGHT_READ) and takes the bits of the mask that are set. timeout in microseconds,
 * 0: only looks, TIMEOUT_NEVER. E_TIMED_OUT, E_CANCELLED, E_BAD_ARGUMENT: an empty mask. */
SYSTEM_INLINE status_t notification_wait(handle_t notification, uint32_t mask, uint32_t timeout, uint32_t *bits)
{
    return system_query(SYS_notification_wait, notification, mask, timeout, 0, 0, bits);
}

/* Signals the bits once after `delay` microseconds; a new timer replaces the old one, bits 0: none. */
SYSTEM_INLINE status_t notification_timer(handle_t notification, uint32_t bits, uint32_t delay)
{
    return system_command(SYS_notification_timer, notification, bits, delay, 0, 0);
}

/* ---------------------------------------------------------------- interrupts and ports */

/* Names one interrupt line below an authority over more. E_BAD_ARGUMENT: no such line there, E_NO_MEMORY. */
SYSTEM_INLINE status_t irq_create(handle_t authority, uint32_t line, handle_t *irq)
{
    return system_query(SYS_irq_create, authority, line, 0, 0, 0, irq);
}

/* Signals the bits at each interrupt; the line stays masked until irq_ack. E_BAD_STATE: bound already. */
SYSTEM_INLINE status_t irq_bind(handle_t irq, handle_t notification, uint32_t bits)
{
    return system_command(SYS_irq_bind, irq, notification, bits, 0, 0);
}

/* Unmasks the line. E_BAD_STATE: not bound. */
SYSTEM_INLINE status_t irq_ack(handle_t irq) { return system_command(SYS_irq_ack, irq, 0, 0, 0, 0); }

/* Names a range of ports within a larger one. E_BAD_ARGUMENT: the range, E_NO_MEMORY. */
SYSTEM_INLINE status_t ioport_create(handle_t authority, uint32_t first, uint32_t count, handle_t *ioport)
{
    return system_query(SYS_ioport_create, authority, first, count, 0, 0, ioport);
}

/* Lets a process use the ports of the range. E_NO_MEMORY. */
SYSTEM_INLINE status_t ioport_grant(handle_t ioport, handle_t process)
{
    return system_command(SYS_ioport_grant, ioport, process, 0, 0, 0);
}

/* ---------------------------------------------------------------- traces */

/* Records what the CPU does in `memory` (RIGHT_WRITE, made with MEMORY_CONTIGUOUS), a struct trace_ring, until the last handle
 * of the trace is closed. Meanwhile every call takes the C path. E_BUSY: there is a trace already; E_BAD_ARGUMENT: the memory;
 * E_NO_MEMORY. */
SYSTEM_INLINE status_t trace_create(handle_t authority, handle_t memory, handle_t *trace)
{
    return system_query(SYS_trace_create, authority, memory, 0, 0, 0, trace);
}

/* ---------------------------------------------------------------- who waits for whom */

enum thread_fact_state {    /* as in TRACE_SWITCH */
    THREAD_FACT_ACTIVE, THREAD_FACT_STOPPED, THREAD_FACT_READY, THREAD_FACT_QUEUED, THREAD_FACT_NOTIFIED, THREAD_FACT_ENDING
};

struct thread_facts {
    uint32_t number;        /* no other thread ever has it */
    uint32_t state;         /* active: it runs, or waits for its peer to reply, or, without one, for a request */
    uint32_t peer;          /* number of the thread that serves its call; queued: of one that may; 0: none */
    uint32_t eip;           /* where it entered the kernel, unless it waits for a request */
    uint32_t wait_esp;      /* a worker's ESP when it waited for its first request */
};

/* Tells of the thread of the process with the next number after `number`. E_NOT_FOUND: there is none. */
SYSTEM_INLINE status_t process_thread(handle_t process, uint32_t number, struct thread_facts *facts)
{
    status_t status = SYS_process_thread;
    __asm__ volatile("int $250"
                     : "+a"(status), "=b"(facts->number), "=c"(facts->state), "=d"(facts->peer), "=S"(facts->eip),
                       "=D"(facts->wait_esp)
                     : "b"(process), "c"(number)
                     : "memory", "cc");
    return status;
}

#endif
