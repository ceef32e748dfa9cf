/* One case for each defect that was found, numbered in the order in which they were. */
#include "child.h"

#include <init.h>

#define AC 0x00040000u
#define DF 0x00000400u
#define ID 0x00200000u
#define LOW_PRIORITY (PRIORITY_TESTS - 8)
#define HIGH_PRIORITY (PRIORITY_TESTS + 4)
#define SPIN_MICROSECONDS 300000u
#define MAPPINGS 4000u
#define AT_ONCE 32u /* mappings that one call unmaps: the limit */
#define TABLE_FULL 1100u /* more handles than a table holds */
#define DEATH_LIMIT_MS 500u
#define SETTLE_TRIES 1000u

/* ---- 1 ---- */

static uint32_t end_at_once(void)
{
    return 7;
}

/* INT 250 left without looking at cpu->reschedule when the calling thread had died: whoever its death made ready
 * waited for the next interrupt. */
static void death_on_an_idle_cpu(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t before = uptime();
    uint32_t outcome = child_run(&child, end_at_once, NULL);
    uint32_t waited = uptime() - before;
    child_end(&child);
    expect_passed();
    expect_equal(outcome, CHILD_ENDED);
    expect(waited < DEATH_LIMIT_MS);
}

/* ---- 2 ---- */

static handle_t answering_endpoint;

static void answer_with_alignment_check(struct task *task)
{
    struct raw wait = { .eax = SYS_wait, .ecx = answering_endpoint, .eflags = 0x202 };
    struct raw reply = { .eax = SYS_reply_wait, .ebx = 5, .esi = OK, .edi = HANDLE_NONE, .eflags = 0x202 | AC };
    (void)task;
    raw_int(&wait);
    raw_int(&reply);
}

/* INT does not clear AC, and without SMAP nor did the kernel: SYSEXIT handed a worker's AC to its client. */
static void flags_of_a_reply(const struct gate *gate)
{
    struct task worker;
    struct raw raw;
    expect_equal(endpoint_create(0, 0, &answering_endpoint), OK);
    task_create(&worker, answer_with_alignment_check, PRIORITY_TESTS);
    task_go(&worker);
    expect_passed();
    expect(endpoint_reaches(answering_endpoint, ENDPOINT_IDLE, 1));
    raw_call(&raw, gate, answering_endpoint, METHOD_ECHO, 4, 0);
    raw_enter(gate, &raw);
    task_end(&worker);
    handle_close(answering_endpoint);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx, 5);
    expect_equal(raw.eflags & AC, 0);
}

/* ---- 3 ---- */

#define SUPERVISORS 150u
#define CHAIN_QUOTA (30u * 1024u)
#define CODE_ADDRESS 0x10000u

/* EBX: endpoint. Waits for a fault report, and then faults itself. */
static const uint8_t wait_and_fault[] = { 0x89, 0xD9, 0xB8, SYS_wait, 0, 0, 0, 0xCD, 0xFA, 0x0F, 0x0B };
#define FAULT_AT_ONCE (CODE_ADDRESS + sizeof(wait_and_fault) - 2)

static struct {
    handle_t code, endpoints[SUPERVISORS], processes[SUPERVISORS];
} chain;

static void prepare_code(void)
{
    uint32_t window = address_reserve(1);
    expect_equal(memory_create(1, 0, &chain.code), OK);
    expect_equal(process_map(HANDLE_NONE, chain.code, window, PROTECT_READ | PROTECT_WRITE, 0, 1), OK);
    memcpy((void *)window, wait_and_fault, sizeof(wait_and_fault));
    process_unmap(HANDLE_NONE, window, 1);
    address_release(window, 1);
}

/* Number `i` is supervised through endpoint i, and serves the endpoint before it; the first one just faults. */
static void start_supervisor(uint32_t i)
{
    handle_t there = HANDLE_NONE, thread;
    expect_equal(endpoint_create(ENDPOINT_TAKES_HANDLES, 0, &chain.endpoints[i]), OK);
    expect_equal(process_create(CHAIN_QUOTA, chain.endpoints[i], 0, 0, &chain.processes[i]), OK);
    expect_equal(process_map(chain.processes[i], chain.code, CODE_ADDRESS, PROTECT_READ | PROTECT_EXECUTE, 0, 1), OK);
    if (i > 0)
        expect_equal(process_give(chain.processes[i], chain.endpoints[i - 1], RIGHT_SERVE, &there), OK);
    expect_equal(thread_create(chain.processes[i], i ? CODE_ADDRESS : FAULT_AT_ONCE, 0, there, PRIORITY_TESTS, &thread), OK);
    expect_equal(thread_start(thread), OK);
    handle_close(thread);
}

static void end_chain(void)
{
    for (uint32_t i = 0; i < SUPERVISORS && chain.processes[i]; i++) {
        expect_equal(process_fact(chain.processes[i], PROCESS_THREADS), 0);
        expect_equal(process_destroy(chain.processes[i], 0), OK);
        handle_close(chain.processes[i]);
        handle_close(chain.endpoints[i]);
    }
    handle_close(chain.code);
}

/* Each thread ended its caller, which ended its own: the kernel stack grew with the chain. */
static void chain_of_faulting_supervisors(void)
{
    memset(&chain, 0, sizeof(chain));
    prepare_code();
    for (uint32_t i = 0; i < SUPERVISORS && !test_failed(); i++)
        start_supervisor(i);
    expect_passed();
    expect(endpoint_reaches(chain.endpoints[SUPERVISORS - 1], ENDPOINT_QUEUE, 1));
    handle_close(chain.endpoints[SUPERVISORS - 1]);
    end_chain();
}

/* ---- 4 and 5: the frame of a thread in a SYSENTER call holds results, EIP and ESP; the rest is older ---- */

static struct raw low_raw;

/* Leaves DF, ECX, EDX and EBP in its frame by INT 250, and then waits in a SYSENTER call. */
static void leave_old_frame(struct task *task)
{
    struct raw null = { .eax = SYS_null, .ecx = 0x1111, .edx = 0x2222, .ebp = 0x3333, .eflags = 0x202 | DF };
    (void)task;
    raw_call(&low_raw, &gates[GATE_SYSENTER], services[GATE_SYSENTER].single, METHOD_HOLD, 0, 0x4444);
    raw_int(&null);
    raw_sysenter(&low_raw);
}

static void start_low(struct task *low)
{
    uint32_t ignored;
    call(&gates[GATE_SYSENTER], services[GATE_SYSENTER].single, METHOD_ECHO, 1, &ignored); /* its worker waits by SYSENTER */
    task_create(low, leave_old_frame, LOW_PRIORITY);
    task_go(low);
    expect(service_entered());
}

static void expect_whole_frame(void)
{
    expect_equal(low_raw.eflags & DF, 0);
    expect_equal(low_raw.ebp, 0);
    expect_equal(low_raw.ecx, low_raw.esp);
    expect_equal(low_raw.edx, (uint32_t)raw_sysenter_return);
}

static bool skip_without_sysenter(void)
{
    if (!gate_sysenter_usable())
        test_skip("no SYSENTER");
    return !gate_sysenter_usable();
}

/* The reply came through C, and a better thread took the CPU before the SYSEXIT: it then left by IRET. */
static void preempted_on_the_way_out(void)
{
    const handle_t single = services[GATE_SYSENTER].single;
    struct client high = { .gate = &gates[GATE_SYSENTER], .endpoint = single, .method = METHOD_ECHO };
    struct task low;
    if (skip_without_sysenter())
        return;
    start_low(&low);
    expect_passed();
    client_start(&high, HIGH_PRIORITY);
    expect(endpoint_reaches(single, ENDPOINT_QUEUE, 1));
    notification_signal(release, 1);
    expect(task_wait(&high.task) && task_wait(&low));
    task_end(&high.task);
    task_end(&low);
    expect_equal(low_raw.eax, OK);
    expect_whole_frame();
}

/* Writing one register makes a thread leave by IRET, with all the others. */
static void register_written_in_a_call(void)
{
    struct task low;
    if (skip_without_sysenter())
        return;
    start_low(&low);
    expect_passed();
    expect_equal(thread_stop(low.thread), OK);
    expect_equal(thread_write_register(low.thread, REGISTER_EBX, 99), OK);
    expect_equal(thread_start(low.thread), OK);
    expect(task_wait(&low));
    notification_signal(release, 1);
    task_end(&low);
    expect_equal(low_raw.ebx, 99);
    expect_whole_frame();
}

/* ---- 6 ---- */

static handle_t inversion_endpoint;

static void call_slowly(struct task *task)
{
    uint32_t ignored;
    (void)task;
    call(&gates[GATE_INT], inversion_endpoint, METHOD_ECHO, 0, &ignored);
}

static void serve_slowly(struct task *task)
{
    struct message message = { .word = 0 };
    (void)task;
    if (ipc_wait(inversion_endpoint, &message) < 0)
        return;
    spin(SPIN_MICROSECONDS);
    message = (struct message){ .status = OK, .handle = HANDLE_NONE };
    ipc_reply_wait(&message);
}

/* A worker that begins to wait and finds a caller goes on with that one's budget: worse than who is ready. */
static void worker_meets_a_worse_caller(void)
{
    struct task low, worker;
    handle_t slow;
    expect_equal(endpoint_create(0, 0, &inversion_endpoint), OK);
    task_create(&low, call_slowly, LOW_PRIORITY);
    expect_equal(budget_create(LOW_PRIORITY, SECOND, &slow), OK);
    expect_equal(budget_bind(slow, low.thread), OK);
    handle_close(slow);
    task_go(&low);
    expect(endpoint_reaches(inversion_endpoint, ENDPOINT_QUEUE, 1));
    task_create(&worker, serve_slowly, HIGH_PRIORITY);
    uint32_t before = uptime();
    task_go(&worker);
    uint32_t waited = uptime() - before;
    expect(task_wait(&low));
    task_end(&low);
    task_end(&worker);
    handle_close(inversion_endpoint);
    expect(waited < SPIN_MICROSECONDS / 2000);
}

/* ---- 7 ---- */

static void unmap_each(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i += AT_ONCE)
        expect_equal(process_unmap(HANDLE_NONE, CHILD_SCRATCH + i * PAGE_SIZE, AT_ONCE), OK);
}

/* The list of mappings was searched from its head for each that goes, with interrupts off: over a second. */
static void unmapping_many(void)
{
    handle_t memory;
    expect_equal(memory_create(1, 0, &memory), OK);
    for (uint32_t i = 0; i < 2 * MAPPINGS; i++)
        expect_equal(process_map(HANDLE_NONE, memory, CHILD_SCRATCH + i * PAGE_SIZE, PROTECT_READ, 0, 1), OK);
    uint32_t before = uptime();
    unmap_each(MAPPINGS, 2 * MAPPINGS);
    uint32_t took = uptime() - before;
    unmap_each(0, MAPPINGS);
    handle_close(memory);
    expect(took < 200);
}

/* ---- 8 ---- */

/* Of the flags that users may change, ID went from the client to the worker. */
static void id_of_the_client(const struct gate *gate)
{
    struct raw raw;
    uint32_t ignored;
    call(gate, gate->services->pool, METHOD_ECHO, 0, &ignored); /* a worker now waits by this gate */
    raw_call(&raw, gate, gate->services->pool, METHOD_FLAGS, 0, 0);
    raw.eflags |= ID;
    raw_enter(gate, &raw);
    expect_equal(raw.eax, OK);
    expect_equal(raw.ebx & ID, 0);
}

/* ---- 9 ---- */

/* 1 / 0 with that exception unmasked: it stays pending until the next x87 instruction, and there is none. */
static void leave_exception_pending(struct task *task)
{
    static const uint16_t control = 0x37B;
    (void)task;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp %%st, %%st(1)\n\tmovl %1, %%eax\n\tint $250"
                     : : "m"(control), "i"(SYS_thread_exit) : "eax", "memory");
}

/* Without FXSR, the kernel's FRSTOR for the next owner met the exception (Bochs; QEMU hides it). */
static void pending_fpu_exception(void)
{
    struct task task;
    task_create(&task, leave_exception_pending, HIGH_PRIORITY);
    task_go(&task);
    __asm__ volatile("fninit");
    task_end(&task);
}

/* ---- 10 ---- */

/* Watches were charged to the watched: whoever might read it could use up its quota. */
static void watches_of_others(void)
{
    struct child child = { .on_fault = NULL };
    handle_t weak, events;
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    uint32_t used = process_fact(child.process, PROCESS_QUOTA_USED);
    expect_equal(handle_duplicate(child.process, RIGHT_READ, 0, &weak), OK);
    expect_equal(notification_create(&events), OK);
    for (uint32_t i = 0; i < 100; i++)
        expect_equal(process_watch(weak, events, 1), OK);
    expect_equal(process_fact(child.process, PROCESS_QUOTA_USED), used);
    child_end(&child);
    handle_close(weak);
    handle_close(events);
}

/* ---- 11 ---- */

static uint32_t leave_orphan(void)
{
    handle_t process;
    return process_create(CHILD_QUOTA / 2, HANDLE_NONE, 0, 0, &process) == OK ? 1 : 2;
}

/* What a process has created lived on when it died, with nobody to name it, and its quota never came back. */
static void orphans(void)
{
    struct child child = { .on_fault = NULL };
    uint32_t limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), alive = info(INFO_PROCESSES_ALIVE);
    expect_equal(child_run(&child, leave_orphan, NULL), CHILD_ENDED);
    uint32_t code = child_exit_code(&child);
    child_end(&child);
    expect_equal(code, 1);
    expect_equal(info(INFO_PROCESSES_ALIVE), alive);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
}

/* ---- 12 ---- */

static handle_t long_budget;
static volatile uint32_t shortened_at, other_at;

static void shorten_slice(struct task *task)
{
    (void)task;
    shortened_at = uptime();
    budget_set(long_budget, LOW_PRIORITY, 1000);
    spin(SPIN_MICROSECONDS);
}

static void note_time(struct task *task)
{
    (void)task;
    other_at = uptime();
}

/* The clock was still set for the end of the old slice. */
static void shorter_slice(void)
{
    struct task shortener, other;
    expect_equal(budget_create(LOW_PRIORITY, SECOND, &long_budget), OK);
    task_create(&shortener, shorten_slice, LOW_PRIORITY);
    task_create(&other, note_time, LOW_PRIORITY);
    expect_equal(budget_bind(long_budget, shortener.thread), OK);
    task_go(&shortener);
    task_go(&other);
    expect(task_wait(&shortener) && task_wait(&other));
    task_end(&shortener);
    task_end(&other);
    handle_close(long_budget);
    expect(other_at - shortened_at < SPIN_MICROSECONDS / 2000);
}

/* ---- 13, 14, 15: a service must not be left with handles that it never asked for ---- */

static status_t ask_init(uint32_t timeout, handle_t attach, handle_t *received)
{
    struct message message = { .word = name_hash("echo", NAME_HASH_ASK), .method = INIT_FIND, .handle = attach };
    status_t status = ipc_call(init_endpoint(), timeout, &message);
    *received = message.handle;
    return status;
}

static void expect_init_serves(void)
{
    handle_t echo;
    expect_equal(service_find("echo", &echo), OK);
    handle_close(echo);
}

/* init takes handles, and closes those that a method has no use for. */
static void unasked_handles(void)
{
    handle_t notification, copy, ignored;
    expect_equal(notification_create(&notification), OK);
    for (uint32_t i = 0; i < TABLE_FULL; i++) {
        expect_equal(handle_duplicate(notification, RIGHTS_ALL, 0, &copy), OK);
        expect_equal(ask_init(TIMEOUT_NEVER, copy, &ignored), OK);
        expect_equal(handle_close(copy), E_BAD_HANDLE);
    }
    handle_close(notification);
    expect_init_serves();
}

/* Late replies with a handle left it with the service. */
static void handles_of_late_replies(void)
{
    handle_t received = HANDLE_NONE;
    for (uint32_t i = 0; i < TABLE_FULL; i++)
        if (ask_init(0, HANDLE_ACCEPT, &received) == OK)
            handle_close(received);
    expect_init_serves();
}

/* So did replies to a client whose table was full. */
static void handles_for_a_full_table(void)
{
    static handle_t copies[TABLE_FULL];
    handle_t notification, received;
    uint32_t count = 0, refused = 0;
    expect_equal(notification_create(&notification), OK);
    while (count < TABLE_FULL && handle_duplicate(notification, RIGHTS_ALL, 0, &copies[count]) == OK)
        count++;
    for (uint32_t i = 0; i < TABLE_FULL; i++)
        refused += ask_init(TIMEOUT_NEVER, HANDLE_ACCEPT, &received) == E_NO_MEMORY;
    while (count)
        handle_close(copies[--count]);
    handle_close(notification);
    expect_equal(refused, TABLE_FULL);
    expect_init_serves();
}

/* ---- 16 ---- */

/* Pages of kernel structures stayed with their cache for ever, charged to nobody. */
static void frames_come_back(void)
{
    handle_t memory;
    unmapping_many(); /* makes the page tables, which stay charged */
    expect_passed();
    expect_equal(memory_create(1, 0, &memory), OK);
    uint32_t before = info(INFO_FRAMES_FREE);
    for (uint32_t i = 0; i < MAPPINGS; i++)
        expect_equal(process_map(HANDLE_NONE, memory, CHILD_SCRATCH + i * PAGE_SIZE, PROTECT_READ, 0, 1), OK);
    uint32_t during = info(INFO_FRAMES_FREE);
    unmap_each(0, MAPPINGS);
    handle_close(memory);
    expect(during < before - MAPPINGS / 100);
    expect(info(INFO_FRAMES_FREE) + 2 >= before);
}

/* ---- 17 ---- */

/* A process that had ended kept all of its quota as long as a handle named it, and a restarted service found none left. */
static void quota_comes_back_before_the_last_handle(void)
{
    handle_t process;
    uint32_t before = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    expect_equal(process_create(1 << 20, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), before - (1 << 20));
    expect_equal(process_destroy(process, 0), OK);
    expect(before - process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT) < PAGE_SIZE);
    handle_close(process);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), before);
}

/* ---- 18 ---- */

/* Whoever could call a service could make it the supervisor of processes, whose faults then filled its table with handles. */
static void service_as_supervisor(void)
{
    handle_t endpoint, process, threads[4];
    uint32_t before = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    expect_equal(service_find("echo", &endpoint), OK);
    expect_equal(process_create(65536, endpoint, 1, 0, &process), E_NO_RIGHT);
    handle_close(endpoint);
    expect_equal(process_create(65536, services[GATE_INT].single, 1, PRIORITY_TESTS, &process), OK); /* takes handles */
    for (uint32_t i = 0; i < COUNT(threads); i++) {
        expect_equal(thread_create(process, 0, 0, 0, PRIORITY_TESTS, &threads[i]), OK);
        expect_equal(thread_start(threads[i]), OK);
    }
    for (uint32_t i = 0; i < SETTLE_TRIES && process_fact(process, PROCESS_THREADS) > 0; i++)
        sleep_microseconds(1000);
    expect_equal(process_fact(process, PROCESS_THREADS), 0);
    for (uint32_t i = 0; i < COUNT(threads); i++)
        handle_close(threads[i]);
    process_destroy(process, 0);
    handle_close(process);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), before); /* the service has kept no handle */
}

/* ---- 19 ---- */

/* A request did not count for its badge any more once its caller had left it, so a client had every worker of a capped pool by
 * leaving call after call at a deadline. */
static void calls_that_were_left(const struct gate *gate)
{
    handle_t client;
    uint32_t answer, bits;
    expect_equal(handle_duplicate(gate->services->capped, RIGHT_CALL, 5, &client), OK);
    expect_equal(service_call_full(client, METHOD_HOLD, 0, 1000, HANDLE_NONE, NULL, NULL), E_TIMED_OUT);
    expect_equal(service_call_full(client, METHOD_HOLD, 0, 1000, HANDLE_NONE, NULL, NULL), E_BUSY);
    expect_equal(call(gate, client, METHOD_ECHO, 1, &answer), E_BUSY);
    expect_equal(call(gate, gate->services->capped, METHOD_ECHO, 1, &answer), OK);
    expect_equal(notification_signal(release, 1), OK);
    expect(endpoint_reaches(gate->services->capped, ENDPOINT_IDLE, 4));
    expect_equal(call(gate, client, METHOD_ECHO, 2, &answer), OK);
    expect_equal(answer, 2);
    handle_close(client);
    notification_wait(entered, 1, 0, &bits);
}

/* ---- 27 ---- */

#define YIELDS 20000u

static struct {
    volatile bool woken;
    volatile uint32_t yields, ended;
} yielding;

static void yield_often(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i < YIELDS && !yielding.woken; i++) {
        yielding.yields++;
        thread_yield();
    }
    yielding.ended++;
}

/* Each switch sets the clock. Where that is the PIT, switches that follow each other sooner than it counts once began its count
 * again and again, and nobody woke until they were over. */
static void clock_among_switches(void)
{
    handle_t thread;
    memset((void *)&yielding, 0, sizeof(yielding));
    for (uint32_t i = 0; i < 2; i++) {
        expect_equal(thread_spawn(yield_often, NULL, PRIORITY_TESTS - 1, &thread), OK);
        handle_close(thread);
    }
    expect_equal(sleep_microseconds(1000), OK);
    uint32_t yields = yielding.yields;
    yielding.woken = true;
    for (uint32_t i = 0; i < SETTLE_TRIES && yielding.ended < 2; i++)
        sleep_microseconds(1000);
    expect_equal(yielding.ended, 2);
    expect((yields > 0 && yields < 2 * YIELDS) || !ticks_are_instructions());
}

/* ---- 28 ---- */

#define MIXED 5u            /* who wait for one signal: one more than a step wakes, the last of them of the highest priority */
#define MIXED_LOW (PRIORITY_TESTS - 2)

static struct {
    struct task tasks[MIXED];
    handle_t events;
    volatile bool last_woken, over;
} mixed;

static void wait_and_spin(struct task *task)
{
    uint32_t number = (uint32_t)(task - mixed.tasks), bits;
    notification_wait(mixed.events, 1u << number, TIMEOUT_NEVER, &bits);
    if (number == MIXED - 1)
        mixed.last_woken = true;
    else
        while (!mixed.over)
            ;
}

/* On an idle CPU the clock signals several at once: those that were woken first kept the CPU, and one of higher priority that was
 * left for the way out of the kernel was not woken before they blocked. */
static void signal_for_several(void)
{
    mixed.last_woken = mixed.over = false;
    expect_equal(notification_create(&mixed.events), OK);
    for (uint32_t i = 0; i < MIXED; i++) {
        task_create(&mixed.tasks[i], wait_and_spin, i == MIXED - 1 ? PRIORITY_TESTS - 1 : MIXED_LOW);
        expect_passed();
        task_go(&mixed.tasks[i]);
        sleep_microseconds(1000);
    }
    expect_equal(notification_timer(mixed.events, (1u << MIXED) - 1, 2000), OK);
    sleep_microseconds(20000);
    bool in_time = mixed.last_woken;
    mixed.over = true;
    for (uint32_t i = 0; i < MIXED; i++) {
        expect(task_wait(&mixed.tasks[i]));
        task_end(&mixed.tasks[i]);
    }
    handle_close(mixed.events);
    expect(in_time);
}

/* ---- 29 ---- */

#define FREED_PAGES 900u
#define FREED_NAPS 20u
#define OWN_WORK_MAX 10000u /* instructions of a call that leaves a little work */

static handle_t freed;

static void close_it(struct task *task)
{
    (void)task;
    handle_close(freed);
}

/* Whoever left some work behind while that of a lower priority was under way had to see the end of both. */
static void own_work_first(void)
{
    handle_t own[FREED_NAPS];
    struct task task;
    uint32_t longest = 0, halves = 0;
    expect_equal(memory_create(FREED_PAGES, 0, &freed), OK);
    for (uint32_t i = 0; i < FREED_NAPS; i++)
        expect_equal(memory_create(1, 0, &own[i]), OK);
    task_create(&task, close_it, PRIORITY_TESTS - 2);
    expect_passed();
    uint32_t before = info(INFO_FRAMES_FREE);
    task_go(&task);
    for (uint32_t i = 0; i < FREED_NAPS; i++) {
        sleep_microseconds(10);
        uint32_t back = info(INFO_FRAMES_FREE) - before;
        uint64_t began = ticks();
        handle_close(own[i]);
        uint32_t took = (uint32_t)(ticks() - began);
        longest = took > longest ? took : longest;
        halves += back > FREED_NAPS * 2 && back < FREED_PAGES;
    }
    expect(task_wait(&task));
    task_end(&task);
    if (!ticks_are_instructions())
        return;
    print("# own work while there is other: %u instructions at most, %u times half-way\n", longest, halves);
    expect(halves > 0);
    expect(longest < OWN_WORK_MAX);
}

static const struct test_case cases[] = {
    { "1: a death readies another thread on an idle CPU", death_on_an_idle_cpu, NULL },
    { "2: AC of a worker that replies by INT 250", .run_gate = flags_of_a_reply },
    { "3: a chain of supervisors that fault", chain_of_faulting_supervisors, NULL },
    { "4: preempted on the way out by SYSEXIT", preempted_on_the_way_out, NULL },
    { "5: a register written in a SYSENTER call", register_written_in_a_call, NULL },
    { "6: a worker meets a caller of worse priority", worker_meets_a_worse_caller, NULL },
    { "7: thousands of mappings unmapped at once", unmapping_many, NULL },
    { "8: the client's ID flag", .run_gate = id_of_the_client },
    { "9: an x87 exception left pending", pending_fpu_exception, NULL },
    { "10: watches are charged to who watches", watches_of_others, NULL },
    { "11: processes end with the one that created them", orphans, NULL },
    { "12: a slice made shorter while it runs", shorter_slice, NULL },
    { "13: handles that a service did not ask for", unasked_handles, NULL },
    { "14: handles in late replies", handles_of_late_replies, NULL },
    { "15: handles in replies to a full table", handles_for_a_full_table, NULL },
    { "16: memory of kernel structures comes back", frames_come_back, NULL },
    { "17: quota comes back before the last handle goes", quota_comes_back_before_the_last_handle, NULL },
    { "18: a service made the supervisor of others", service_as_supervisor, NULL },
    { "19: a cap, and calls that were left", .run_gate = calls_that_were_left },
    { "27: the clock goes on among switches", clock_among_switches, NULL },
    { "28: a signal for several, on an idle CPU", signal_for_several, NULL },
    { "29: one's own work before that of lower priorities", own_work_first, NULL },
};
TEST_GROUP(regression_tests, "regression");
