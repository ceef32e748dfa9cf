/* One call by INT 250 with all that it may carry. The fake of libserver (libserver/testing) has it too. */
#include <server.h>

status_t service_call_full(handle_t endpoint, uint32_t method, uint32_t word, uint32_t timeout, handle_t attach,
                           uint32_t *reply, handle_t *handle)
{
    struct message message = { .word = word, .method = method, .handle = attach | (handle ? HANDLE_ACCEPT : 0) };
    status_t status = ipc_call(endpoint, timeout, &message);
    if (handle)
        *handle = status == OK ? message.handle : HANDLE_NONE;
    if (status == OK)
        status = message.status;
    if (status == OK && reply)
        *reply = message.word;
    return status;
}
