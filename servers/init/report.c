/* What init tells the log: single lines, and all that belongs to a fault as one block. */
#include <stdarg.h>

#include "service.h"

#define REPORT_BYTES 4096u
#define WRITE 1u        /* bits of `requests` */
#define WRITTEN 2u

static char text[REPORT_BYTES];
static uint32_t used;
static bool gathering;
static handle_t requests;

/* Above everybody who prints, and so nobody's lines come in between. */
static void write_reports(void *unused)
{
    uint32_t bits;
    (void)unused;
    for (;;) {
        notification_wait(requests, WRITE, TIMEOUT_NEVER, &bits);
        print("%s", text);
        notification_signal(requests, WRITTEN);
    }
}

status_t report_prepare(void)
{
    handle_t thread;
    status_t status = notification_create(&requests);
    if (status == OK)
        status = thread_spawn(write_reports, NULL, PRIORITIES - 1, &thread);
    if (status == OK)
        handle_close(thread);
    return status;
}

static void append(const char *format, va_list *arguments)
{
    used += text_format(text + used, REPORT_BYTES - 1 - used, format, arguments);
    text[used] = '\0';
}

void report_begin(void)
{
    gathering = true;
    used = 0;
}

void report_add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (gathering)
        append(format, &arguments);
    va_end(arguments);
}

/* The text must stay as it is until it has been written. */
void report_print(void)
{
    uint32_t bits;
    if (!gathering)
        return;
    gathering = false;
    notification_signal(requests, WRITE);
    notification_wait(requests, WRITTEN, TIMEOUT_NEVER, &bits);
}

void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (gathering) {
        report_add(REPORT_NEXT);
        append(format, &arguments);
    } else {
        used = 0;
        append(format, &arguments);
        print("init: %s", text);
    }
    va_end(arguments);
}
