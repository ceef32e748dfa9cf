/* From the status of a call to errno. */
#include <errno.h>

#include "files.h"

static const int errors[] = {
    [-E_BAD_CALL] = ENOSYS,
    [-E_BAD_HANDLE] = EIO,
    [-E_BAD_TYPE] = EIO,
    [-E_NO_RIGHT] = EACCES,
    [-E_BAD_ARGUMENT] = EINVAL,
    [-E_BAD_ADDRESS] = EFAULT,
    [-E_NO_MEMORY] = ENOMEM,
    [-E_BAD_STATE] = EIO,
    [-E_BUSY] = EAGAIN,
    [-E_TIMED_OUT] = ETIMEDOUT,
    [-E_CANCELLED] = EINTR,
    [-E_PEER_DIED] = EPIPE,
    [-E_NO_CALLER] = EIO,
    [-E_NO_METHOD] = ENOSYS,
    [-E_NOT_FOUND] = ENXIO,
    [-E_DEADLOCK] = EDEADLK,
    [-E_NOT_SUPPORTED] = ENOTSUP,
    [-E_IO] = EIO,
};

int libc_failure(int error)
{
    errno = error;
    return -1;
}

int libc_result(status_t status)
{
    if (status >= 0)
        return status == OK ? 0 : libc_failure(status);
    uint32_t index = -(uint32_t)status;
    return libc_failure(index < COUNT(errors) ? errors[index] : EIO);
}
