/* Random calls from several hostile processes at once, which hold handles to each other. Arguments are of the right kind
 * mostly, so that calls get far before they fail. The system must go on, lose nothing, and break no invariant. */
#include "child.h"

#include "tests/audit/request.h"

#define QUOTA_TRIES 100u
#define PROCESSES 4u
#define CALLS_DEFAULT 40000u    /* of all processes, through each gate; fuzz-calls= in the system list */
#define CALLS_OF_ROUND 20000u   /* then new processes take over */
#define AUDIT_PERIOD 1000u      /* calls */
#define FUZZ_QUOTA (512u * 1024u)
#define DEADLY_ONE_IN 128u
#define TICK 300u               /* microseconds between two looks at who is stuck */
#define STUCK_TICKS 40u
#define FAULTS_MAX 2000u        /* of a child, before it is ended */
#define HANDLES_OF_KIND 4u
#define PROGRESS 500000u        /* calls between two lines that say so */

struct fuzzer { /* one process, in the page that all share */
    uint32_t seed;
    handle_t handles[TYPE_COUNT][HANDLES_OF_KIND];
};

struct fuzz {
    volatile uint32_t calls, limit;
    uint32_t gate;
    struct fuzzer fuzzers[PROCESSES];
};

#define FUZZ ((struct fuzz *)SHARED->words)
_Static_assert(sizeof(struct fuzz) <= sizeof(SHARED->words), "all of it is on the shared page");

/* ---- arguments ---- */

/* One letter for each of EBX ECX EDX ESI EDI: a handle of a process p, thread t, budget b (or thread B), endpoint e, memory m,
 * notification n, irq i, ioport o, trace g, anything h (perhaps with HANDLE_ACCEPT: H); an address with protection a, entry x,
 * stack s, count c, rights r, priority y, slice z, time T, quota q, word w. */
struct shape {
    const char *arguments;
    enum object_type made;  /* what a success puts into EBX */
    bool deadly;            /* to the caller or a neighbour: made seldom, or nobody would live for long */
};

static const struct shape shapes[SYSCALL_COUNT] = {
    [SYS_null] = { "wwwww", TYPE_NONE, false },
    [SYS_call] = { "weTwH", TYPE_NONE, false },
    [SYS_reply_wait] = { "wwwwH", TYPE_NONE, false },
    [SYS_wait] = { "wewww", TYPE_NONE, false },
    [SYS_request_status] = { "wwwww", TYPE_NONE, false },
    [SYS_yield] = { "wwwww", TYPE_NONE, false },
    [SYS_log] = { NULL, TYPE_NONE, false }, /* the text would be nonsense */
    [SYS_system_info] = { "cwwww", TYPE_NONE, false },
    [SYS_handle_close] = { "hwwww", TYPE_NONE, false },
    [SYS_handle_duplicate] = { "hrcww", TYPE_ENDPOINT, false },
    [SYS_handle_info] = { "hwwww", TYPE_NONE, false },
    [SYS_process_create] = { "qecyw", TYPE_PROCESS, false },
    [SYS_process_destroy] = { "pwwww", TYPE_NONE, true },
    [SYS_process_give] = { "phrww", TYPE_NONE, false },
    [SYS_process_watch] = { "pnwww", TYPE_NONE, false },
    [SYS_process_info] = { "pcwww", TYPE_NONE, false },
    [SYS_process_map] = { "pmacc", TYPE_NONE, false },
    [SYS_process_unmap] = { "pacww", TYPE_NONE, false },
    [SYS_process_protect] = { "pacww", TYPE_NONE, false },
    [SYS_process_read_word] = { "pawww", TYPE_NONE, false },
    [SYS_thread_create] = { "pxsey", TYPE_THREAD, false },
    [SYS_thread_start] = { "twwww", TYPE_NONE, false },
    [SYS_thread_stop] = { "twwww", TYPE_NONE, false },
    [SYS_thread_cancel] = { "twwww", TYPE_NONE, false },
    [SYS_thread_destroy] = { "twwww", TYPE_NONE, true },
    [SYS_thread_exit] = { "wwwww", TYPE_NONE, true },
    [SYS_thread_read_register] = { "tcwww", TYPE_NONE, false },
    [SYS_thread_write_register] = { "tcxww", TYPE_NONE, false },
    [SYS_budget_create] = { "yzwww", TYPE_BUDGET, false },
    [SYS_budget_bind] = { "btwww", TYPE_NONE, false },
    [SYS_budget_set] = { "Byzww", TYPE_NONE, false },
    [SYS_budget_time] = { "Bwwww", TYPE_NONE, false },
    [SYS_endpoint_create] = { "ccwww", TYPE_ENDPOINT, false },
    [SYS_endpoint_info] = { "ecwww", TYPE_NONE, false },
    [SYS_memory_create] = { "ccwww", TYPE_MEMORY, false },
    [SYS_memory_create_device] = { "mwcww", TYPE_MEMORY, false },
    [SYS_memory_physical] = { "mcwww", TYPE_NONE, false },
    [SYS_memory_revoke] = { "mwwww", TYPE_NONE, false },
    [SYS_memory_info] = { "mcwww", TYPE_NONE, false },
    [SYS_notification_create] = { "wwwww", TYPE_NOTIFICATION, false },
    [SYS_notification_signal] = { "nwwww", TYPE_NONE, false },
    [SYS_notification_wait] = { "nwTww", TYPE_NONE, false },
    [SYS_notification_timer] = { "nwTww", TYPE_NONE, false },
    [SYS_irq_create] = { "icwww", TYPE_IRQ, false },
    [SYS_irq_bind] = { "inwww", TYPE_NONE, false },
    [SYS_irq_ack] = { "iwwww", TYPE_NONE, false },
    [SYS_ioport_create] = { "owcww", TYPE_IOPORT, false },
    [SYS_ioport_grant] = { "opwww", TYPE_NONE, false },
    [SYS_process_thread] = { "pcwww", TYPE_NONE, false },
    [SYS_trace_create] = { "gmwww", TYPE_TRACE, false },
};

static const uint32_t odd_words[] = {
    0, 1, 2, 3, 4, 7, 31, 32, 0xFFF, 0x1000, 0x1001, 0x7FFFFFFF, 0x80000000, 0xBFDFF000, 0xBFE00000, 0xC0000000,
    0xC0100000, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF,
};

/* A thread of the fuzzers' own: a worker of the endpoint in EBX, which needs no stack. */
__asm__(".globl fuzz_worker\n"
        "fuzz_worker:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $3, %eax\n\t" /* SYS_wait */
        "1:\n\t"
        "int $250\n\t"
        "testl %eax, %eax\n\t"
        "js 2f\n\t"
        "movl $2, %eax\n\t" /* SYS_reply_wait */
        "xorl %esi, %esi\n\t"
        "xorl %edi, %edi\n\t"
        "jmp 1b\n"
        "2:\n\t"
        "movl $25, %eax\n\t" /* SYS_thread_exit */
        "int $250\n");
void fuzz_worker(void);
_Static_assert(SYS_wait == 3 && SYS_reply_wait == 2 && SYS_thread_exit == 25, "as in fuzz_worker");

static handle_t handle_of(struct fuzzer *self, enum object_type type)
{
    return self->handles[type][random_next(&self->seed) % HANDLES_OF_KIND];
}

static handle_t any_handle(struct fuzzer *self)
{
    return handle_of(self, (enum object_type)(1 + random_next(&self->seed) % (TYPE_COUNT - 1)));
}

static uint32_t any_word(struct fuzzer *self)
{
    uint32_t word = random_next(&self->seed);
    return word % 3 == 0 ? odd_words[word / 3 % COUNT(odd_words)] : word % 3 == 1 ? any_handle(self) : word;
}

static uint32_t argument_of(struct fuzzer *self, char letter)
{
    uint32_t random = random_next(&self->seed);
    if (random % 16 == 0)
        return any_word(self);
    random >>= 4;
    switch (letter) {
    case 'p': return random % 3 ? HANDLE_NONE : handle_of(self, TYPE_PROCESS);
    case 't': return handle_of(self, TYPE_THREAD);
    case 'b': return handle_of(self, TYPE_BUDGET);
    case 'B': return handle_of(self, random % 2 ? TYPE_BUDGET : TYPE_THREAD);
    case 'e': return handle_of(self, TYPE_ENDPOINT);
    case 'm': return handle_of(self, TYPE_MEMORY);
    case 'n': return handle_of(self, TYPE_NOTIFICATION);
    case 'i': return handle_of(self, TYPE_IRQ);
    case 'o': return handle_of(self, TYPE_IOPORT);
    case 'g': return handle_of(self, TYPE_TRACE);
    case 'h': return any_handle(self);
    case 'H': return random % 4 ? random % 2 : any_handle(self) | random % 2;
    case 'a': return CHILD_SCRATCH + random % 64 * PAGE_SIZE + (random >> 8) % 8;
    case 'x': return random % 4 ? (uint32_t)fuzz_worker : CHILD_SCRATCH;
    case 's': return CHILD_SCRATCH + PAGE_SIZE;
    case 'c': return random % 9;
    case 'r': return random % 2 ? RIGHTS_ALL : random;
    case 'y': return random % PRIORITIES;
    case 'z': return 100 + random % 2000;
    case 'T': return random % 8 ? random % 500 : TIMEOUT_NEVER;
    case 'q': return 20480 + random % 65536;
    default: return random;
    }
}

/* ---- calls ---- */

static uint32_t next_number(struct fuzzer *self)
{
    for (;;) {
        uint32_t random = random_next(&self->seed), number = random % (SYSCALL_COUNT + 1);
        if (number == SYSCALL_COUNT)
            return number;
        if (shapes[number].arguments && (!shapes[number].deadly || (random >> 16) % DEADLY_ONE_IN == 0))
            return number;
    }
}

/* What was made takes the place of one of its kind, which is closed, so that the table does not fill up. */
static void keep(struct fuzzer *self, enum object_type made, handle_t handle)
{
    handle_t *slot = &self->handles[made][random_next(&self->seed) % HANDLES_OF_KIND];
    handle_close(*slot);
    *slot = handle;
}

static void call_by_int(struct fuzzer *self, struct raw *raw)
{
    static const struct shape nonsense = { "wwwww", TYPE_NONE, false };
    uint32_t number = next_number(self);
    const struct shape *shape = number < SYSCALL_COUNT ? &shapes[number] : &nonsense;
    raw->eax = number;
    raw->ebx = argument_of(self, shape->arguments[0]);
    raw->ecx = argument_of(self, shape->arguments[1]);
    raw->edx = argument_of(self, shape->arguments[2]);
    raw->esi = argument_of(self, shape->arguments[3]);
    raw->edi = argument_of(self, shape->arguments[4]);
    raw_int(raw);
    if (raw->eax == OK && shape->made)
        keep(self, shape->made, raw->ebx);
}

static void call_by_sysenter(struct fuzzer *self, struct raw *raw)
{
    uint32_t random = random_next(&self->seed);
    raw->eax = random % 8 ? handle_of(self, TYPE_ENDPOINT) : random % 3 ? any_word(self) : (uint32_t)OP_REPLY_WAIT;
    raw->ebx = random_next(&self->seed);
    raw->esi = argument_of(self, 'w');
    raw->edi = raw->ebp = random;
    (raw->eax == (uint32_t)OP_REPLY_WAIT ? raw_reply_sysenter : raw_sysenter)(raw);
}

static void random_call(struct fuzzer *self)
{
    struct raw raw = { .ebp = self->seed, .eflags = 0x202 };
    if (FUZZ->gate == GATE_SYSENTER && random_next(&self->seed) % 4 == 0)
        call_by_sysenter(self, &raw);
    else
        call_by_int(self, &raw);
}

/* The processes count their calls together: whoever reaches a full thousand asks for the audit. */
static uint32_t fuzz_child(struct fuzzer *self)
{
    while (FUZZ->calls < FUZZ->limit) {
        random_call(self);
        if (++FUZZ->calls % AUDIT_PERIOD == 0)
            expect_audit();
    }
    return 0;
}

static uint32_t fuzz_0(void) { return fuzz_child(&FUZZ->fuzzers[0]); }
static uint32_t fuzz_1(void) { return fuzz_child(&FUZZ->fuzzers[1]); }
static uint32_t fuzz_2(void) { return fuzz_child(&FUZZ->fuzzers[2]); }
static uint32_t fuzz_3(void) { return fuzz_child(&FUZZ->fuzzers[3]); }
static uint32_t (*const fuzz_functions[PROCESSES])(void) = { fuzz_0, fuzz_1, fuzz_2, fuzz_3 };

/* ---- a round ---- */

static struct child children[PROCESSES];

/* Its main thread begins again; others end. */
static status_t begin_again(struct child *child, handle_t thread)
{
    uint32_t function = (uint32_t)fuzz_functions[child - children];
    if (child->faults > FAULTS_MAX || child->registers[REGISTER_ESP] - (CHILD_STACK_TOP - CHILD_STACK_BYTES) > CHILD_STACK_BYTES)
        return E_PEER_DIED;
    thread_write_register(thread, REGISTER_ESP, CHILD_STACK_TOP);
    thread_write_register(thread, REGISTER_EFLAGS, 0x202);
    thread_write_register(thread, REGISTER_EBX, function);
    return thread_write_register(thread, REGISTER_EIP, (uint32_t)child_entry);
}

static void give(uint32_t number, enum object_type type, uint32_t place, handle_t handle)
{
    FUZZ->fuzzers[number].handles[type][place] = child_give(&children[number], handle, RIGHTS_ALL);
}

/* Of each kind, one of its own and one that all share; and what makes its neighbour helpless. */
static void give_everything(uint32_t number, const handle_t common[TYPE_COUNT], handle_t echo)
{
    handle_t own[TYPE_COUNT] = { 0 };
    const struct child *neighbour = &children[(number + 1) % PROCESSES];
    expect_equal(notification_create(&own[TYPE_NOTIFICATION]), OK);
    expect_equal(endpoint_create(number % 2 ? ENDPOINT_TAKES_HANDLES : 0, 0, &own[TYPE_ENDPOINT]), OK);
    expect_equal(memory_create(4, 0, &own[TYPE_MEMORY]), OK);
    expect_equal(budget_create(3, 1000, &own[TYPE_BUDGET]), OK);
    for (uint32_t type = 1; type < TYPE_COUNT; type++) {
        if (own[type])
            give(number, type, 0, own[type]);
        if (common[type])
            give(number, type, 1, common[type]);
        handle_close(own[type]);
    }
    give(number, TYPE_PROCESS, 2, neighbour->process);
    give(number, TYPE_THREAD, 2, neighbour->thread);
    give(number, TYPE_THREAD, 3, children[number].thread);
    give(number, TYPE_ENDPOINT, 2, echo);
}

static void make_common(handle_t common[TYPE_COUNT])
{
    expect_equal(notification_create(&common[TYPE_NOTIFICATION]), OK);
    expect_equal(endpoint_create(ENDPOINT_TAKES_HANDLES, 2, &common[TYPE_ENDPOINT]), OK);
    expect_equal(memory_create(8, MEMORY_CONTIGUOUS, &common[TYPE_MEMORY]), OK);
    expect_equal(budget_create(PRIORITY_TESTS, 1000, &common[TYPE_BUDGET]), OK);
    expect_equal(process_create(40960, HANDLE_NONE, 0, 0, &common[TYPE_PROCESS]), OK);
    expect_equal(thread_create(common[TYPE_PROCESS], 0, 0, 0, 1, &common[TYPE_THREAD]), OK);
    expect_equal(irq_create(startup_handle("irq"), 8, &common[TYPE_IRQ]), OK);
    expect_equal(ioport_create(startup_handle("ports"), 0x70, 2, &common[TYPE_IOPORT]), OK);
    expect_equal(trace_authority(&common[TYPE_TRACE]), OK);
}

static void end_common(handle_t common[TYPE_COUNT])
{
    process_destroy(common[TYPE_PROCESS], 0);
    thread_destroy(common[TYPE_THREAD]);
    for (uint32_t type = 1; type < TYPE_COUNT; type++)
        handle_close(common[type]);
}

static void start_children(const struct gate *gate, uint32_t seed, uint32_t limit, const handle_t common[TYPE_COUNT])
{
    handle_t echo = HANDLE_NONE;
    expect_equal(service_find(gate->sysenter ? "echo" : "echo-int", &echo), OK);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        children[i] = (struct child){ .on_fault = begin_again };
        child_create(&children[i], FUZZ_QUOTA);
        expect_passed();
        expect_equal(thread_create(children[i].process, (uint32_t)child_entry, CHILD_STACK_TOP, (uint32_t)fuzz_functions[i],
                                   PRIORITY_TESTS - 4, &children[i].thread), OK);
    }
    FUZZ->gate = gate->sysenter ? GATE_SYSENTER : GATE_INT;
    FUZZ->limit = limit;
    for (uint32_t i = 0; i < PROCESSES && !test_failed(); i++) {
        FUZZ->fuzzers[i].seed = (seed * PROCESSES + i) * 2654435761u | 1;
        give_everything(i, common, echo);
    }
    handle_close(echo);
    for (uint32_t i = 0; i < PROCESSES && !test_failed(); i++)
        expect_equal(thread_start(children[i].thread), OK);
}

/* Whoever has blocked, or been stopped, is set free again; until all calls are made, or nobody is left who makes any. */
static void herd(void)
{
    for (uint32_t stuck = 0, last = 0; stuck < STUCK_TICKS && FUZZ->calls < FUZZ->limit; stuck++) {
        sleep_microseconds(TICK);
        for (uint32_t i = 0; i < PROCESSES; i++) {
            thread_start(children[i].thread);
            thread_cancel(children[i].thread);
        }
        if (FUZZ->calls != last)
            stuck = 0;
        last = FUZZ->calls;
    }
}

static uint32_t run_round(const struct gate *gate, uint32_t seed, uint32_t limit)
{
    handle_t common[TYPE_COUNT] = { 0 };
    make_common(common);
    if (!test_failed())
        start_children(gate, seed, limit, common);
    if (!test_failed())
        herd();
    uint32_t calls = FUZZ->calls;
    for (uint32_t i = 0; i < PROCESSES; i++)
        child_end(&children[i]);
    end_common(common);
    return calls;
}

static void expect_answers(const struct gate *gate)
{
    uint32_t answer = 0;
    expect_equal(call(gate, gate->services->pool, METHOD_ECHO, 0xABCD, &answer), OK);
    expect_equal(answer, 0xABCD);
}

/* What a process leaves behind is done at its own priority, and on a busy host that takes a moment. */
static void expect_quota_back(uint32_t used)
{
    for (uint32_t i = 0; i < QUOTA_TRIES && quota_used() != used; i++)
        ;
    expect_equal(quota_used(), used);
}

static void run_seed(const struct gate *gate, uint32_t seed, uint32_t limit, uint32_t *calls)
{
    uint32_t used = quota_used(), quota = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    *calls += run_round(gate, seed, limit);
    expect_passed();
    expect_audit();
    expect_passed();
    expect_quota_back(used);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), quota);
    expect_answers(gate);
}

static void random_calls(const struct gate *gate)
{
    uint32_t wanted = argument_number("fuzz-calls", CALLS_DEFAULT), calls = 0, seed = argument_number("fuzz-seed", 1), told = 0;
    for (; calls < wanted && !test_failed(); seed++) {
        uint32_t left = wanted - calls;
        run_seed(gate, seed, left < CALLS_OF_ROUND ? left : CALLS_OF_ROUND, &calls);
        if (test_failed())
            print("# fuzz-seed=%u fuzz-calls=%u shows it\n", seed, CALLS_OF_ROUND);
        for (; calls / PROGRESS > told; told++)
            print("# %u random calls, %u rounds\n", calls, seed);
    }
    if (!test_failed())
        print("# random calls: %u, in %u rounds, %s\n", calls, seed - 1, gate->name);
}

static const struct test_case cases[] = {
    { "random calls, and the system goes on", .run_gate = random_calls },
};
TEST_GROUP(fuzz_tests, "fuzz");
