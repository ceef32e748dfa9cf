/* Calls on memory objects and mappings. */
#include "arch.h"
#include "memory.h"
#include "process.h"
#include "syscalls.h"
#include "thread.h"

#define PROTECTION(address) ((address) % PAGE_SIZE)
#define RIGHTS_TO_MAP (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) /* the same bits as PROTECT_* */

_Static_assert(RIGHT_READ == PROTECT_READ && RIGHT_WRITE == PROTECT_WRITE && RIGHT_EXECUTE == PROTECT_EXECUTE,
               "rights of a memory handle are compared with protections");

/* Each entry makes one page, so that whoever wakes need not wait for all of them: then the thread makes the same call again. */
status_t sys_memory_create(struct thread *thread)
{
    uint32_t pages = thread->frame.ebx, flags = thread->frame.ecx;
    if (pages == 0 || pages > MEMORY_PAGES_MAX || (flags & ~(MEMORY_CONTIGUOUS | MEMORY_IRREVOCABLE)))
        return E_BAD_ARGUMENT;
    struct memory *memory = thread->making;
    if (memory && (memory->pages != pages || memory->flags != flags)) { /* registers were written since, or it jumped away */
        thread_stop_making(thread);
        return arch_call_again(thread); /* by then what that took is back */
    }
    if (!memory)
        memory = thread->making = memory_create(thread->process, pages, flags);
    if (!memory || !memory_make_page(memory)) {
        thread_stop_making(thread);
        return E_NO_MEMORY;
    }
    if (memory->made < pages)
        return arch_call_again(thread);
    thread->making = NULL;
    return syscall_return_object(thread, &memory->object);
}

/* The authority is an empty device object; what is named below it must not be RAM, whose pages have owners. */
SYSCALL_ON(memory_create_device, struct memory *authority, TYPE_MEMORY, RIGHT_CONTROL)
{
    uint32_t first = thread->frame.ecx, pages = thread->frame.edx;
    if (!authority->device || authority->pages != 0)
        return E_BAD_TYPE;
    if (pages == 0 || pages > MEMORY_PAGES_MAX || first > UINT32_MAX - pages || arch_frames_are_ram(first, pages))
        return E_BAD_ARGUMENT;
    struct memory *memory = memory_create_borrowed(thread->process, first, pages, true);
    return memory ? syscall_return_object(thread, &memory->object) : E_NO_MEMORY;
}

SYSCALL_ON(memory_physical, struct memory *memory, TYPE_MEMORY, RIGHT_DMA)
{
    if (thread->frame.ecx >= memory->pages)
        return E_BAD_ARGUMENT;
    thread->frame.word = memory_frame(memory, thread->frame.ecx);
    return OK;
}

SYSCALL_ON(memory_revoke, struct memory *memory, TYPE_MEMORY, RIGHT_CONTROL)
{
    if (memory->flags & MEMORY_IRREVOCABLE)
        return E_BAD_STATE;
    memory_revoke(memory);
    return OK;
}

SYSCALL_ON(memory_info, const struct memory *memory, TYPE_MEMORY, 0)
{
    const uint32_t facts[MEMORY_INFO_COUNT] = { [MEMORY_INFO_PAGES] = memory->pages, [MEMORY_INFO_FLAGS] = memory->flags };
    if (thread->frame.ecx >= MEMORY_INFO_COUNT)
        return E_BAD_ARGUMENT;
    thread->frame.word = facts[thread->frame.ecx];
    return OK;
}

SYSCALL_ON(process_map, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    const struct frame *frame = &thread->frame;
    uint32_t protection = PROTECTION(frame->edx);
    status_t status = OK;
    struct handle_entry *entry =
        process_handle_find(thread->process, frame->ecx, TYPE_MEMORY, protection & RIGHTS_TO_MAP, &status);
    if (!entry)
        return status;
    status = process_map(process, (struct memory *)entry->object, frame->edx - protection, protection,
                         entry->rights & RIGHTS_TO_MAP, frame->esi, frame->edi, thread->process);
    return status == CALL_AGAIN ? arch_call_again(thread) : status;
}

SYSCALL_ON(process_unmap, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    return process_unmap(process, thread->frame.ecx, thread->frame.edx);
}

SYSCALL_ON(process_protect, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    uint32_t protection = PROTECTION(thread->frame.ecx);
    return process_protect(process, thread->frame.ecx - protection, thread->frame.edx, protection);
}

/* Through the page tables, never through the user's address. */
SYSCALL_ON(process_read_word, struct process *process, TYPE_PROCESS, RIGHT_CONTROL)
{
    uint32_t address = thread->frame.ecx;
    frame_t frame;
    if (address % 4 || !arch_translate(&process->space, address, &frame) || !arch_frames_are_ram(frame, 1))
        return E_BAD_ADDRESS;
    thread->frame.word = arch_frame_read_word(frame, address % PAGE_SIZE);
    return OK;
}
