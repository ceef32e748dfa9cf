/* Where printed text goes: to the log service, once it is up and if the system list says that we use it; until then, and
 * without it, to the kernel's log. */
#include "internal.h"

#include "servers/log/log.h"

#define PIECE 16u           /* bytes that one kernel call takes */
#define TIMEOUT 1000000u    /* microseconds: a log that is stuck must not stop its users */

static enum { UNDECIDED, KERNEL, SERVICE } output;
static handle_t log_endpoint;
static session_t log_session;

static void write_to_kernel(const char *text, uint32_t bytes)
{
    uint32_t words[PIECE / 4];
    for (uint32_t done = 0; done < bytes; done += PIECE) {
        uint32_t count = bytes - done < PIECE ? bytes - done : PIECE;
        memcpy(words, text + done, count);
        log_bytes(words[0], words[1], words[2], words[3], count);
    }
}

/* While the log starts, init says E_BUSY, and we ask again with the next text. */
static void decide(void)
{
    status_t status = service_ask("log", &log_endpoint);
    if (status == E_BUSY)
        return;
    output = status == OK ? SERVICE : KERNEL;
    if (status != OK || session_open(&log_session, log_endpoint, 1, LOG_SLOT, 0) == OK)
        return;
    handle_close(log_endpoint);
    output = UNDECIDED;
}

/* A log that was started again does not know our session any more. */
static bool write_to_service(const char *text, uint32_t bytes)
{
    memcpy(session_slot(&log_session, 0), text, bytes);
    if (service_call_full(log_endpoint, LOG_WRITE, bytes << 16, TIMEOUT, HANDLE_NONE, NULL, NULL) == OK)
        return true;
    session_close(&log_session, log_endpoint);
    handle_close(log_endpoint);
    output = UNDECIDED;
    return false;
}

void output_write(const char *text, uint32_t bytes)
{
    if (output == UNDECIDED)
        decide();
    if (output != SERVICE || !write_to_service(text, bytes))
        write_to_kernel(text, bytes);
}
