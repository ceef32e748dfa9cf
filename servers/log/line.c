/* Lines of the log, made of who, when and what. */
#include "line.h"

#define SECONDS_WIDTH 3u
#define MICROSECONDS_WIDTH 6u
#define MILLION 1000000u

static void put(struct line *line, char character)
{
    bool shown = (uint8_t)character >= ' ' && character != 0x7F;
    line->text[line->length++] = shown ? character : '?';
}

static void put_text(struct line *line, const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        put(line, text[i] == '\t' ? ' ' : text[i]);
}

static void put_number(struct line *line, uint32_t number, uint32_t width, char pad)
{
    char digits[10];
    uint32_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    for (uint32_t i = count; i < width; i++)
        put(line, pad);
    while (count)
        put(line, digits[--count]);
}

/* Without a time stamp counter there are milliseconds. */
uint64_t line_time(void)
{
    uint32_t khz = 0, milliseconds = 0;
    system_info(INFO_TSC_KHZ, &khz);
    if (khz)
        return ticks() * 1000 / khz;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return (uint64_t)milliseconds * 1000;
}

/* Programs name themselves where the kernel's log is all there is; once is enough. */
static bool begins_with_name(const char *text, uint32_t length, const char *name)
{
    uint32_t name_length = strlen(name);
    return length > name_length + 1 && memcmp(text, name, name_length) == 0 && text[name_length] == ':';
}

void line_make(struct line *line, uint64_t time, const char *name, const char *text, uint32_t length)
{
    line->length = 0;
    put(line, '[');
    put_number(line, (uint32_t)(time / MILLION), SECONDS_WIDTH, ' ');
    put(line, '.');
    put_number(line, (uint32_t)(time % MILLION), MICROSECONDS_WIDTH, '0');
    put_text(line, "] ", 2);
    if (!begins_with_name(text, length, name)) {
        put_text(line, name, strlen(name));
        put_text(line, ": ", 2);
    }
    put_text(line, text, length);
    line->text[line->length++] = '\n';
    line->text[line->length] = '\0';
}
