/* The methods of a service: declared once, as a list in its header.
 *
 *     #define CLOCK_METHODS(METHOD) \
 *         METHOD(CLOCK_NOW, clock_now, NOTHING, WORD(uint32_t, seconds)) \
 *         METHOD(CLOCK_SET, clock_set, WORD(uint32_t, seconds), NOTHING)
 *     METHODS_DECLARE(CLOCK_METHODS)
 *
 * gives whoever includes it the numbers, counted from 0, and a function that calls each method:
 *
 *     enum { CLOCK_NOW, CLOCK_SET };
 *     status_t clock_now(handle_t service, uint32_t *seconds);
 *     status_t clock_set(handle_t service, uint32_t seconds);
 *
 * In the service, METHODS_TABLE(CLOCK_METHODS) is { [CLOCK_NOW] = serve_clock_now, [CLOCK_SET] = serve_clock_set }. The compiler
 * refuses a method without a handler ("'serve_clock_set' undeclared") and a handler without a method ("defined but not used").
 *
 * METHOD(number, function, what the caller gives, what it gets):
 *
 *     NOTHING                             the word is 0
 *     WORD(type, name)                    the DWORD, as an integer of at most 32 bits, an enum or a bool
 *     HANDLE(name)                        a handle; HANDLE_NONE: none
 *     WORD_AND_HANDLE(type, name, handle) both
 *     SESSION                             given only, and by the first method: server_session_open() handles it, and clients
 *                                         call session_open() instead of the function
 *
 * The functions return what service_call() does, and write results only on OK (a handle is HANDLE_NONE otherwise); each pointer
 * may be NULL, and a handle that nobody wants is not taken. A call without handles goes through the better gate, and all wait for
 * as long as it takes: who wants a deadline, a certain gate or a struct connection gives the number to service_call_full(),
 * gate_call_int() or connection_call().
 *
 * METHODS_NUMBERS is for what should have no functions: PCI's words are made of several values, by its client library. The VFS
 * and the file systems have a plain enum: all of their words are slots, one handler serves all methods, and clients call them by
 * number through a connection. So have tests whose tables have holes on purpose. */
#ifndef METHODS_H
#define METHODS_H

#include <server.h>

/* In the header: METHODS_DECLARE() gives numbers and functions, METHODS_NUMBERS() the numbers alone. */
#define METHODS_DECLARE(LIST) \
    METHODS_NUMBERS(LIST) \
    LIST(METHODS_FUNCTION)
#define METHODS_NUMBERS(LIST) enum { LIST(METHODS_NUMBER) };

/* In the service: `static const method_t methods[] = METHODS_TABLE(CLOCK_METHODS);` */
#define METHODS_TABLE(LIST) { LIST(METHODS_ENTRY) }
/* .handles of struct server_options: the methods that are given a handle. */
#define METHODS_HANDLES(LIST) (0u LIST(METHODS_HANDLE_BIT))
/* How many there are, which is the first number that is no method. */
#define METHODS_COUNT(LIST) (0u LIST(METHODS_ONE))

/* ---- inside: what each line of a list becomes ---- */

#define METHODS_NUMBER(number, function, gives, gets) number,
#define METHODS_ENTRY(number, function, gives, gets) [number] = METHODS_HANDLER_##gives(function),
#define METHODS_HANDLE_BIT(number, function, gives, gets) | (METHODS_HAS_HANDLE_##gives ? ENDPOINT_TAKES_HANDLE(number) : 0u)
#define METHODS_ONE(number, function, gives, gets) + 1u

#define METHODS_FUNCTION(number, function, gives, gets) \
    METHODS_AGAIN(static inline status_t function(handle_t service METHODS_PARAMETER_##gives METHODS_RESULT_##gets) \
    { \
        enum { this_method = number }; \
        METHODS_CHECK_##gives \
        METHODS_CHECK_##gets \
        uint32_t call_word = 0; \
        status_t call_status = method_call(service, this_method, METHODS_GIVEN_##gives, &call_word, METHODS_ACCEPT_##gets); \
        if (call_status == OK) { \
            METHODS_STORE_##gets \
        } \
        return call_status; \
    })
/* For cppcheck, which does not look for macros in what ## has joined, except in an argument. */
#define METHODS_AGAIN(...) __VA_ARGS__

/* With constants, the compiler chooses. */
static inline status_t method_call(handle_t service, uint32_t method, uint32_t word, handle_t attach, uint32_t *reply,
                                   handle_t *handle)
{
    return attach == HANDLE_NONE && !handle ? service_call(service, method, word, reply)
                                            : service_call_full(service, method, word, TIMEOUT_NEVER, attach, reply, handle);
}

/* ---- the words of a list are no macros: each is joined with one of these beginnings ---- */

/* number, function, gives, gets: which handler; what is given; what comes back. */

#define METHODS_SERVE(function) serve_##function
#define METHODS_HANDLER_NOTHING(function) serve_##function
#define METHODS_HANDLER_WORD(type, name) METHODS_SERVE
#define METHODS_HANDLER_HANDLE(name) METHODS_SERVE
#define METHODS_HANDLER_WORD_AND_HANDLE(type, name, handle) METHODS_SERVE
#define METHODS_HANDLER_SESSION(function) server_session_open

#define METHODS_HAS_HANDLE_NOTHING 0
#define METHODS_HAS_HANDLE_WORD(type, name) 0
#define METHODS_HAS_HANDLE_HANDLE(name) 1
#define METHODS_HAS_HANDLE_WORD_AND_HANDLE(type, name, handle) 1
#define METHODS_HAS_HANDLE_SESSION 1

#define METHODS_PARAMETER_NOTHING
#define METHODS_PARAMETER_WORD(type, name) , type name
#define METHODS_PARAMETER_HANDLE(name) , handle_t name
#define METHODS_PARAMETER_WORD_AND_HANDLE(type, name, handle) , type name, handle_t handle
#define METHODS_PARAMETER_SESSION , uint32_t word, handle_t handle

#define METHODS_GIVEN_NOTHING 0, HANDLE_NONE
#define METHODS_GIVEN_WORD(type, name) (uint32_t)(name), HANDLE_NONE
#define METHODS_GIVEN_HANDLE(name) 0, name
#define METHODS_GIVEN_WORD_AND_HANDLE(type, name, handle) (uint32_t)(name), handle
#define METHODS_GIVEN_SESSION word, handle

#define METHODS_RESULT_NOTHING
#define METHODS_RESULT_WORD(type, name) , type *name
#define METHODS_RESULT_HANDLE(name) , handle_t *name
#define METHODS_RESULT_WORD_AND_HANDLE(type, name, handle) , type *name, handle_t *handle

#define METHODS_ACCEPT_NOTHING NULL
#define METHODS_ACCEPT_WORD(type, name) NULL
#define METHODS_ACCEPT_HANDLE(name) name
#define METHODS_ACCEPT_WORD_AND_HANDLE(type, name, handle) handle

#define METHODS_STORE_NOTHING
#define METHODS_STORE_WORD(type, name) if (name) *name = (type)call_word;
#define METHODS_STORE_HANDLE(name)
#define METHODS_STORE_WORD_AND_HANDLE(type, name, handle) if (name) *name = (type)call_word;

/* A cast would cut what is wider, and round what is no integer. */
#define METHODS_INTEGER(type) \
    _Static_assert(sizeof(type) <= sizeof(uint32_t) && (type)1.5 != 1.5, #type " is no integer of at most 32 bits");
#define METHODS_CHECK_NOTHING
#define METHODS_CHECK_WORD(type, name) METHODS_INTEGER(type)
#define METHODS_CHECK_HANDLE(name)
#define METHODS_CHECK_WORD_AND_HANDLE(type, name, handle) METHODS_INTEGER(type)
#define METHODS_CHECK_SESSION _Static_assert(this_method == METHOD_SESSION_OPEN, "SESSION comes first");

#endif
