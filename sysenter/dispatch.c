/* SYSENTER calls that the fast path does not take: the same C code as behind INT 250 runs them. */
#include "arch.h"
#include "endpoint.h"
#include "thread.h"

#define EFLAGS_AT_START 0x202u  /* interrupts on, nothing else */
#define EFLAGS_TF 0x100u

status_t sysenter_dispatch(struct thread *thread);

/* Entry stored EAX, EBX, ESI, EIP and ESP. The rest of the frame becomes what the ABI promises after SYSEXIT, so that the
 * thread may as well be resumed by IRET. */
static void complete_frame(struct frame *frame, bool single_step)
{
    frame->ecx = frame->esp;
    frame->edx = frame->eip;
    frame->ebp = 0;
    frame->eflags = EFLAGS_AT_START | (single_step ? EFLAGS_TF : 0);
}

void arch_frame_complete(struct thread *thread)
{
    if (!(thread->flags & FLAG_RESUME_BY_IRET))
        complete_frame(&thread->frame, thread->flags & FLAG_SINGLE_STEP);
}

status_t sysenter_dispatch(struct thread *thread)
{
    struct frame *frame = &thread->frame;
    int32_t operation = (int32_t)frame->eax;
    complete_frame(frame, thread->flags & FLAG_SINGLE_STEP);
    frame->handle = HANDLE_NONE;
    if (operation >= 0)
        return call_service(thread, frame->eax, TIMEOUT_NEVER, HANDLE_NONE);
    if (operation == OP_REPLY_WAIT)
        return call_reply_wait(thread);
    return operation == OP_NULL ? OP_NULL : E_BAD_CALL;
}
