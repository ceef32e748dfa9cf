/* Which budget runs next, on which thread; and the one place that switches threads outside the fast path. */
#include "arch.h"
#include "log.h"
#include "process.h"
#include "thread.h"
#include "trace.h"

void budget_init(struct budget *budget, uint8_t priority, uint32_t slice)
{
    list_init(&budget->link);
    budget->priority = priority;
    budget->slice = slice;
    budget->left = slice;
}

void scheduler_account(void)
{
    struct cpu *cpu = this_cpu();
    struct budget *budget = cpu->budget;
    uint64_t now = arch_time();
    uint64_t ran = now - cpu->budget_since;
    cpu->budget_since = now;
    budget->used += ran;
    budget->left = ran < budget->left ? budget->left - (uint32_t)ran : 0;
}

void scheduler_set_budget(struct budget *budget)
{
    struct cpu *cpu = this_cpu();
    if (budget == cpu->budget)
        return;
    scheduler_account();
    cpu->budget = budget;
    trace_event(TRACE_BUDGET, cpu->current, budget->bound, 0, 0);
    if (budget->left == 0)
        budget->left = budget->slice;
    timer_program();
}

void scheduler_switch_to(struct thread *next)
{
    struct cpu *cpu = this_cpu();
    struct thread *previous = cpu->current;
    assert(next->state == THREAD_ACTIVE);
    if (next == previous)
        return;
    if (previous != cpu->idle)
        previous->flags |= FLAG_RESUME_BY_IRET; /* SYSENTER's slow path takes it back: sysenter/entry.asm */
    cpu->current = next;
    cpu->switches++;
    arch_thread_switch(previous, next);
}

static bool better_than_running(const struct cpu *cpu, const struct budget *budget)
{
    return cpu->current == cpu->idle || budget->priority > cpu->budget->priority;
}

void scheduler_ready(struct thread *thread, struct budget *budget)
{
    struct cpu *cpu = this_cpu();
    assert(!budget->queued && budget != cpu->budget);
    thread->state = THREAD_READY;
    thread->budget = budget;
    budget->thread = thread;
    budget->queued = true;
    queue_append(&cpu->ready, &budget->link, budget->priority);
    trace_event(TRACE_WAKE, cpu->current, thread, 0, 0);
    if (better_than_running(cpu, budget))
        cpu->reschedule = true;
}

void scheduler_unready(struct thread *thread)
{
    struct budget *budget = thread->budget;
    assert(thread->state == THREAD_READY && budget->queued);
    queue_remove(&this_cpu()->ready, &budget->link, budget->priority);
    budget->queued = false;
}

void scheduler_run_next(void)
{
    struct cpu *cpu = this_cpu();
    struct list *link = queue_take(&cpu->ready);
    struct budget *budget = link ? LIST_ENTRY(link, struct budget, link) : cpu->idle->base;
    struct thread *next = link ? budget->thread : cpu->idle;
    budget->queued = false;
    cpu->reschedule = !queue_empty(&cpu->work);
    cpu->work_priority = 0;
    trace_event(TRACE_SWITCH, cpu->current, next, cpu->current->state, budget->bound->number);
    next->state = THREAD_ACTIVE;
    scheduler_switch_to(next);
    scheduler_set_budget(budget);
}

void scheduler_block(enum thread_state state)
{
    struct cpu *cpu = this_cpu();
    cpu->current->state = state;
    cpu->current->budget = cpu->budget;
    scheduler_run_next();
}

/* Nobody else may run now: the running budget starts a new slice if it used up its last. */
static void keep_running(struct budget *budget)
{
    if (budget->left == 0) {
        budget->left = budget->slice;
        timer_program();
    }
}

/* A higher budget always comes first; an equal one when the running one has had its turn. */
static bool others_turn(const struct cpu *cpu, const struct budget *budget, bool turn_over)
{
    if (queue_empty(&cpu->ready))
        return false;
    uint32_t highest = queue_highest(&cpu->ready);
    return highest > budget->priority || (turn_over && highest == budget->priority);
}

void scheduler_preempt(bool at_end)
{
    struct cpu *cpu = this_cpu();
    struct budget *budget = cpu->budget;
    struct thread *thread = cpu->current;
    cpu->reschedule = false;
    if (thread == cpu->idle) {
        if (!queue_empty(&cpu->ready))
            scheduler_run_next();
        return;
    }
    scheduler_account();
    bool turn_over = at_end || budget->left == 0;
    if (!others_turn(cpu, budget, turn_over)) {
        keep_running(budget);
        return;
    }
    bool by_iret = at_end || (thread->flags & FLAG_RESUME_BY_IRET);
    thread->state = THREAD_READY;
    thread->budget = budget;
    budget->thread = thread;
    budget->queued = true;
    (turn_over ? queue_append : queue_prepend)(&cpu->ready, &budget->link, budget->priority);
    scheduler_run_next();
    if (!by_iret) /* on its way out by SYSEXIT: its frame holds what that needs and no more */
        thread->flags &= ~FLAG_RESUME_BY_IRET;
}

/* What is left to do belongs to nobody: a thread of higher priority than those who caused it goes first. A thread whose process
 * is being ended does not get back to user mode, whatever its priority. */
bool scheduler_leave(bool may_work)
{
    struct cpu *cpu = this_cpu();
    scheduler_preempt(false);
    bool ends = !cpu->current->process->alive, busy = !queue_empty(&cpu->work);
    cpu->work_priority = busy ? (uint8_t)queue_highest(&cpu->work) : 0;
    if (busy && cpu->current != cpu->idle)
        busy = cpu->budget->priority <= cpu->work_priority; /* else not before it blocks: scheduler_run_next() */
    cpu->reschedule = ends || busy;
    if (!cpu->reschedule)
        return false;
    struct work *work = LIST_ENTRY(cpu->work.lists[cpu->work_priority].next, struct work, link);
    if (may_work && ends)
        thread_kill(cpu->current);
    else if (may_work)
        work->step(work);
    cpu->reschedule = true;
    return true;
}
