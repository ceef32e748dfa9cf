/* An exception of a user thread becomes a call to its supervisor; without one, the thread's end. */
#include "arch.h"
#include "endpoint.h"
#include "log.h"
#include "process.h"
#include "thread.h"
#include "trace.h"

static void print_fault(const struct thread *thread)
{
    log_print("fault: vector %u, error 0x%x, address 0x%08x, eip 0x%08x esp 0x%08x, and no supervisor can be told\n",
              thread->fault.vector, thread->fault.error, thread->fault.address, thread->frame.eip, thread->frame.esp);
}

void kernel_exception(struct thread *thread, uint32_t vector, uint32_t error, uint32_t address)
{
    thread->fault.vector = vector;
    thread->fault.error = error;
    thread->fault.address = address;
    trace_event(TRACE_FAULT, thread, thread, vector, address);
    if (call_supervisor(thread)) {
        trace_called(thread);
        return;
    }
    print_fault(thread);
    if (!thread->process->supervisor && thread->process->object.payer == this_cpu()->kernel)
        panic("init failed, and nobody supervises it");
    thread_kill(thread);
}
