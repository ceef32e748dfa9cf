/* hello: the first thing to see after `make run`: one call and one chain of calls, through both gates. */
#include "../echo/echo.h"
#include "../relay/relay.h"

#define CALLS 1000u
#define WORD 41u

typedef status_t (*gate_t)(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status);

struct gate {
    const char *name;
    gate_t call;
    uint32_t relay_method;
};

static status_t by_int(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call_int(endpoint, method, word, reply, status);
}

static status_t by_sysenter(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call_sysenter(endpoint, method, word, reply, status);
}

/* Time stamps per call, averaged; 0 if a call went wrong. */
static uint32_t measure(const struct gate *gate, handle_t service, uint32_t method, uint32_t *answer)
{
    status_t status = OK, failed = OK;
    uint64_t start = ticks();
    for (uint32_t i = 0; i < CALLS; i++) {
        failed |= gate->call(service, method, WORD, answer, &status);
        failed |= status;
    }
    uint32_t spent = (uint32_t)(ticks() - start);
    return failed ? 0 : spent / CALLS;
}

static void show(const struct gate *gate, handle_t echo, handle_t chain)
{
    uint32_t echoed = 0, relayed = 0;
    uint32_t call_ticks = measure(gate, echo, ECHO_WORD, &echoed);
    uint32_t chain_ticks = measure(gate, chain, gate->relay_method, &relayed);
    print("  %-9s echo(%u) = %u in %u ticks;  the chain of relays: %u + 1 = %u in %u ticks\n", gate->name, WORD,
          echoed, call_ticks, WORD, relayed, chain_ticks);
}

static uint32_t info(uint32_t which)
{
    uint32_t value = 0;
    system_info(which, &value);
    return value;
}

static void show_machine(void)
{
    print("\nPostern is up: %u processes, %u threads, %u KiB of memory free of %u\n", info(INFO_PROCESSES_ALIVE),
          info(INFO_THREADS_ALIVE), info(INFO_FRAMES_FREE) * 4, info(INFO_FRAMES_TOTAL) * 4);
}

int main(void)
{
    static const struct gate gates[] = {
        { "INT 250", by_int, RELAY_INT },
        { "SYSENTER", by_sysenter, RELAY_SYSENTER },
    };
    handle_t echo, chain;
    status_t status = service_find("echo", &echo);
    if (status == OK)
        status = service_find("relay1", &chain);
    if (status != OK) {
        print("hello: %s\n", status_text(status));
        return status;
    }
    show_machine();
    uint32_t threads = info(INFO_THREADS_CREATED);
    for (uint32_t i = 0; i < (gate_sysenter_usable() ? COUNT(gates) : 1u); i++)
        show(&gates[i], echo, chain);
    print("  threads created by these calls: %u\n\n", info(INFO_THREADS_CREATED) - threads);
    return 0;
}
