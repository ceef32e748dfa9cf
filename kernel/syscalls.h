/* The handlers of INT 250: arguments in thread->frame (EBX ECX EDX ESI EDI), result in frame.word, status returned.
 * Entry code stores the status only while the thread is still the current one: a handler that blocks, ends or switches
 * away leaves that to what ends the wait. */
#ifndef KERNEL_SYSCALLS_H
#define KERNEL_SYSCALLS_H

#include <postern.h>

#include "frames.h"

struct object;
struct process;
struct thread;

#define SYSCALL(number, name, arguments, results, text) status_t sys_##name(struct thread *thread);
#include "syscalls.def"
#undef SYSCALL

extern status_t (*syscall_table[SYSCALL_COUNT])(struct thread *thread);

/* Puts a handle into `to` and its value into the result. E_NO_MEMORY when the table cannot take it. */
status_t syscall_return_handle(struct thread *thread, struct process *to, struct object *object, uint32_t rights, uint32_t badge);
/* The same for a new object, every right, own process; drops the creator's reference, so a failure destroys it. */
status_t syscall_return_object(struct thread *thread, struct object *object);
/* The object that a handle argument names, found as by process_handle_find(). A process or thread has not ended; 0 names the
 * caller's own process. Not for endpoints, which do not begin with their `object`: endpoint_of(). */
void *syscall_find(struct thread *thread, handle_t handle, enum object_type type, uint32_t rights, status_t *status);

/* Begins the handler of a call whose first argument names an object: what follows has it, with the rights that it takes. */
#define SYSCALL_ON(name, target, type, rights)                                                          \
    static status_t name##_on(struct thread *thread, target);                                           \
    status_t sys_##name(struct thread *thread)                                                          \
    {                                                                                                   \
        status_t status = OK;                                                                           \
        void *object = syscall_find(thread, thread->frame.ebx, type, rights, &status);                  \
        return object ? name##_on(thread, object) : status;                                             \
    }                                                                                                   \
    static status_t name##_on(struct thread *thread __attribute__((unused)), target)

#endif
