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

static void print_text(const char *text)
{
    for (; *text; text++)
        log_character(*text);
}

static void print_number(uint32_t number, uint32_t base, uint32_t width)
{
    char digits[10];
    uint32_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number || count < width);
    while (count)
        log_character(digits[--count]);
}

static void print_signed(int32_t number)
{
    if (number < 0)
        log_character('-');
    print_number(number < 0 ? 0u - (uint32_t)number : (uint32_t)number, 10, 0);
}

static void print_arguments(const char *format, va_list arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            log_character(*format);
            continue;
        }
        uint32_t width = 0;
        if (*++format == '0') {
            width = (uint32_t)(format[1] - '0');
            format += 2;
        }
        switch (*format) {
        case 's': print_text(va_arg(arguments, const char *)); break;
        case 'd': print_signed(va_arg(arguments, int32_t)); break;
        case 'u': print_number(va_arg(arguments, uint32_t), 10, width); break;
        case 'x': print_number(va_arg(arguments, uint32_t), 16, width); break;
        case 'p': print_number((uint32_t)(uintptr_t)va_arg(arguments, void *), 16, 8); break;
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
