/* newlib's locks, of malloc, stdio and others, on libserver's; recursive ones know their thread by its stack. */
#include <sys/lock.h>

#include <stdio.h>
#include <stdlib.h>

#include "../internal.h"
#include "files.h"

struct __lock {
    struct lock lock;
    uint32_t owner;     /* an address on its stack; 0: free */
    uint32_t depth;     /* how often the owner has it */
};

/* newlib's names for the locks that are always there. */
struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex, __lock___atexit_recursive_mutex,
    __lock___at_quick_exit_mutex, __lock___malloc_recursive_mutex, __lock___env_recursive_mutex, __lock___tz_mutex,
    __lock___dd_hash_mutex, __lock___arc4random_mutex;

/* Stands in for the lock of a stream where there is no memory for one. */
static struct __lock common;

void libc_lock_make(struct lock *lock)
{
    if (lock_init(lock) != OK)
        process_exit((uint32_t)E_NO_MEMORY);
}

void libc_locks_init(void)
{
    struct __lock *const locks[] = {
        &__lock___sinit_recursive_mutex, &__lock___sfp_recursive_mutex, &__lock___atexit_recursive_mutex,
        &__lock___at_quick_exit_mutex, &__lock___malloc_recursive_mutex, &__lock___env_recursive_mutex, &__lock___tz_mutex,
        &__lock___dd_hash_mutex, &__lock___arc4random_mutex, &common,
    };
    for (uint32_t i = 0; i < COUNT(locks); i++)
        libc_lock_make(&locks[i]->lock);
}

void __retarget_lock_init_recursive(_LOCK_T *made)
{
    struct __lock *lock = calloc(1, sizeof(*lock));
    if (lock && lock_init(&lock->lock) != OK) {
        free(lock);
        lock = NULL;
    }
    *made = lock ? lock : &common;
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    if (lock == &common)
        return;
    handle_close(lock->lock.notification);
    free(lock);
}

/* The owner is 0 while nobody has the lock, and ours only if we wrote it: so it may be read without the lock. */
static bool is_ours(const struct __lock *lock, uint32_t here)
{
    uint32_t owner = *(const volatile uint32_t *)&lock->owner;
    return owner && stack_of(owner) == stack_of(here);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    uint32_t here = (uint32_t)__builtin_frame_address(0);
    if (!is_ours(lock, here)) {
        lock_acquire(&lock->lock);
        lock->owner = here;
    }
    lock->depth++;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    uint32_t here = (uint32_t)__builtin_frame_address(0);
    if (!is_ours(lock, here)) {
        if (!lock_try(&lock->lock))
            return 0;
        lock->owner = here;
    }
    lock->depth++;
    return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    if (--lock->depth)
        return;
    *(volatile uint32_t *)&lock->owner = 0;
    lock_release(&lock->lock);
}

/* The others are never taken twice, so they may be of the same kind. */
void __retarget_lock_init(_LOCK_T *made) { __retarget_lock_init_recursive(made); }
void __retarget_lock_close(_LOCK_T lock) { __retarget_lock_close_recursive(lock); }
void __retarget_lock_acquire(_LOCK_T lock) { __retarget_lock_acquire_recursive(lock); }
int __retarget_lock_try_acquire(_LOCK_T lock) { return __retarget_lock_try_acquire_recursive(lock); }
void __retarget_lock_release(_LOCK_T lock) { __retarget_lock_release_recursive(lock); }

/* newlib declares these and leaves them to the system. */
void flockfile(FILE *stream) { __retarget_lock_acquire_recursive(stream->_lock); }
int ftrylockfile(FILE *stream) { return !__retarget_lock_try_acquire_recursive(stream->_lock); }
void funlockfile(FILE *stream) { __retarget_lock_release_recursive(stream->_lock); }
