/* Both gates: entered and left, one call and its reply, chains of services. */
#include "../../servers/relay/relay.h"
#include "measure.h"

#define WORD 42u
#define CALLS 32u
#define CHAIN_LENGTH 16u
#define REFERENCE_TURNS 1000u

struct target {
    handle_t endpoint;
    uint32_t method;
};

/* Each loop is as tight as the compiler makes it: the stub, one OR for errors, the count. */

static __attribute__((noinline)) status_t empty_loop(uint32_t calls, void *unused)
{
    (void)unused;
    do
        __asm__ volatile("" : : : "memory");
    while (--calls);
    return OK;
}

/* Nothing of ours is in it: how fast the machine itself is in this run. 2 instructions a turn. */
static __attribute__((noinline)) status_t reference_loop(uint32_t calls, void *unused)
{
    uint32_t turns = calls * REFERENCE_TURNS;
    (void)unused;
    __asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(turns) : : "cc");
    return OK;
}

static __attribute__((noinline)) status_t null_by_int(uint32_t calls, void *unused)
{
    (void)unused;
    do
        gate_null_int();
    while (--calls);
    return OK;
}

static __attribute__((noinline)) status_t null_by_sysenter(uint32_t calls, void *unused)
{
    (void)unused;
    do
        gate_null_sysenter();
    while (--calls);
    return OK;
}

static __attribute__((noinline)) status_t call_by_int(uint32_t calls, void *argument)
{
    handle_t endpoint = ((const struct target *)argument)->endpoint;
    uint32_t method = ((const struct target *)argument)->method, reply;
    status_t failed = OK, status;
    do
        failed |= gate_call_int(endpoint, method, WORD, &reply, &status);
    while (--calls);
    return failed | status;
}

static __attribute__((noinline)) status_t call_by_sysenter(uint32_t calls, void *argument)
{
    handle_t endpoint = ((const struct target *)argument)->endpoint;
    uint32_t method = ((const struct target *)argument)->method, reply;
    status_t failed = OK, status;
    do
        failed |= gate_call_sysenter(endpoint, method, WORD, &reply, &status);
    while (--calls);
    return failed | status;
}

/* Against an echo the word itself counts: each call sends what the one before brought back, less one. */
static __attribute__((noinline)) status_t echo_by_int(uint32_t calls, void *argument)
{
    handle_t endpoint = ((const struct target *)argument)->endpoint;
    status_t failed = OK, status;
    do
        failed |= gate_call_int(endpoint, 0, calls, &calls, &status);
    while (--calls);
    return failed | status;
}

static __attribute__((noinline)) status_t echo_by_sysenter(uint32_t calls, void *argument)
{
    handle_t endpoint = ((const struct target *)argument)->endpoint;
    status_t failed = OK, status;
    do
        failed |= gate_call_sysenter(endpoint, 0, calls, &calls, &status);
    while (--calls);
    return failed | status;
}

/* To two services in turn: neither handle is that of the thread's last call. */
static __attribute__((noinline)) status_t echo_by_turns(uint32_t calls, void *argument)
{
    const struct target *targets = argument;
    handle_t first = targets[0].endpoint, second = targets[1].endpoint;
    status_t failed = OK, status;
    do {
        failed |= gate_call_sysenter(first, 0, calls, &calls, &status);
        failed |= gate_call_sysenter(second, 0, calls, &calls, &status);
    } while (calls -= 2);
    return failed | status;
}

static reply_t echo(const request_t *request)
{
    return reply(request->word);
}

static handle_t echo_in_this_space(bool int_gate)
{
    static const method_t methods[] = { echo };
    handle_t endpoint;
    must("server_start", server_start(&endpoint, methods, COUNT(methods), .workers = 1, .int_gate = int_gate));
    thread_yield(); /* the worker reaches its wait */
    return endpoint;
}

static void measure_round_trips(const char *space, handle_t by_int, handle_t by_sysenter)
{
    struct target int_target = { by_int, 0 }, sysenter_target = { by_sysenter, 0 };
    bool same = space[0] == 's';
    measure(&(struct measurement){ same ? "rtt/same/int" : "rtt/cross/int", echo_by_int, &int_target, 10000, CALLS });
    if (gate_sysenter_usable())
        measure(&(struct measurement){ same ? "rtt/same/sysenter" : "rtt/cross/sysenter", echo_by_sysenter,
                                       &sysenter_target, 10000, CALLS });
}

static void measure_alternating(handle_t endpoint)
{
    handle_t second;
    must("handle_duplicate", handle_duplicate(endpoint, RIGHTS_ALL, 0, &second));
    struct target targets[] = { { endpoint, 0 }, { second, 0 } };
    measure(&(struct measurement){ "rtt/alternating/sysenter", echo_by_turns, targets, 10000, CALLS });
    handle_close(second);
}

/* The last `length` links of a chain whose services are called NAME1 to NAME16. */
static void measure_chain(const char *chain, const char *gate, uint32_t length, uint32_t method,
                          status_t (*batch)(uint32_t calls, void *argument))
{
    char name[FIGURE_NAME];
    struct target target = { find(figure_name(name, "%s%u", chain, CHAIN_LENGTH + 1 - length)), method };
    figure_name(name, "chain/%u/%s", length, gate);
    measure(&(struct measurement){ name, batch, &target, 150, CALLS });
    handle_close(target.endpoint);
}

static void measure_chains(uint32_t length)
{
    measure_chain("int", "int", length, RELAY_INT, call_by_int);
    if (gate_sysenter_usable())
        measure_chain("relay", "sysenter", length, RELAY_SYSENTER, call_by_sysenter);
}

void measure_gates(void)
{
    if (!profiling()) /* there is nothing to look at */
        measure(&(struct measurement){ "reference/loop", reference_loop, NULL, 1000, 1 });
    measure(&(struct measurement){ "overhead/loop", empty_loop, NULL, 1000, CALLS });
    measure(&(struct measurement){ "gate/null/int", null_by_int, NULL, 10000, CALLS });
    if (gate_sysenter_usable())
        measure(&(struct measurement){ "gate/null/sysenter", null_by_sysenter, NULL, 10000, CALLS });
    handle_t same = echo_in_this_space(false), same_int = echo_in_this_space(true);
    count_threads_begin();
    measure_round_trips("same", same_int, same);
    measure_round_trips("cross", find("echo-int"), find("echo"));
    if (gate_sysenter_usable())
        measure_alternating(find("echo"));
    for (uint32_t length = 1; length <= CHAIN_LENGTH; length++)
        measure_chains(length);
    count_threads_end();
}
