/* The three answers to "on whose stack does the callee run?", each across address spaces: a worker of a pool; a thread
 * that is created for the call and destroyed after it; a stack page that is mapped into the callee's space around it. */
#include "measure.h"

#define CHILD_QUOTA (512u * 1024u)
#define STACK_ADDRESS 0x40000000u
#define MIGRATED_ADDRESS 0x48000000u
#define PRIORITY 8
#define CALLS 8u
#define WORD 42u

extern const char program_start[], etext[], erodata[], end[];
extern const char one_call_worker[], pool_worker[];

/* Entry points in the child, with EBX = endpoint: wait by INT 250, then echo. The first serves through INT 250, and is
 * destroyed while it waits again; the second replies through SYSENTER where that is usable, as pools do. */
__asm__(".globl one_call_worker, pool_worker\n"
        "one_call_worker:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $3, %eax\n\t" /* SYS_wait */
        "int $250\n"
        "1:\tmovl $2, %eax\n\t" /* SYS_reply_wait */
        "xorl %esi, %esi\n\t"
        "xorl %edi, %edi\n\t"
        "int $250\n\t"
        "jmp 1b\n"
        "pool_worker:\n\t"
        "movl %ebx, %ecx\n\t"
        "movl $2f, %edx\n\t" /* where to receive */
        "movl $3, %eax\n\t"
        "int $250\n"
        "2:\tmovl $-1, %eax\n\t" /* OP_REPLY_WAIT */
        "xorl %esi, %esi\n\t"
        "sysenter");
_Static_assert(SYS_wait == 3 && SYS_reply_wait == 2 && OP_REPLY_WAIT == -1, "the numbers in the code above");

struct child {
    handle_t process, endpoint, endpoint_there, stack;
};

void copy_pages(handle_t process, const char *from, const char *to, uint32_t protection)
{
    uint32_t pages = (uint32_t)(to - from) / PAGE_SIZE;
    uint32_t here = address_reserve(pages);
    handle_t memory;
    must("memory_create", memory_create(pages, 0, &memory));
    must("process_map", process_map(HANDLE_NONE, memory, here, PROTECT_READ | PROTECT_WRITE, 0, pages));
    memcpy((void *)here, from, pages * PAGE_SIZE);
    must("process_unmap", process_unmap(HANDLE_NONE, here, pages));
    must("process_map", process_map(process, memory, (uint32_t)from, protection, 0, pages));
    handle_close(memory);
}

static struct child create_child(void)
{
    struct child child;
    must("process_create", process_create(CHILD_QUOTA, HANDLE_NONE, 0, 0, &child.process));
    must("endpoint_create", endpoint_create(0, 0, &child.endpoint));
    must("process_give", process_give(child.process, child.endpoint, RIGHT_SERVE, &child.endpoint_there));
    copy_pages(child.process, program_start, etext, PROTECT_READ | PROTECT_EXECUTE);
    must("memory_create", memory_create(1, 0, &child.stack));
    must("process_map", process_map(child.process, child.stack, STACK_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1));
    return child;
}

static status_t create_worker(const struct child *child, const char *entry, handle_t *thread)
{
    return thread_create(child->process, (uint32_t)entry, STACK_ADDRESS + PAGE_SIZE, child->endpoint_there, PRIORITY, thread);
}

static status_t call(handle_t endpoint)
{
    uint32_t reply;
    return service_call(endpoint, 0, WORD, &reply);
}

static __attribute__((noinline)) status_t by_pool(uint32_t calls, void *argument)
{
    status_t failed = OK;
    do
        failed |= call(((const struct child *)argument)->endpoint);
    while (--calls);
    return failed;
}

static status_t by_thread(uint32_t calls, void *argument)
{
    const struct child *child = argument;
    status_t failed = OK;
    do {
        handle_t thread = HANDLE_NONE;
        failed |= create_worker(child, one_call_worker, &thread);
        failed |= thread_start(thread);
        failed |= call(child->endpoint);
        failed |= thread_destroy(thread);
        failed |= handle_close(thread);
    } while (--calls);
    return failed;
}

static status_t by_remap(uint32_t calls, void *argument)
{
    const struct child *child = argument;
    status_t failed = OK;
    do {
        failed |= process_map(child->process, child->stack, MIGRATED_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1);
        failed |= call(child->endpoint);
        failed |= process_unmap(child->process, MIGRATED_ADDRESS, 1);
    } while (--calls);
    return failed;
}

void measure_strategies(void)
{
    struct child child = create_child();
    handle_t worker;
    measure(&(struct measurement){ "strategy/thread", by_thread, &child, 1000, CALLS });
    must("worker", create_worker(&child, gate_sysenter_usable() ? pool_worker : one_call_worker, &worker));
    must("worker", thread_start(worker));
    thread_yield(); /* it reaches its wait */
    count_threads_begin();
    measure(&(struct measurement){ "strategy/pool", by_pool, &child, 5000, CALLS });
    measure(&(struct measurement){ "strategy/remap", by_remap, &child, 1000, CALLS });
    count_threads_end();
    process_destroy(child.process, 0);
}
