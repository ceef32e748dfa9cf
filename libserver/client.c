/* The client side: one call through the better gate, services by name, and what init does for us. */
#include "internal.h"

#include <init.h>

#define RETRY_FIRST 1000u /* microseconds between two questions for a service that is still starting */
#define RETRY_LAST 50000u

static bool sysenter_usable;

void gates_init(void)
{
    uint32_t usable = 0;
    system_info(INFO_SYSENTER, &usable);
    sysenter_usable = usable;
}

bool gate_sysenter_usable(void)
{
    return sysenter_usable;
}

status_t service_call(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply)
{
    uint32_t answer;
    status_t service_status, status;
    if ((int32_t)endpoint < 0) /* to the SYSENTER gate, this would be another operation */
        return E_BAD_HANDLE;
    if (sysenter_usable)
        status = gate_call_sysenter(endpoint, method, word, &answer, &service_status);
    else
        status = gate_call_int(endpoint, method, word, &answer, &service_status);
    if (status == OK)
        status = service_status;
    if (status == OK && reply)
        *reply = answer;
    return status;
}

status_t sleep_microseconds(uint32_t microseconds)
{
    handle_t notification;
    uint32_t bits;
    status_t status = notification_create(&notification);
    if (status != OK)
        return status;
    status = notification_wait(notification, 1, microseconds, &bits);
    handle_close(notification);
    return status == E_TIMED_OUT ? OK : status;
}

status_t service_ask(const char *name, handle_t *endpoint)
{
    uint32_t answer = 0;
    status_t status = init_find(init_endpoint(), name_hash(name, NAME_HASH_ASK), &answer, endpoint);
    if (status != OK || answer == name_hash(name, NAME_HASH_ANSWER))
        return status;
    handle_close(*endpoint);
    return E_NOT_FOUND;
}

/* init never keeps us waiting in a call, so that no number of early clients can use up its workers. */
status_t service_find(const char *name, handle_t *endpoint)
{
    handle_t found = HANDLE_NONE;
    status_t status;
    for (uint32_t delay = RETRY_FIRST; (status = service_ask(name, &found)) == E_BUSY;) {
        status = sleep_microseconds(delay);
        if (status != OK)
            return status;
        delay = delay * 2 < RETRY_LAST ? delay * 2 : RETRY_LAST;
    }
    if (status == OK)
        *endpoint = found;
    return status;
}

status_t init_table(const struct process_table **table)
{
    handle_t memory;
    void *address;
    status_t status = init_ask_table(init_endpoint(), &memory);
    if (status != OK)
        return status;
    status = pages_map(memory, pages_of(sizeof(**table)), PROTECT_READ, &address);
    handle_close(memory);
    if (status == OK)
        *table = address;
    return status;
}

void machine_exit(uint32_t code)
{
    init_machine_exit(init_endpoint(), code);
    process_exit(code);
}
