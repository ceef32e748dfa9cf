/* The test program in the role of a console or of a clock: what the library asks of them, with known answers. */
#include <string.h>

#include <servers/console/console.h>
#include <servers/rtc/rtc.h>

#include "tests.h"

#define CLIENTS 64u /* told apart by the lowest bits of their badges */

/* ---- console ---- */

static reply_t write_text(const request_t *rq)
{
    session_t *session = session_hold(rq);
    const char *slot = session_slot(session, rq->word & 0xFFFF);
    uint32_t length = rq->word >> 16;
    char text[CONSOLE_SLOT + 1] = "";
    if (!slot || length > CONSOLE_SLOT)
        return reply_error(E_BAD_STATE);
    memcpy(text, slot, length);
    session_release(session);
    print("%s", text);
    return reply(0);
}

/* A few lines for every client, an interruption, the end. */
static reply_t read_line(const request_t *rq)
{
    static const char *const lines[] = { "first line\n", "the second\n", NULL, "" };
    static uint32_t asked[CLIENTS];
    uint32_t *next = &asked[rq->badge % CLIENTS];
    const char *line = lines[*next];
    session_t *session = session_hold(rq);
    char *slot = session_slot(session, rq->word);
    if (!slot)
        return reply_error(E_BAD_STATE);
    if (line)
        strcpy(slot, line);
    session_release(session);
    *next += *next + 1 < COUNT(lines);
    return line ? reply(strlen(line)) : reply_error(E_CANCELLED);
}

int console_main(void)
{
    static const method_t methods[] = {
        [CONSOLE_SESSION] = server_session_open,
        [CONSOLE_WRITE] = write_text,
        [CONSOLE_READ_LINE] = read_line,
    };
    return server_run("console", methods, COUNT(methods), .workers = 2, .handles = METHODS_HANDLES(CONSOLE_METHODS));
}

/* ---- clock ---- */

static reply_t now(const request_t *rq)
{
    uint32_t milliseconds = 0;
    (void)rq;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return reply(CLOCK_START + milliseconds / 1000);
}

int clock_main(void)
{
    static const method_t methods[] = { [RTC_NOW] = now };
    return server_run("rtc", methods, COUNT(methods));
}
