/* hostile and the log service: prints, reads what was printed, and asks for what cannot be. */
#include "servers/log/log.h"

#include "hostile.h"

#define JUNK_BYTES 300u

reply_t hostile_print(const request_t *rq)
{
    uint32_t number = rq->word & 0x7FFFFFFF;
    print("wo");
    print("rd %u\n", number);
    for (uint32_t i = 0; rq->word != number && i < JUNK_BYTES; i++)
        print("%c", (int)(i % 32 == 10 ? 0x1B : i % 32));
    return reply(0);
}

/* Whether the line, without its time, is the text. */
static bool line_is(const char *line, const char *end, const char *text)
{
    while (line < end && *line != ']')
        line++;
    return (uint32_t)(end - line) == strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

static uint32_t count_lines(const char *text, uint32_t bytes, const char *wanted)
{
    const char *end = text + bytes;
    uint32_t count = 0;
    while (text < end) {
        const char *line = text;
        while (text < end && *text != '\n')
            text++;
        count += line_is(line, text++, wanted);
    }
    return count;
}

static status_t open_log(handle_t *log, session_t *session)
{
    status_t status = service_find("log", log);
    if (status == OK)
        status = session_open(session, *log, 1, LOG_SLOT, 0);
    return status;
}

/* The number has one digit. */
reply_t hostile_read_log(const request_t *rq)
{
    char wanted[] = "] hostile-print: word 0";
    handle_t log;
    session_t session;
    uint32_t bytes = 0, found = 0;
    wanted[sizeof(wanted) - 2] = (char)('0' + rq->word);
    status_t status = open_log(&log, &session);
    if (status != OK)
        return reply_error(status);
    uint32_t *first = session_slot(&session, 0);
    *first = 0;
    while (log_read(log, 0, &bytes) == OK && bytes)
        found += count_lines((const char *)(first + 1), bytes, wanted);
    session_close(&session, log);
    handle_close(log);
    return reply(found);
}

static bool is_handle_refused(handle_t log)
{
    handle_t offered;
    if (handle_duplicate(self_process(), RIGHT_READ | RIGHT_TRANSFER, 0, &offered) != OK)
        return false;
    status_t status = service_call_full(log, LOG_WRITE, 0, TIMEOUT_NEVER, offered, NULL, NULL);
    return status == E_NO_RIGHT && handle_close(offered) == OK;
}

reply_t hostile_log_wrongly(const request_t *rq)
{
    handle_t log;
    session_t session;
    uint32_t refused = 0;
    (void)rq;
    if (open_log(&log, &session) != OK)
        return reply(0);
    refused += log_write(log, (LOG_SLOT + 1) << 16) == E_BAD_ARGUMENT;
    refused += log_write(log, 1 | 1 << 16) == E_BAD_ARGUMENT;
    refused += log_read(log, 1, NULL) == E_BAD_ARGUMENT;
    refused += service_call(log, METHODS_COUNT(LOG_METHODS), 0, NULL) == E_NO_METHOD;
    refused += is_handle_refused(log);
    refused += memory_revoke(session.memory) == E_BAD_STATE;
    session_close(&session, log);
    refused += log_write(log, 1 << 16) == E_BAD_STATE;
    refused += log_read(log, 0, NULL) == E_BAD_STATE;
    refused += session_open(&session, log, 1, LOG_SLOT / 2, 0) == E_BAD_ARGUMENT;
    handle_close(log);
    return reply(refused);
}
