/* A partner that misbehaves as a service and as a client: tests/hostile, several times in the system list. */
#include "child.h"
#include "supervision.h"

#include "tests/hostile/hostile.h"

#define SHORT 20000u

static void find(const char *name, handle_t *endpoint)
{
    *endpoint = HANDLE_NONE;
    expect_equal(service_find(name, endpoint), OK);
}

static void expect_echo(const struct gate *gate, handle_t partner)
{
    uint32_t answer = 0;
    expect_equal(call(gate, partner, HOSTILE_ECHO, 0x5EED, &answer), OK);
    expect_equal(answer, 0x5EED);
}

static void behaves_when_asked(const struct gate *gate)
{
    handle_t partner;
    find("hostile", &partner);
    expect_echo(gate, partner);
    handle_close(partner);
}

/* It ends in the middle of a request: that caller and later ones are told, and so is whoever asks for its name. */
static void expect_end(const char *name, uint32_t method)
{
    handle_t partner, again;
    uint32_t answer;
    find(name, &partner);
    expect_passed();
    expect_equal(service_call(partner, method, 0, &answer), E_PEER_DIED);
    expect_equal(service_call(partner, HOSTILE_ECHO, 0, &answer), E_PEER_DIED);
    expect_equal(service_find(name, &again), E_PEER_DIED);
    handle_close(partner);
}

static void exits(void) { expect_end("hostile-exit", HOSTILE_EXIT); }
static void faults(void) { expect_end("hostile-fault", HOSTILE_FAULT); }
static void loses_its_stack(void) { expect_end("hostile-stack", HOSTILE_UNMAP_STACK); }

/* faults=thread: only the worker ends, and another one takes its place. */
static void worker_faults(const struct gate *gate)
{
    handle_t partner;
    uint32_t answer;
    find("hostile-thread", &partner);
    expect_passed();
    const struct process_entry *entry = entry_of("hostile-thread");
    uint32_t workers = entry->workers;
    expect_equal(call(gate, partner, HOSTILE_FAULT, 0, &answer), E_PEER_DIED);
    expect_echo(gate, partner);
    expect(reaches(&entry->workers, workers));
    handle_close(partner);
}

static void never_replies(void)
{
    handle_t partner;
    uint32_t answer;
    find("hostile", &partner);
    expect_passed();
    expect_equal(service_call_full(partner, HOSTILE_SILENT, 0, SHORT, HANDLE_NONE, &answer, NULL), E_TIMED_OUT);
    expect_echo(&gates[GATE_INT], partner);
    handle_close(partner);
}

/* Its reply leaves a gate with every dangerous flag and null segments; none of it may arrive here. */
static void garbage_replies(const struct gate *gate)
{
    handle_t partner;
    find("hostile", &partner);
    for (uint32_t i = 0; i < HOSTILE_GARBAGE_KINDS && !test_failed(); i++) {
        struct raw raw;
        raw_call(&raw, gate, partner, HOSTILE_GARBAGE, i, 0x600D);
        raw_enter(gate, &raw);
        expect_equal(raw.eax, OK);
        expect_equal(raw.ebx, i + 1);
        expect_equal(raw.eflags & 0x47F00 & ~0x200u, 0);
        expect_equal(raw.ds | raw.es << 8 | raw.fs << 16 | raw.gs << 24, 0x23232323);
        if (gate->sysenter)
            expect_equal(raw.edi | raw.ebp, 0);
        else
            expect_equal(raw.ebp, 0x600D);
        expect_echo(gate, partner);
    }
    handle_close(partner);
}

static void reply_with_foreign_handle(const struct gate *gate)
{
    handle_t partner, received = HANDLE_NONE;
    uint32_t answer;
    find("hostile", &partner);
    expect_passed();
    expect_equal(service_call_full(partner, HOSTILE_BAD_HANDLE, 0, TIMEOUT_NEVER, HANDLE_NONE, &answer, &received),
                 E_BAD_HANDLE);
    expect_equal(received, HANDLE_NONE);
    expect_echo(gate, partner);
    handle_close(partner);
}

/* A thread of the service that serves nobody replies; the caller must get the reply of the one who serves it. */
static void forged_reply(const struct gate *gate)
{
    handle_t partner;
    uint32_t answer = 0;
    find("hostile", &partner);
    expect_passed();
    expect_equal(call(gate, partner, HOSTILE_FORGE, 0, &answer), OK);
    expect_equal(answer, E_NO_CALLER);
    handle_close(partner);
}

/* It calls back through the handle that came with the request, in every wrong way that it knows. */
static void hostile_client(const struct gate *gate)
{
    handle_t partner, door;
    uint32_t answer = 0;
    find("hostile", &partner);
    expect_passed();
    expect_equal(handle_duplicate(gate->services->pool, RIGHT_CALL | RIGHT_TRANSFER, 9, &door), OK);
    expect_equal(service_call_full(partner, HOSTILE_CALL_BACK, gate->sysenter, TIMEOUT_NEVER, door, &answer, NULL), OK);
    expect_equal(answer, HOSTILE_CALLS_BACK);
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 4, &answer), OK);
    expect_equal(answer, 4);
    handle_close(partner);
}

static void eats_its_quota(const struct gate *gate)
{
    handle_t partner;
    uint32_t answer = 0;
    find("hostile", &partner);
    expect_passed();
    expect_equal(call(gate, partner, HOSTILE_EAT, 0, &answer), OK);
    expect(answer > 0);
    expect_echo(gate, partner);
    handle_close(partner);
}

static const struct test_case cases[] = {
    { "the partner can behave", .run_gate = behaves_when_asked },
    { "it exits while serving", exits, NULL },
    { "it faults while serving", faults, NULL },
    { "it unmaps its own stack while serving", loses_its_stack, NULL },
    { "one of its workers faults", .run_gate = worker_faults },
    { "it never replies", never_replies, NULL },
    { "it replies with dangerous flags and segments", .run_gate = garbage_replies },
    { "it replies with a handle that is not its own", .run_gate = reply_with_foreign_handle },
    { "it forges a reply", .run_gate = forged_reply },
    { "it is a hostile client", .run_gate = hostile_client },
    { "it eats its quota", .run_gate = eats_its_quota },
};
TEST_GROUP(hostile_tests, "hostile");
