/* Formatted text, handed on in lines where they are not too long. */
#include <stdarg.h>

#include "internal.h"

#define LINE_BYTES 128u

struct line {
    char *bytes;
    uint32_t used, size;
    bool printed; /* when it is full; otherwise the rest is lost */
};

struct field { /* one conversion: %[-][0][width]letter */
    bool left;
    char pad;
    uint32_t width;
};

static void flush(struct line *line)
{
    if (line->used)
        output_write(line->bytes, line->used);
    line->used = 0;
}

static void put(struct line *line, char character)
{
    if (line->used < line->size)
        line->bytes[line->used++] = character;
    if (line->used == line->size && line->printed)
        flush(line);
}

static void put_padded(struct line *line, const struct field *field, const char *text, uint32_t length)
{
    uint32_t padding = field->width > length ? field->width - length : 0;
    if (!field->left && field->pad == '0' && *text == '-') {
        put(line, *text++);
        length--;
    }
    for (uint32_t i = 0; !field->left && i < padding; i++)
        put(line, field->pad);
    for (uint32_t i = 0; i < length; i++)
        put(line, text[i]);
    for (uint32_t i = 0; field->left && i < padding; i++)
        put(line, ' ');
}

static void put_number(struct line *line, const struct field *field, uint32_t number, uint32_t base, bool negative)
{
    char digits[12];
    uint32_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    if (negative)
        digits[--at] = '-';
    put_padded(line, field, digits + at, sizeof(digits) - at);
}

static const char *parse_field(const char *format, struct field *field)
{
    *field = (struct field){ .pad = ' ' };
    for (; *format == '-' || *format == '0'; format++) {
        if (*format == '-')
            field->left = true;
        else
            field->pad = '0';
    }
    for (; *format >= '0' && *format <= '9'; format++)
        field->width = field->width * 10 + (uint32_t)(*format - '0');
    return format;
}

static void put_text(struct line *line, const struct field *field, const char *text)
{
    text = text ? text : "(null)";
    put_padded(line, field, text, strlen(text));
}

static void convert(struct line *line, const struct field *field, char letter, va_list *arguments)
{
    int32_t number;
    switch (letter) {
    case 's': put_text(line, field, va_arg(*arguments, const char *)); break;
    case 'c': put(line, (char)va_arg(*arguments, int)); break;
    case 'd':
        number = va_arg(*arguments, int32_t);
        put_number(line, field, number < 0 ? -(uint32_t)number : (uint32_t)number, 10, number < 0);
        break;
    case 'u': put_number(line, field, va_arg(*arguments, uint32_t), 10, false); break;
    case 'x': put_number(line, field, va_arg(*arguments, uint32_t), 16, false); break;
    case 'p':
        put(line, '0');
        put(line, 'x');
        put_number(line, &(struct field){ .pad = '0', .width = 8 }, va_arg(*arguments, uint32_t), 16, false);
        break;
    default: put(line, letter); break;
    }
}

static void put_formatted(struct line *line, const char *format, va_list *arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            put(line, *format);
            continue;
        }
        struct field field;
        format = parse_field(format + 1, &field);
        if (*format == '\0')
            break;
        convert(line, &field, *format, arguments);
    }
}

/* The log keeps lines of different processes apart, the lock those of our own threads. */
void print(const char *format, ...)
{
    char bytes[LINE_BYTES];
    struct line line = { .bytes = bytes, .size = LINE_BYTES, .printed = true };
    va_list arguments;
    va_start(arguments, format);
    lock_acquire(&print_lock);
    put_formatted(&line, format, &arguments);
    flush(&line);
    lock_release(&print_lock);
    va_end(arguments);
}

uint32_t text_format(char *to, uint32_t size, const char *format, va_list *arguments)
{
    struct line line = { .bytes = to, .size = size };
    put_formatted(&line, format, arguments);
    return line.used;
}
