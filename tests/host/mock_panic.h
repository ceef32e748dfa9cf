/* The kernel's panic() for unit tests: expect_assert_failure() catches it, anywhere else it fails the test.
 * Included once in each test whose kernel sources assert something. */
#ifndef TESTS_HOST_MOCK_PANIC_H
#define TESTS_HOST_MOCK_PANIC_H

#include <stdio.h>

#include "log.h"
#include "unit.h"

_Noreturn void panic(const char *format, ...)
{
    static char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    mock_assert(0, text, __FILE__, __LINE__);
    abort();
}

#endif
