/* Where a worker receives: what it said in its wait, whichever way its request, or the end of its wait, comes to it. The frame of
 * a worker that idles by the fast path says something else. */
#include "child.h"

#define USER_ERROR 4u   /* bit of a page fault's error code: it happened at CPL 3 */
#define METHOD_MOVE 1u  /* names the other place, by a wait that fails; others: */
#define SEGMENTS 4u
#define METHOD_LATE 2u  /* replies when told */

/* What a receiver finds at its ESP. Layout known to the code below. */
struct receiver {
    handle_t endpoint;
    const char *place;
    handle_t go;
    volatile uint32_t by_wait, at_first, at_second; /* how often something arrived there */
    volatile uint32_t eax, ebx, ecx, edx, esp;      /* of the last */
};

/* Waits, and replies through SYSENTER with the word and one more, ECX and EDX full of junk. A cancelled wait begins again. */
__asm__("receiver_entry:\n\t"
        "movl $3, %eax\n\t"         /* SYS_wait */
        "movl 0(%esp), %ecx\n\t"
        "movl 4(%esp), %edx\n\t"
        "int $250\n"
        "incl 12(%esp)\n\t"
        "jmp 1f\n"
        "first_place:\n\t"
        "incl 16(%esp)\n\t"
        "jmp 1f\n"
        "second_place:\n\t"
        "incl 20(%esp)\n"
        "1:\n\t"
        "movl %eax, 24(%esp)\n\t"
        "movl %ebx, 28(%esp)\n\t"
        "movl %ecx, 32(%esp)\n\t"
        "movl %edx, 36(%esp)\n\t"
        "movl %esp, 40(%esp)\n\t"
        "testl %eax, %eax\n\t"
        "js 4f\n\t"
        "cmpl $2, %esi\n\t"         /* METHOD_LATE */
        "je 3f\n\t"
        "cmpl $1, %esi\n\t"         /* METHOD_MOVE */
        "jne 2f\n\t"
        "movl $3, %eax\n\t"
        "movl 0(%esp), %ecx\n\t"
        "movl $second_place, %edx\n\t"
        "int $250\n"
        "2:\n\t"
        "incl %ebx\n\t"
        "xorl %esi, %esi\n\t"
        "movl $0xBAD1, %ecx\n\t"
        "movl $0xBAD2, %edx\n\t"
        "movl $-1, %eax\n\t"        /* OP_REPLY_WAIT */
        "sysenter\n"
        "3:\n\t"
        "pushl %ebx\n\t"
        "movl $41, %eax\n\t"        /* SYS_notification_wait */
        "movl 12(%esp), %ebx\n\t"
        "movl $1, %ecx\n\t"
        "movl $-1, %edx\n\t"
        "int $250\n\t"
        "popl %ebx\n\t"
        "jmp 2b\n"
        "4:\n\t"
        "cmpl $-11, %eax\n\t"       /* E_CANCELLED */
        "je receiver_entry\n\t"
        "cmpl $-13, %eax\n\t"       /* E_NO_CALLER */
        "je receiver_entry\n\t"
        "movl $25, %eax\n\t"        /* SYS_thread_exit */
        "int $250\n");
void receiver_entry(void);
extern const char first_place[], second_place[];
_Static_assert(SYS_wait == 3 && SYS_notification_wait == 41 && SYS_thread_exit == 25 && OP_REPLY_WAIT == -1, "as there");
_Static_assert(E_CANCELLED == -11 && E_NO_CALLER == -13, "as in receiver_entry");
_Static_assert(offsetof(struct receiver, by_wait) == 12 && offsetof(struct receiver, esp) == 40, "as in receiver_entry");

static struct {
    handle_t endpoint, thread;
    struct receiver *receiver;
    void *stack;
} servant;

static bool no_sysenter(void)
{
    if (gate_sysenter_usable())
        return false;
    test_skip("no SYSENTER");
    return true;
}

static void call_by(uint32_t gate, uint32_t method, uint32_t word)
{
    uint32_t answer = 0;
    expect_equal(call(&gates[gate], servant.endpoint, method, word, &answer), OK);
    expect_equal(answer, word + 1);
}

/* The first request comes out of the wait, the second by the fast path all the way: then the frame is stale. */
static void begin(void)
{
    expect_equal(endpoint_create(0, 0, &servant.endpoint), OK);
    servant.stack = pages_allocate(PAGE_SIZE);
    expect(servant.stack);
    servant.receiver = (struct receiver *)((uint32_t)servant.stack + PAGE_SIZE - sizeof(struct receiver));
    *servant.receiver = (struct receiver){ .endpoint = servant.endpoint, .place = first_place };
    expect_equal(notification_create(&servant.receiver->go), OK);
    expect_equal(thread_create(HANDLE_NONE, (uint32_t)receiver_entry, (uint32_t)servant.receiver, 0, PRIORITY_TESTS,
                               &servant.thread), OK);
    expect_passed();
    expect_equal(thread_start(servant.thread), OK);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    call_by(GATE_SYSENTER, 0, 1);
    call_by(GATE_SYSENTER, 0, 2);
    expect_equal(servant.receiver->by_wait, 1);
    expect_equal(servant.receiver->at_first, 1);
}

static void end(void)
{
    thread_destroy(servant.thread);
    handle_close(servant.thread);
    handle_close(servant.endpoint);
    handle_close(servant.receiver->go);
    pages_free(servant.stack, PAGE_SIZE);
}

/* So many came to the first place, and the last of them with the registers that SYSEXIT leaves. */
static void expect_received(uint32_t times)
{
    const struct receiver *receiver = servant.receiver;
    expect_equal(receiver->by_wait, 1);
    expect_equal(receiver->at_first, times);
    expect_equal(receiver->esp, (uint32_t)receiver);
    expect_equal(receiver->ecx, (uint32_t)receiver);
    expect_equal(receiver->edx, (uint32_t)first_place);
}

/* ---- requests ---- */

static void request_by_int(void)
{
    if (no_sysenter())
        return;
    begin();
    call_by(GATE_INT, 0, 3);
    expect_received(2);
    call_by(GATE_SYSENTER, 0, 4);
    call_by(GATE_INT, 0, 5);
    expect_received(4);
    end();
}

static void request_with_deadline(void)
{
    struct message message = { .word = 5, .handle = HANDLE_NONE };
    if (no_sysenter())
        return;
    begin();
    expect_equal(ipc_call(servant.endpoint, SECOND, &message), OK);
    expect_equal(message.word, 6);
    expect_received(2);
    end();
}

/* The reply finds a caller in the queue, and takes the C path. */
static void request_out_of_the_queue(void)
{
    struct client clients[2];
    if (no_sysenter())
        return;
    begin();
    for (uint32_t i = 0; i < COUNT(clients); i++) {
        clients[i] = (struct client){ .gate = &gates[GATE_SYSENTER], .endpoint = servant.endpoint,
                                      .method = i == 0 ? METHOD_LATE : 0, .word = 10 };
        client_start(&clients[i], PRIORITY_TESTS);
        thread_yield();
    }
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_QUEUE, 1));
    notification_signal(servant.receiver->go, 1);
    for (uint32_t i = 0; i < COUNT(clients); i++) {
        expect(task_wait(&clients[i].task));
        expect_equal(clients[i].reply, 11);
        task_end(&clients[i].task);
    }
    expect_received(3);
    end();
}

/* The caller has gone: the reply is an error, which arrives where a request would. */
static void error_of_a_late_reply(void)
{
    struct message message = { .word = 5, .method = METHOD_LATE, .handle = HANDLE_NONE };
    if (no_sysenter())
        return;
    begin();
    expect_equal(ipc_call(servant.endpoint, 1000, &message), E_TIMED_OUT);
    notification_signal(servant.receiver->go, 1);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    expect_equal(servant.receiver->eax, E_NO_CALLER);
    expect_received(3);
    end();
}

static void another_place(void)
{
    if (no_sysenter())
        return;
    begin();
    call_by(GATE_SYSENTER, METHOD_MOVE, 3);
    call_by(GATE_SYSENTER, 0, 4);
    call_by(GATE_INT, 0, 5);
    expect_equal(servant.receiver->at_first, 2);
    expect_equal(servant.receiver->at_second, 2);
    servant.receiver->place = first_place;
    expect_equal(thread_cancel(servant.thread), OK);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    expect_equal(servant.receiver->at_second, 3);
    call_by(GATE_SYSENTER, 0, 6); /* out of the new wait */
    call_by(GATE_SYSENTER, 0, 7);
    expect_equal(servant.receiver->by_wait, 2);
    expect_equal(servant.receiver->at_first, 3);
    end();
}

/* One of DS, ES, FS and GS is null with each reply: whichever the fast path comes upon first, the reply is still one. */
static handle_t null_endpoint;

static void reply_with_null_segments(struct task *task)
{
    struct raw raw = { .eax = SYS_wait, .ecx = null_endpoint, .eflags = 0x202 };
    (void)task;
    raw_int(&raw);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        raw = (struct raw){ .eax = (uint32_t)OP_REPLY_WAIT, .ebx = i, .eflags = 0x202, .mask = 1u << i };
        raw_reply_sysenter(&raw);
    }
}

static void null_segments(void)
{
    struct task worker;
    if (no_sysenter())
        return;
    expect_equal(endpoint_create(0, 0, &null_endpoint), OK);
    task_create(&worker, reply_with_null_segments, PRIORITY_TESTS);
    task_go(&worker);
    expect(endpoint_reaches(null_endpoint, ENDPOINT_IDLE, 1));
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        struct raw raw;
        raw_call(&raw, &gates[GATE_SYSENTER], null_endpoint, 0, 77, 0);
        raw_sysenter(&raw);
        expect_equal(raw.eax, OK);
        expect_equal(raw.ebx, i);
    }
    task_end(&worker);
    handle_close(null_endpoint);
}

/* ---- waits that end ---- */

static void wait_is_cancelled(void)
{
    if (no_sysenter())
        return;
    begin();
    expect_equal(thread_cancel(servant.thread), OK);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    expect_equal(servant.receiver->eax, E_CANCELLED);
    expect_received(2);
    end();
}

static uint32_t register_of(uint32_t which)
{
    uint32_t value = 0;
    return thread_read_register(servant.thread, which, &value) == OK ? value : 0xDEADBEEF;
}

static void expect_registers(void)
{
    expect_equal(register_of(REGISTER_EIP), (uint32_t)first_place);
    expect_equal(register_of(REGISTER_EDX), (uint32_t)first_place);
    expect_equal(register_of(REGISTER_ESP), (uint32_t)servant.receiver);
    expect_equal(register_of(REGISTER_ECX), (uint32_t)servant.receiver);
    expect_equal(register_of(REGISTER_EBP), 0);
}

static void registers_are_read(void)
{
    if (no_sysenter())
        return;
    begin();
    expect_registers();
    call_by(GATE_SYSENTER, 0, 3);
    expect_received(2);
    end();
}

static void stopped_and_started(void)
{
    if (no_sysenter())
        return;
    begin();
    expect_equal(thread_stop(servant.thread), OK);
    expect_registers();
    expect_equal(thread_start(servant.thread), OK);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    expect_equal(servant.receiver->eax, E_CANCELLED);
    expect_received(2);
    end();
}

static void sent_elsewhere(void)
{
    if (no_sysenter())
        return;
    begin();
    expect_equal(thread_stop(servant.thread), OK);
    expect_equal(thread_write_register(servant.thread, REGISTER_EIP, (uint32_t)second_place), OK);
    expect_equal(thread_start(servant.thread), OK);
    expect(endpoint_reaches(servant.endpoint, ENDPOINT_IDLE, 1));
    expect_equal(servant.receiver->at_first, 1);
    expect_equal(servant.receiver->at_second, 1);
    expect_equal(servant.receiver->esp, (uint32_t)servant.receiver);
    end();
}

/* Nobody can call it any more; its next wait fails, and it ends. */
static void endpoint_is_gone(void)
{
    if (no_sysenter())
        return;
    begin();
    expect_equal(handle_close(servant.endpoint), OK);
    expect_registers();
    expect_equal(thread_cancel(servant.thread), OK);
    thread_yield();
    expect_equal(servant.receiver->eax, E_BAD_HANDLE);
    expect_equal(servant.receiver->at_first, 2);
    expect_equal(servant.receiver->by_wait, 2);
    end();
}

/* ---- places that are none ---- */

static const uint32_t bad_places[] = { 0, 0x4FFFF000, 0xBFE00000, 0xC0000000, 0xC0100000, 0xFFFFFFFF };

/* Serves one request, or none: HANDLE_NONE is no endpoint. */
static uint32_t receive_nowhere(void)
{
    __asm__ volatile("int $250\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "movl %%esp, %%ecx\n\t"
                     "movl $1f, %%edx\n\t"
                     "movl $-1, %%eax\n\t"
                     "sysenter\n"
                     "1:"
                     :
                     : "a"(SYS_wait), "c"(SHARED->handles[0]), "d"(SHARED->words[0])
                     : "ebx", "esi", "edi", "memory", "cc");
    return 7;
}

static void expect_fault_at(struct child *child, uint32_t place)
{
    expect_equal(child_wait(child, 2 * SECOND), CHILD_FAULTED);
    expect_equal(child->registers[REGISTER_EIP], place);
    expect_equal(child->registers[REGISTER_FAULT_VECTOR], 14);
    expect(child->registers[REGISTER_FAULT_ERROR] & USER_ERROR);
}

static void reply_to_a_bad_place(void)
{
    if (no_sysenter())
        return;
    for (uint32_t i = 0; i < COUNT(bad_places) && !test_failed(); i++) {
        struct child child = { .on_fault = NULL };
        child_create(&child, CHILD_QUOTA);
        SHARED->handles[0] = HANDLE_NONE;
        SHARED->words[0] = bad_places[i];
        child_start(&child, receive_nowhere, PRIORITY_TESTS);
        expect_fault_at(&child, bad_places[i]);
        child_end(&child);
    }
}

/* The caller by whose request it faults is told; so it is by a request from C. */
static void request_at_a_bad_place(const struct gate *gate)
{
    if (no_sysenter())
        return;
    for (uint32_t i = 0; i < COUNT(bad_places) && !test_failed(); i++) {
        struct child child = { .on_fault = NULL };
        handle_t endpoint;
        uint32_t answer;
        expect_equal(endpoint_create(0, 0, &endpoint), OK);
        child_create(&child, CHILD_QUOTA);
        expect_passed();
        SHARED->handles[0] = child_give(&child, endpoint, RIGHT_SERVE);
        SHARED->words[0] = bad_places[i];
        child_start(&child, receive_nowhere, PRIORITY_TESTS);
        expect(endpoint_reaches(endpoint, ENDPOINT_IDLE, 1));
        expect_equal(call(&gates[GATE_SYSENTER], endpoint, 0, 1, &answer), OK);
        expect_equal(call(gate, endpoint, 0, 2, &answer), E_PEER_DIED);
        expect_fault_at(&child, bad_places[i]);
        child_end(&child);
        handle_close(endpoint);
    }
}

static const struct test_case cases[] = {
    { "a request by INT 250", request_by_int, NULL },
    { "a request with a deadline", request_with_deadline, NULL },
    { "a request out of the queue", request_out_of_the_queue, NULL },
    { "the error of a late reply", error_of_a_late_reply, NULL },
    { "another place", another_place, NULL },
    { "null segments in a reply", null_segments, NULL },
    { "a wait that is cancelled", wait_is_cancelled, NULL },
    { "registers of an idle worker", registers_are_read, NULL },
    { "stopped and started", stopped_and_started, NULL },
    { "sent elsewhere", sent_elsewhere, NULL },
    { "the endpoint is gone", endpoint_is_gone, NULL },
    { "a reply to a bad place", reply_to_a_bad_place, NULL },
    { "a request at a bad place", .run_gate = request_at_a_bad_place },
};
TEST_GROUP(waiting_tests, "waiting");
