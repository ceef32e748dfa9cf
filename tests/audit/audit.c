/* The audit kernel: checks every invariant of the kernel's data when a program asks for it (request.h).
 *
 * It is made of the kernel's own object files. The linker's --wrap puts the functions named __wrap_* below and in
 * failures.c in front of the kernel's, so that no line of the kernel is there for the audit's sake. At the moment of a
 * call every thread but the current one rests, so everything must be in order. Idea: seL4's invariants, checked instead
 * of proved; Linux's slab and lock debugging. */
#include "audit.h"

#include "endpoint.h"
#include "process.h"
#include "request.h"
#include "syscalls.h"
#include "thread.h"

#define LOGGED_MAX 20u
#define DR7_WORD_0 0x000F0002u  /* breakpoint 0: four bytes, read or written, in all tasks */

static uint32_t violations, checks;

status_t __real_sys_process_info(struct thread *thread);
status_t __wrap_sys_process_info(struct thread *thread);

bool violation_counts(void)
{
    return violations++ < LOGGED_MAX;
}

/* Whoever asks may have a higher priority than what is left to do. */
static void finish_work(void)
{
    const struct queue *queue = &this_cpu()->work;
    while (!queue_empty(queue)) {
        struct work *work = LIST_ENTRY(queue->lists[queue_highest(queue)].next, struct work, link);
        work->step(work);
    }
}

static uint32_t audit(void)
{
    violations = 0;
    checks++;
    finish_work();
    audit_objects();
    for (uint32_t i = 0; i < account_count; i++) {
        struct object *object = accounts[i].object;
        if (object->type == TYPE_THREAD)
            audit_thread((struct thread *)object);
        else if (object->type == TYPE_ENDPOINT)
            audit_endpoint(endpoint_of(object), accounts[i].serving);
        else if (object->type == TYPE_PROCESS)
            audit_process_memory((struct process *)object);
    }
    audit_scheduler();
    audit_kernel_memory();
    return violations;
}

static uint32_t answer(uint32_t question)
{
    switch (question) {
    case AUDIT_CHECK: return audit();
    case AUDIT_CHECKS: return checks;
    case AUDIT_FAILURES: return failures_so_far();
    case AUDIT_FAIL_NONE: failures_arm(AUDIT_FAIL_NONE); return 0;
    default: failures_arm(question - AUDIT_FAIL_FIRST); return 0;
    }
}

static uint32_t set_breakpoint(uint32_t address)
{
    __asm__ volatile("movl %0, %%db0\n\tmovl %1, %%db7" : : "r"(address), "r"(address ? DR7_WORD_0 : 0));
    return address;
}

status_t __wrap_sys_process_info(struct thread *thread)
{
    uint32_t question = thread->frame.ebx, argument = thread->frame.ecx;
    if (question != AUDIT_REQUEST && question != AUDIT_BREAKPOINT)
        return __real_sys_process_info(thread);
    thread->frame.word = question == AUDIT_BREAKPOINT ? set_breakpoint(argument) : answer(argument);
    return OK;
}
