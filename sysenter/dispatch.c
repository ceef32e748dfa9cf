/* SYSENTER calls that the fast path does not take: the same C code as behind INT 250 runs them. */
#include "arch.h"
#include "endpoint.h"
#include "syscalls.h"
#include "thread.h"
#include "trace.h"

#define EFLAGS_AT_START 0x202u  /* interrupts on, nothing else */
#define EFLAGS_TF 0x100u

status_t sysenter_dispatch(struct thread *thread);

/* Entry stored EAX, EBX, ESI, EIP and ESP. The rest of the frame becomes what the ABI promises after SYSEXIT, so that the
 * thread may as well be resumed by IRET. One that `receives` goes on where it said in its wait: entry stores nothing of that
 * for the fast path, and whatever else it stored is of no meaning. */
static void complete_frame(struct thread *thread, bool receives)
{
    struct frame *frame = &thread->frame;
    if (receives) {
        frame->eip = thread->wait_eip;
        frame->esp = thread->wait_esp;
    }
    frame->ecx = frame->esp;
    frame->edx = frame->eip;
    frame->ebp = 0;
    frame->eflags = EFLAGS_AT_START | (thread->flags & FLAG_SINGLE_STEP ? EFLAGS_TF : 0);
}

static bool is_idle(const struct thread *thread)
{
    return thread->state == THREAD_ACTIVE && thread_activity(thread) == ACTIVITY_IDLE;
}

void arch_frame_complete(struct thread *thread)
{
    if (!(thread->flags & FLAG_RESUME_BY_IRET))
        complete_frame(thread, is_idle(thread));
}

status_t sysenter_dispatch(struct thread *thread)
{
    struct frame *frame = &thread->frame;
    int32_t operation = (int32_t)frame->eax;
    complete_frame(thread, operation == OP_REPLY_WAIT);
    frame->handle = HANDLE_NONE;
    if (operation >= 0)
        return this_cpu()->trace ? trace_call_service(thread, frame->eax) :
                                   call_service(thread, frame->eax, TIMEOUT_NEVER, HANDLE_NONE);
    if (operation == OP_REPLY_WAIT)
        return this_cpu()->trace ? syscall_table[SYS_reply_wait](thread) : call_reply_wait(thread);
    return operation == OP_NULL ? OP_NULL : E_BAD_CALL;
}
