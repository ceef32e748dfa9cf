/* The process: its end, and what stands for signals. */
#include <errno.h>
#include <init.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"

#define ENDED_BY_SIGNAL 128 /* added to its number: the exit code, as shells show it */

void _exit(int code)
{
    process_exit((uint32_t)code);
}

void abort(void)
{
    _exit(ENDED_BY_SIGNAL + SIGABRT);
}

/* Our number is known to init alone; 0 names ourselves to kill(), as in POSIX. */
pid_t getpid(void)
{
    return 0;
}

/* There is one user. */
uid_t getuid(void) { return 0; }
uid_t geteuid(void) { return 0; }
gid_t getgid(void) { return 0; }
gid_t getegid(void) { return 0; }

/* There are no signals to other processes but the one that ends them. */
int kill(pid_t process, int signal)
{
    if (signal < 0 || signal >= NSIG)
        return libc_failure(EINVAL);
    if (process == getpid() && signal)
        _exit(ENDED_BY_SIGNAL + signal);
    if (process == getpid())
        return 0;
    status_t status = init_kill(init_endpoint(), (uint32_t)process);
    return status == E_NOT_FOUND ? libc_failure(ESRCH) : libc_result(status);
}
