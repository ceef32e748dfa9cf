/* FPU and SSE registers: kept for their thread, never seen by another. */
#include "child.h"

#define X87_REGISTERS 8u
#define CONTROL_AT_START 0x037Fu
#define TAGS_ALL_EMPTY 0xFFFFu
#define MXCSR_AT_START 0x1F80u
#define ROUNDS 40u
#define X87_FAULT 16u

struct x87 { /* as FNSAVE writes it */
    uint32_t control, status, tags, rest[4];
    uint8_t registers[80];
};

static bool has_sse(void)
{
    uint32_t eax = 1, ebx, ecx, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return (edx >> 25 & 1) && (info(INFO_CPU_FEATURES) & CPU_FEATURE_FXSR);
}

/* Eight words for each XMM register. */
static void sse_load(const uint32_t *words)
{
    __asm__ volatile("movups 0(%0), %%xmm0\n\tmovups 16(%0), %%xmm1\n\tmovups 32(%0), %%xmm2\n\tmovups 48(%0), %%xmm3\n\t"
                     "movups 64(%0), %%xmm4\n\tmovups 80(%0), %%xmm5\n\tmovups 96(%0), %%xmm6\n\tmovups 112(%0), %%xmm7"
                     : : "r"(words) : "memory");
}

static void sse_store(uint32_t *words)
{
    __asm__ volatile("movups %%xmm0, 0(%0)\n\tmovups %%xmm1, 16(%0)\n\tmovups %%xmm2, 32(%0)\n\tmovups %%xmm3, 48(%0)\n\t"
                     "movups %%xmm4, 64(%0)\n\tmovups %%xmm5, 80(%0)\n\tmovups %%xmm6, 96(%0)\n\tmovups %%xmm7, 112(%0)"
                     : : "r"(words) : "memory");
}

static void fill(uint32_t seed)
{
    uint32_t words[32];
    __asm__ volatile("fninit");
    for (uint32_t i = 0; i < X87_REGISTERS; i++) {
        uint32_t word = seed + i;
        __asm__ volatile("fildl %0" : : "m"(word));
    }
    for (uint32_t i = 0; i < COUNT(words); i++)
        words[i] = seed * 3 + i;
    if (has_sse())
        sse_load(words);
}

/* Empties the x87 stack. */
static bool holds(uint32_t seed)
{
    uint32_t words[32] = { 0 };
    bool good = true;
    for (uint32_t i = X87_REGISTERS; i-- > 0;) {
        uint32_t word = 0;
        __asm__ volatile("fistpl %0" : "=m"(word));
        good &= word == seed + i;
    }
    if (!has_sse())
        return good;
    sse_store(words);
    for (uint32_t i = 0; i < COUNT(words); i++)
        good &= words[i] == seed * 3 + i;
    return good;
}

/* As if nobody had ever used it: nothing of an earlier owner shows. */
static bool is_fresh(void)
{
    struct x87 x87;
    uint32_t words[32], mxcsr = 0;
    bool good = true;
    if (has_sse()) {
        sse_store(words);
        for (uint32_t i = 0; i < COUNT(words); i++)
            good &= words[i] == 0;
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        good &= mxcsr == MXCSR_AT_START;
    }
    __asm__ volatile("fnsave %0" : "=m"(x87));
    good &= (x87.control & 0xFFFF) == CONTROL_AT_START && (x87.tags & 0xFFFF) == TAGS_ALL_EMPTY;
    for (uint32_t i = 0; i < sizeof(x87.registers); i++)
        good &= x87.registers[i] == 0;
    return good;
}

/* ---- kept ---- */

static void kept_over_calls(const struct gate *gate)
{
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t answer;
        fill(100 * i);
        expect_equal(call(gate, gate->services->pool, METHOD_PATTERN, i, &answer), OK);
        expect_equal(answer, i);
        expect(holds(100 * i));
    }
}

static void kept_over_sleep(void)
{
    fill(77);
    sleep_microseconds(5000);
    expect(holds(77));
}

static void control_is_kept(const struct gate *gate)
{
    uint16_t control = 0x0F7F, seen = 0;
    uint32_t mxcsr = MXCSR_AT_START | 0x6000, answer, after = 0;
    __asm__ volatile("fninit\n\tfldcw %0" : : "m"(control));
    if (has_sse())
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    expect_equal(call(gate, gate->services->pool, METHOD_PATTERN, 0, &answer), OK);
    __asm__ volatile("fnstcw %0" : "=m"(seen));
    expect_equal(seen, control);
    __asm__ volatile("fninit");
    if (!has_sse())
        return;
    __asm__ volatile("stmxcsr %0" : "=m"(after));
    expect_equal(after, mxcsr);
    mxcsr = MXCSR_AT_START;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

struct user {
    struct task task;
    uint32_t seed, wrong;
};

static void use_for_a_while(struct task *task)
{
    struct user *user = (struct user *)task;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        fill(user->seed + i);
        spin(1000);
        user->wrong += !holds(user->seed + i);
    }
}

static void start_user(struct user *user, uint32_t seed)
{
    task_create(&user->task, use_for_a_while, PRIORITY_TESTS - 1);
    expect_passed();
    user->seed = seed;
    user->wrong = 0;
    expect_equal(budget_set(user->task.thread, PRIORITY_TESTS - 1, 300), OK);
    task_go(&user->task);
}

/* Slices shorter than the time that a pattern stays: every thread is preempted with its own. */
static void kept_over_preemption(void)
{
    struct user users[3];
    for (uint32_t i = 0; i < COUNT(users); i++)
        start_user(&users[i], 1000 * (i + 1));
    expect_passed();
    for (uint32_t i = 0; i < COUNT(users); i++)
        expect(task_wait(&users[i].task));
    for (uint32_t i = 0; i < COUNT(users); i++) {
        expect_equal(users[i].wrong, 0);
        task_end(&users[i].task);
    }
}

static uint32_t child_uses(void)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        fill(5000 + i);
        spin(1000);
        wrong += !holds(5000 + i);
    }
    return 7 + wrong;
}

static void kept_over_processes(void)
{
    struct child child = { .on_fault = NULL };
    struct user user;
    child_create(&child, CHILD_QUOTA);
    child_start(&child, child_uses, PRIORITY_TESTS - 1);
    expect_passed();
    expect_equal(budget_set(child.thread, PRIORITY_TESTS - 1, 300), OK);
    start_user(&user, 9000);
    expect_passed();
    expect(task_wait(&user.task));
    expect_equal(child_wait(&child, 2 * SECOND), CHILD_ENDED);
    expect_equal(child_exit_code(&child), 7);
    expect_equal(user.wrong, 0);
    task_end(&user.task);
    child_end(&child);
}

/* ---- never seen ---- */

static volatile bool saw_fresh;

static void look(struct task *task)
{
    (void)task;
    saw_fresh = is_fresh();
}

static void new_thread_sees_nothing(void)
{
    struct task task;
    saw_fresh = false;
    fill(0x1234567);
    task_create(&task, look, PRIORITY_TESTS);
    task_go(&task);
    expect(task_wait(&task));
    expect(holds(0x1234567));
    expect(saw_fresh);
    task_end(&task);
}

static uint32_t child_looks(void)
{
    return is_fresh() ? 7 : 8;
}

static void new_process_sees_nothing(void)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    fill(0x1234567);
    child_start(&child, child_looks, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, SECOND), code = child_exit_code(&child);
    child_end(&child);
    expect(holds(0x1234567));
    expect_equal(outcome, CHILD_ENDED);
    expect_equal(code, 7);
}

/* The owner dies with its pattern in the CPU. */
static uint32_t child_leaves_pattern(void)
{
    fill(0x7654321);
    return 7;
}

static void owner_dies(void)
{
    struct child child = { .on_fault = NULL };
    struct task task;
    expect_equal(child_run(&child, child_leaves_pattern, NULL), CHILD_ENDED);
    child_end(&child);
    saw_fresh = false;
    task_create(&task, look, PRIORITY_TESTS);
    task_go(&task);
    expect(task_wait(&task));
    expect(saw_fresh);
    task_end(&task);
}

/* An unmasked exception belongs to the thread that caused it. */
static uint32_t divide_unmasked(void)
{
    uint16_t control = CONTROL_AT_START & ~4;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control));
    return 8;
}

static void exception(void)
{
    struct child child;
    expect_fault(divide_unmasked, X87_FAULT, &child);
}

static const struct test_case cases[] = {
    { "registers are kept over calls", .run_gate = kept_over_calls },
    { "control words are kept over calls", .run_gate = control_is_kept },
    { "registers are kept over a sleep", kept_over_sleep, NULL },
    { "registers are kept over preemption", kept_over_preemption, NULL },
    { "registers are kept over other processes", kept_over_processes, NULL },
    { "a new thread sees nothing", new_thread_sees_nothing, NULL },
    { "a new process sees nothing", new_process_sees_nothing, NULL },
    { "nothing of a dead owner is seen", owner_dies, NULL },
    { "an unmasked x87 exception", exception, NULL },
};
TEST_GROUP(fpu_tests, "fpu");
