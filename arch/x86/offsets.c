/* Structure offsets for NASM: compiled with -S, the lines that start with @@ become offsets.inc. */
#include <stddef.h>

#include "endpoint.h"
#include "handle.h"
#include "thread.h"

#define OFFSET(name, type, member) __asm__("\n@@%%define " #name " %c0" ::"i"(offsetof(type, member)))
#define CONSTANT(name, value) __asm__("\n@@%%define " #name " %c0" ::"i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(THREAD_FRAME, struct thread, frame);
    OFFSET(THREAD_EDI, struct thread, frame.edi);
    OFFSET(THREAD_ESI, struct thread, frame.esi);
    OFFSET(THREAD_EBP, struct thread, frame.ebp);
    OFFSET(THREAD_EBX, struct thread, frame.ebx);
    OFFSET(THREAD_EDX, struct thread, frame.edx);
    OFFSET(THREAD_ECX, struct thread, frame.ecx);
    OFFSET(THREAD_EAX, struct thread, frame.eax);
    OFFSET(THREAD_EIP, struct thread, frame.eip);
    OFFSET(THREAD_EFLAGS, struct thread, frame.eflags);
    OFFSET(THREAD_ESP, struct thread, frame.esp);
    OFFSET(THREAD_ROOT, struct thread, root);
    OFFSET(THREAD_HANDLES, struct thread, handles);
    OFFSET(THREAD_HANDLE_MASK, struct thread, handle_mask);
    OFFSET(THREAD_FLAGS, struct thread, flags);
    OFFSET(THREAD_LINK, struct thread, link);
    OFFSET(THREAD_CALLEE, struct thread, callee);
    OFFSET(THREAD_ENDPOINT, struct thread, endpoint);
    OFFSET(THREAD_WAIT_EIP, struct thread, wait_eip);
    OFFSET(THREAD_WAIT_ESP, struct thread, wait_esp);
    OFFSET(THREAD_LAST_ENTRY, struct thread, last_entry);
    OFFSET(ENDPOINT_IDLE_TOP, struct endpoint, idle);
    OFFSET(ENDPOINT_WAITING, struct endpoint, waiting);
    OFFSET(ENTRY_VALUE, struct handle_entry, value);
    OFFSET(ENTRY_ENDPOINT, struct handle_entry, endpoint);
    OFFSET(ENTRY_BADGE, struct handle_entry, badge);
    OFFSET(CPU_CURRENT, struct cpu, current);
    OFFSET(CPU_RESCHEDULE, struct cpu, reschedule);
    CONSTANT(FLAG_RESUME_BY_IRET, FLAG_RESUME_BY_IRET);
    CONSTANT(FLAG_SINGLE_STEP, FLAG_SINGLE_STEP);
    CONSTANT(FLAG_NEVER, FLAG_NEVER);
}

/* What entry code relies upon beyond the offsets. */
_Static_assert(offsetof(struct cpu, current) == 0, "the kernel stack ends at &cpu, and current stands there");
_Static_assert(offsetof(struct thread, frame.eip) == 64, "eip opens the hot cache line");
_Static_assert(offsetof(struct thread, last_entry) + 4 <= 128, "the hot fields share one cache line");
_Static_assert(sizeof(struct handle_entry) == 1 << HANDLE_INDEX_SHIFT, "a masked handle is an entry's offset");
