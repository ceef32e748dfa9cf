/* Text to the serial line: the kernel's own, and that of processes a line at a time so that lines do not mix. */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>

#include "arch.h"
#include "process.h"

void log_character(char character)
{
    if (character == '\n')
        arch_log_write('\r');
    arch_log_write(character);
}

static void print_text(const char *text, uint32_t width)
{
    uint32_t length = 0;
    for (; *text; text++, length++)
        log_character(*text);
    while (length++ < width)
        log_character(' ');
}

static void print_number(uint32_t number, bool negative, uint32_t base, uint32_t width, char pad)
{
    char digits[10];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    if (negative && pad == '0')
        log_character('-');
    for (uint32_t i = count + negative; i < width; i++)
        log_character(pad);
    if (negative && pad != '0')
        log_character('-');
    while (count)
        log_character(digits[--count]);
}

static void print_signed(int32_t number, uint32_t width, char pad)
{
    print_number(number < 0 ? 0u - (uint32_t)number : (uint32_t)number, number < 0, 10, width, pad);
}

static void print_arguments(const char *format, va_list arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            log_character(*format);
            continue;
        }
        char pad = *++format == '0' ? '0' : ' ';
        uint32_t width = 0;
        for (; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + (uint32_t)(*format - '0');
        switch (*format) {
        case 's': print_text(va_arg(arguments, const char *), width); break;
        case 'c': log_character((char)va_arg(arguments, int)); break;
        case 'd': print_signed(va_arg(arguments, int32_t), width, pad); break;
        case 'u': print_number(va_arg(arguments, uint32_t), false, 10, width, pad); break;
        case 'x': print_number(va_arg(arguments, uint32_t), false, 16, width, pad); break;
        case 'p': print_number((uint32_t)(uintptr_t)va_arg(arguments, void *), false, 16, 8, '0'); break;
        default: log_character(*format); break;
        }
    }
}

void log_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}

_Noreturn void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_print("\npanic: ");
    print_arguments(format, arguments);
    log_character('\n');
    va_end(arguments);
    arch_halt();
}

static void write_line(struct process *process)
{
    for (uint32_t i = 0; i < process->log_length; i++)
        log_character(process->log_line[i]);
    process->log_length = 0;
}

void log_flush(struct process *process)
{
    if (process->log_length == 0)
        return;
    write_line(process);
    log_character('\n');
}

void log_user(struct process *process, const char *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        process->log_line[process->log_length++] = bytes[i];
        if (bytes[i] == '\n' || process->log_length == sizeof(process->log_line))
            write_line(process);
    }
}
