/* Where printed text goes: to the log service, once it is up and if the system list says that we use it; until then, and
 * without it, to the kernel's log. */
#include "internal.h"

#include "servers/log/log.h"

#define PIECE 16u           /* bytes that one kernel call takes */
#define TIMEOUT 1000000u    /* microseconds: a log that is stuck must not stop its users */
#define PAUSE 10000u        /* milliseconds until it is asked again */

static enum { UNDECIDED, KERNEL, SERVICE } output;
static handle_t log_endpoint;
static session_t log_session;
static uint32_t since, pause; /* uptime at which it was found stuck, and how long it is left alone; milliseconds */

static void write_to_kernel(const char *text, uint32_t bytes)
{
    uint32_t words[PIECE / 4];
    for (uint32_t done = 0; done < bytes; done += PIECE) {
        uint32_t count = bytes - done < PIECE ? bytes - done : PIECE;
        memcpy(words, text + done, count);
        log_bytes(words[0], words[1], words[2], words[3], count);
    }
}

static uint32_t uptime(void)
{
    uint32_t milliseconds = 0;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return milliseconds;
}

/* One that is stuck is asked rarely: each time costs its users a second. */
static void forget_service(status_t why)
{
    handle_close(log_endpoint);
    output = UNDECIDED;
    pause = why == E_TIMED_OUT ? PAUSE : 0;
    since = uptime();
}

/* While the log starts, init says E_BUSY, and we ask again with the next text. */
static void decide(void)
{
    status_t status = service_ask("log", &log_endpoint);
    if (status == E_BUSY)
        return;
    output = status == OK ? SERVICE : KERNEL;
    if (status == OK)
        status = session_open_soon(&log_session, log_endpoint, 1, LOG_SLOT, TIMEOUT);
    if (output == SERVICE && status != OK)
        forget_service(status);
}

/* A log that was started again does not know our session any more. */
static bool write_to_service(const char *text, uint32_t bytes)
{
    memcpy(session_slot(&log_session, 0), text, bytes);
    status_t status = service_call_full(log_endpoint, LOG_WRITE, bytes << 16, TIMEOUT, HANDLE_NONE, NULL, NULL);
    if (status == OK)
        return true;
    session_drop(&log_session);
    forget_service(status);
    return false;
}

void output_write(const char *text, uint32_t bytes)
{
    if (output == UNDECIDED && uptime() - since >= pause)
        decide();
    if (output != SERVICE || !write_to_service(text, bytes))
        write_to_kernel(text, bytes);
}
