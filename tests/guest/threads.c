/* Threads: their life, their registers from outside, and who runs when. */
#include "child.h"

#define IF 0x200u
#define DF 0x400u
#define IOPL 0x3000u
#define NT 0x4000u
#define VM 0x20000u

/* ---- creation ---- */

static void creation(void)
{
    handle_t thread;
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, PRIORITIES, &thread), E_BAD_ARGUMENT);
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, 0xFFFFFFFF, &thread), E_BAD_ARGUMENT);
    expect_equal(thread_create(0x7FFFFFE0, 0, 0, 0, 1, &thread), E_BAD_HANDLE);
    expect_equal(thread_create(services[GATE_INT].pool, 0, 0, 0, 1, &thread), E_BAD_TYPE);
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, PRIORITIES - 1, &thread), OK);
    expect_equal(thread_destroy(thread), OK);
    expect_equal(thread_destroy(thread), E_BAD_STATE);
    expect_equal(thread_start(thread), E_BAD_STATE);
    expect_equal(thread_stop(thread), E_BAD_STATE);
    handle_close(thread);
}

static void first_registers(void)
{
    static const struct { uint32_t which, wanted; } registers[] = {
        { REGISTER_EIP, 0x1234000 }, { REGISTER_ESP, 0x5678 }, { REGISTER_EBX, 0x9ABC }, { REGISTER_EAX, 0 },
        { REGISTER_ECX, 0 }, { REGISTER_EDX, 0 }, { REGISTER_ESI, 0 }, { REGISTER_EDI, 0 }, { REGISTER_EBP, 0 },
        { REGISTER_EFLAGS, IF | 2 },
    };
    handle_t thread;
    uint32_t value;
    expect_equal(thread_create(HANDLE_NONE, 0x1234000, 0x5678, 0x9ABC, 1, &thread), OK);
    for (uint32_t i = 0; i < COUNT(registers); i++) {
        expect_equal(thread_read_register(thread, registers[i].which, &value), OK);
        expect_equal(value, registers[i].wanted);
    }
    expect_equal(thread_read_register(thread, REGISTER_COUNT, &value), E_BAD_ARGUMENT);
    expect_equal(thread_read_register(thread, 0xFFFFFFFF, &value), E_BAD_ARGUMENT);
    thread_destroy(thread);
    handle_close(thread);
}

static void written_registers(void)
{
    handle_t thread;
    uint32_t value;
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, 1, &thread), OK);
    for (uint32_t which = REGISTER_EAX; which < REGISTER_EFLAGS; which++) {
        expect_equal(thread_write_register(thread, which, 0xF0000000 + which), OK);
        expect_equal(thread_read_register(thread, which, &value), OK);
        expect_equal(value, 0xF0000000 + which);
    }
    for (uint32_t which = REGISTER_FAULT_VECTOR; which <= REGISTER_COUNT; which++)
        expect_equal(thread_write_register(thread, which, 0), E_BAD_ARGUMENT);
    thread_destroy(thread);
    handle_close(thread);
}

/* IOPL, NT and VM are not for users; IF always is on. */
static void written_flags(void)
{
    handle_t thread;
    uint32_t value;
    expect_equal(thread_create(HANDLE_NONE, 0, 0, 0, 1, &thread), OK);
    expect_equal(thread_write_register(thread, REGISTER_EFLAGS, 0xFFFFFFFF), OK);
    expect_equal(thread_read_register(thread, REGISTER_EFLAGS, &value), OK);
    expect_equal(value & (IOPL | NT | VM | 0xFFC00000), 0);
    expect(value & IF);
    expect(value & DF);
    expect_equal(thread_write_register(thread, REGISTER_EFLAGS, 0), OK);
    expect_equal(thread_read_register(thread, REGISTER_EFLAGS, &value), OK);
    expect_equal(value, IF | 2);
    thread_destroy(thread);
    handle_close(thread);
}

/* ---- stop, write, start ---- */

static volatile uint32_t counter, landed;

static void count_for_ever(struct task *task)
{
    (void)task;
    for (;;)
        counter++;
}

static void land(void)
{
    landed = 1;
    thread_exit();
}

static void stopped_threads_stand_still(void)
{
    struct task task;
    counter = 0;
    task_create(&task, count_for_ever, PRIORITY_TESTS);
    task_go(&task);
    expect_passed();
    expect_equal(thread_start(task.thread), E_BAD_STATE);
    expect_equal(thread_write_register(task.thread, REGISTER_EAX, 0), E_BAD_STATE);
    sleep_microseconds(20000);
    expect_equal(thread_stop(task.thread), OK);
    uint32_t value, before = counter;
    expect(before > 0);
    sleep_microseconds(20000);
    expect_equal(counter, before);
    expect_equal(thread_stop(task.thread), OK); /* again */
    expect_equal(thread_read_register(task.thread, REGISTER_EIP, &value), OK);
    expect_equal(thread_start(task.thread), OK);
    sleep_microseconds(20000);
    expect(counter > before);
    task_end(&task);
}

/* Wherever a stop meets the thread - running, in a call, waiting - new registers are what it goes on with. */
static void expect_lands(struct task *task)
{
    landed = 0;
    expect_equal(thread_stop(task->thread), OK);
    expect_equal(thread_write_register(task->thread, REGISTER_EIP, (uint32_t)land), OK);
    expect_equal(thread_start(task->thread), OK);
    for (uint32_t i = 0; i < 100 && !landed; i++)
        sleep_microseconds(1000);
    expect_equal(landed, 1);
}

static void redirected_while_running(void)
{
    struct task task;
    task_create(&task, count_for_ever, PRIORITY_TESTS);
    task_go(&task);
    expect_passed();
    sleep_microseconds(20000);
    expect_lands(&task);
    task_end(&task);
}

static void redirected_while_served(const struct gate *gate)
{
    struct client client;
    hold(&client, gate, gate->services->pool, 0);
    expect_passed();
    expect_lands(&client.task);
    expect_passed();
    task_end(&client.task);
    notification_signal(release, 1);
    expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
}

static void redirected_while_queued(const struct gate *gate)
{
    struct client holder, client = { .gate = gate, .endpoint = gate->services->single, .method = METHOD_ORDER };
    order_count = 0;
    hold(&holder, gate, gate->services->single, 0);
    client_start(&client, PRIORITY_TESTS);
    expect_passed();
    expect(endpoint_reaches(gate->services->single, ENDPOINT_QUEUE, 1));
    expect_lands(&client.task);
    task_end(&client.task);
    release_holder(&holder, 0);
    expect_equal(order_count, 0);
}

static handle_t quiet; /* a notification that nobody signals */

static void wait_quietly(struct task *task)
{
    uint32_t bits;
    (void)task;
    notification_wait(quiet, 1, TIMEOUT_NEVER, &bits);
}

static void redirected_while_waiting(void)
{
    struct task task;
    expect_equal(notification_create(&quiet), OK);
    task_create(&task, wait_quietly, PRIORITY_TESTS);
    task_go(&task);
    expect_passed();
    expect(task_blocked(&task));
    expect_lands(&task);
    task_end(&task);
    handle_close(quiet);
}

static void cancelled_while_running(void)
{
    struct task task;
    uint32_t value;
    task_create(&task, count_for_ever, 1);
    expect_passed();
    expect_equal(thread_start(task.thread), OK);
    expect_equal(thread_cancel(task.thread), OK); /* it is in no call: nothing happens */
    expect_equal(thread_read_register(task.thread, REGISTER_FAULT_VECTOR, &value), OK);
    task_end(&task);
}

static void destroyed_anywhere(const struct gate *gate)
{
    struct client client;
    for (uint32_t round = 0; round < 3 && !test_failed(); round++) {
        hold(&client, gate, gate->services->pool, 0);
        task_end(&client.task);
        notification_signal(release, 1);
        expect(endpoint_reaches(gate->services->pool, ENDPOINT_IDLE, 4));
    }
}

/* ---- who runs ---- */

struct counted {
    struct task task;
    volatile uint32_t count;
};

static void count_own(struct task *task)
{
    struct counted *counted = (struct counted *)task;
    for (;;)
        counted->count++;
}

static void start_counted(struct counted *counted, uint32_t priority)
{
    task_create(&counted->task, count_own, priority);
    counted->count = 0;
    task_go(&counted->task);
}

/* Threads of one priority that never yield: the clock makes them take turns. */
static void equals_take_turns(void)
{
    struct counted counted[3];
    for (uint32_t i = 0; i < COUNT(counted); i++)
        start_counted(&counted[i], PRIORITY_TESTS - 1);
    expect_passed();
    sleep_microseconds(300000);
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < COUNT(counted); i++) {
        uint32_t count = counted[i].count;
        least = count < least ? count : least;
        most = count > most ? count : most;
        task_end(&counted[i].task);
    }
    expect(least > 0);
    expect(least > most / 8);
}

static void higher_comes_first(void)
{
    struct counted high, low;
    start_counted(&low, PRIORITY_TESTS - 2);
    start_counted(&high, PRIORITY_TESTS - 1);
    expect_passed();
    sleep_microseconds(20000);
    uint32_t before = low.count;
    sleep_microseconds(50000);
    expect(high.count > 0);
    expect_equal(low.count, before);
    task_end(&high.task);
    sleep_microseconds(20000);
    expect(low.count > before);
    task_end(&low.task);
}

/* The better one preempts at once: before the next instruction of its creator. */
static void note(struct task *task)
{
    (void)task;
    landed = 1;
}

static void better_preempts_at_once(void)
{
    struct task task;
    landed = 0;
    task_create(&task, note, PRIORITY_TESTS + 1);
    task_go(&task);
    uint32_t seen = landed;
    expect(task_wait(&task));
    expect_equal(seen, 1);
    task_end(&task);
}

/* A gate that hid interrupts from a stream of calls would let its caller keep the CPU. */
#define SLEEPS 50u
#define SLEEPS_LIMIT_MS 500u

static const struct gate *streaming_gate;
static volatile bool streaming;

static void stream(struct task *task)
{
    uint32_t reply;
    (void)task;
    while (streaming)
        call(streaming_gate, streaming_gate->services->pool, METHOD_ECHO, 1, &reply);
}

static void sleeper_beside_calls(const struct gate *gate)
{
    struct task task;
    streaming_gate = gate;
    streaming = true;
    task_create(&task, stream, PRIORITY_TESTS - 1);
    task_go(&task);
    expect_passed();
    uint32_t before = uptime();
    for (uint32_t i = 0; i < SLEEPS; i++)
        sleep_microseconds(1000);
    uint32_t took = uptime() - before;
    streaming = false;
    expect(task_wait(&task));
    task_end(&task);
    expect(took >= SLEEPS);
    expect(took < SLEEPS_LIMIT_MS);
}

static volatile uint32_t turns[8], turn_count;

static void take_turns(struct task *task)
{
    for (uint32_t i = 0; i < 3; i++) {
        turns[turn_count++] = ((struct counted *)task)->count;
        thread_yield();
    }
}

static void yields_alternate(void)
{
    struct counted one = { .count = 0 }, two = { .count = 0 };
    turn_count = 0;
    task_create(&one.task, take_turns, PRIORITY_TESTS - 1);
    task_create(&two.task, take_turns, PRIORITY_TESTS - 1);
    expect_passed();
    one.count = 1;
    two.count = 2;
    task_go(&one.task);
    task_go(&two.task);
    expect(task_wait(&one.task) && task_wait(&two.task));
    expect_equal(turn_count, 6);
    for (uint32_t i = 0; i < 6; i++)
        expect_equal(turns[i], i % 2 + 1);
    task_end(&one.task);
    task_end(&two.task);
}

static void cancelled_wait(void)
{
    struct task task;
    expect_equal(notification_create(&quiet), OK);
    task_create(&task, wait_quietly, PRIORITY_TESTS);
    task_go(&task);
    expect_passed();
    expect(task_blocked(&task));
    expect_equal(thread_cancel(task.thread), OK);
    expect(task_wait(&task));
    task_end(&task);
    handle_close(quiet);
}

static struct {
    struct task task;
    volatile uint32_t steps;
    status_t read;
} itself;

static void stop_oneself(struct task *task)
{
    uint32_t value;
    itself.read = thread_read_register(task->thread, REGISTER_EAX, &value);
    itself.steps++;
    thread_stop(task->thread);
    itself.steps++;
}

static void stops_itself(void)
{
    task_create(&itself.task, stop_oneself, PRIORITY_TESTS);
    expect_passed();
    itself.steps = 0;
    task_go(&itself.task);
    expect(task_blocked(&itself.task));
    expect_equal(itself.steps, 1);
    expect_equal(itself.read, E_BAD_STATE); /* its registers are not in the kernel's hands */
    expect_equal(thread_start(itself.task.thread), OK);
    expect(task_wait(&itself.task));
    expect_equal(itself.steps, 2);
    task_end(&itself.task);
}

static const struct test_case cases[] = {
    { "creation", creation, NULL },
    { "first registers", first_registers, NULL },
    { "written registers", written_registers, NULL },
    { "written flags", written_flags, NULL },
    { "stopped threads stand still", stopped_threads_stand_still, NULL },
    { "a thread that stops itself", stops_itself, NULL },
    { "redirected while running", redirected_while_running, NULL },
    { "redirected while served", .run_gate = redirected_while_served },
    { "redirected while in a queue", .run_gate = redirected_while_queued },
    { "redirected while waiting", redirected_while_waiting, NULL },
    { "cancelled while it runs", cancelled_while_running, NULL },
    { "cancelled while it waits", cancelled_wait, NULL },
    { "destroyed while served", .run_gate = destroyed_anywhere },
    { "equals take turns", equals_take_turns, NULL },
    { "the higher priority comes first", higher_comes_first, NULL },
    { "a better thread preempts at once", better_preempts_at_once, NULL },
    { "yields alternate", yields_alternate, NULL },
    { "a sleeper wakes beside a stream of calls", .run_gate = sleeper_beside_calls },
};
TEST_GROUP(thread_tests, "threads");
