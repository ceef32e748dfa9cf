/* Every object that can be reached from the process tree: who refers to it, and who pays for it. What was counted must be
 * what the object itself says, to the last reference and the last byte. */
#include "audit.h"

#include "endpoint.h"
#include "memory.h"
#include "notification.h"
#include "process.h"
#include "slab.h"
#include "thread.h"
#include "trace.h"

#define ACCOUNTS 4096u
#define PLACES (2 * ACCOUNTS)
#define FPU_BYTES 512u /* as in arch/x86/switch.c */
#define SLOT(type) (((uint32_t)sizeof(type) + 63u) & ~63u)
#define PACKED_SLOT(type) (((uint32_t)sizeof(type) + 7u) & ~7u)
#define NUMBERS (PAGE_SIZE / sizeof(frame_t))

struct account accounts[ACCOUNTS];
uint32_t account_count;
static uint16_t places[PLACES]; /* by hash: 1 + index of the account; 0: none */

static const uint32_t slot_sizes[TYPE_COUNT] = {
    [TYPE_PROCESS] = SLOT(struct process),   [TYPE_THREAD] = SLOT(struct thread),
    [TYPE_BUDGET] = SLOT(struct budget),     [TYPE_ENDPOINT] = SLOT(struct endpoint),
    [TYPE_MEMORY] = SLOT(struct memory),     [TYPE_NOTIFICATION] = SLOT(struct notification),
    [TYPE_IRQ] = SLOT(struct irq),           [TYPE_IOPORT] = SLOT(struct range),
    [TYPE_TRACE] = SLOT(struct trace),
};

/* ---- accounts ---- */

static struct account *new_account(struct object *object, uint32_t place)
{
    if (account_count == ACCOUNTS)
        panic("audit: more than %u objects", ACCOUNTS);
    places[place] = (uint16_t)++account_count;
    accounts[account_count - 1] = (struct account){ .object = object };
    return &accounts[account_count - 1];
}

static struct account *account_of(struct object *object)
{
    uint32_t place = ((uint32_t)object >> 6) * 2654435761u % PLACES;
    for (; places[place]; place = (place + 1) % PLACES)
        if (accounts[places[place] - 1].object == object)
            return &accounts[places[place] - 1];
    return new_account(object, place);
}

static void refer(struct object *object)
{
    account_of(object)->references++;
}

static void charge(struct process *payer, uint32_t bytes)
{
    account_of(&payer->object)->charged += bytes;
}

/* ---- what each object refers to, and costs ---- */

static void visit_handles(struct process *process)
{
    for (uint32_t i = 1; i < process->handles.count; i++) {
        const struct handle_entry *entry = &process->handles.entries[i];
        if (!entry->object)
            continue;
        refer(entry->object);
        if (entry->object->type == TYPE_ENDPOINT && (entry->rights & RIGHT_SERVE))
            account_of(entry->object)->serving++;
    }
    charge(process, process->handles.count * (uint32_t)sizeof(struct handle_entry));
}

static void visit_mappings(struct process *process)
{
    LIST_FOREACH(link, &process->mappings) {
        const struct mapping *mapping = LIST_ENTRY(link, struct mapping, in_process);
        refer(&mapping->memory->object);
        refer(&mapping->payer->object);
        charge(mapping->payer, PACKED_SLOT(struct mapping));
        check(mapping->process == process, "a mapping at 0x%08x is of another process", mapping->address);
    }
}

static void visit_watches(struct process *process)
{
    LIST_FOREACH(link, &process->watchers) {
        const struct watch *watch = LIST_ENTRY(link, struct watch, link);
        refer(&watch->notification->object);
        refer(&watch->payer->object);
        charge(watch->payer, SLOT(struct watch));
    }
}

static void visit_threads(struct process *process)
{
    LIST_FOREACH(link, &process->threads) {
        refer(&LIST_ENTRY(link, struct thread, in_process)->object); /* while it lives */
        refer(&process->object);
        charge(process, FPU_BYTES);
    }
}

static void visit_living(struct process *process)
{
    refer(&process->object); /* while it lives */
    if (process != this_cpu()->kernel) { /* which has neither table nor space of its own */
        charge(process, process->table_pages * PAGE_SIZE);
        visit_handles(process);
    }
    visit_threads(process);
    visit_mappings(process);
    visit_watches(process);
    LIST_FOREACH(link, &process->children)
        account_of(&LIST_ENTRY(link, struct process, in_payer)->object);
    if (process->supervisor)
        refer(&process->supervisor->object);
}

static void visit_dead(const struct process *process)
{
    check(list_empty(&process->threads) && list_empty(&process->mappings) && list_empty(&process->watchers) &&
          list_empty(&process->watching) && list_empty(&process->children) && !process->supervisor,
          "dead process %u has kept something", process->supervisor_badge);
}

static void visit_thread(const struct thread *thread)
{
    if (thread->base != &thread->own)
        refer(&thread->base->object);
    if (thread->endpoint != &null_endpoint)
        refer(&thread->endpoint->object);
    if (thread->state == THREAD_QUEUED)
        refer(&thread->queued_at->object);
    if (thread->state == THREAD_WAITING)
        refer(&thread->waiting.notification->object);
    if (thread->making)
        refer(&thread->making->object);
}

static void visit_memory(const struct memory *memory)
{
    uint32_t tables = memory->kind == MEMORY_ANONYMOUS ? 1 + (memory->pages + NUMBERS - 1) / NUMBERS : 0;
    if (memory->kind != MEMORY_BORROWED)
        charge(memory->object.payer, (memory->pages + tables) * PAGE_SIZE);
}

static void visit(struct object *object)
{
    check(object->type > TYPE_NONE && object->type < TYPE_COUNT, "an object at %p has type %u", (void *)object, object->type);
    if (object->payer) {
        refer(&object->payer->object);
        charge(object->payer, slot_sizes[object->type]);
    }
    switch (object->type) {
    case TYPE_PROCESS:
        if (((struct process *)object)->alive)
            visit_living((struct process *)object);
        else
            visit_dead((struct process *)object);
        break;
    case TYPE_THREAD: visit_thread((struct thread *)object); break;
    case TYPE_MEMORY: visit_memory((struct memory *)object); break;
    case TYPE_TRACE:
        if (((struct trace *)object)->memory)
            refer(&((struct trace *)object)->memory->object);
        break;
    case TYPE_IRQ:
        if (((struct irq *)object)->notification)
            refer(&((struct irq *)object)->notification->object);
        break;
    default: break;
    }
}

/* ---- what must be true ---- */

static void check_handles(const struct process *process)
{
    const struct handle_table *table = &process->handles;
    uint32_t used = 0, free = 0;
    for (uint32_t i = 1; i < table->count; i++) {
        const struct handle_entry *entry = &table->entries[i];
        used += entry->object != NULL;
        uint32_t value = entry->object ? entry->value & HANDLE_MASK : entry->value;
        check(value == (entry->object ? i << HANDLE_INDEX_SHIFT : i < table->fresh ? HANDLE_FREE : 0),
              "handle %u of process %u has value 0x%x", i, process->supervisor_badge, entry->value);
        bool callable = &entry->endpoint->object == entry->object && (entry->rights & RIGHT_CALL) && !entry->endpoint->cap;
        check(i >= table->fresh || entry->endpoint == &null_endpoint || callable,
              "handle %u of process %u may not be called", i, process->supervisor_badge);
    }
    for (uint32_t i = table->first_free; i && free < table->count; i = table->entries[i].next_free)
        free++;
    check(used == table->used && used + free < table->count, "process %u: %u handles, %u free, %u counted",
          process->supervisor_badge, used, free, table->used);
}

/* Quota that is granted moves; it is neither made nor lost. */
static void check_limits(void)
{
    static uint64_t at_first;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < account_count; i++)
        if (accounts[i].object->type == TYPE_PROCESS)
            sum += ((const struct process *)accounts[i].object)->quota.limit;
    if (!at_first)
        at_first = sum;
    check(sum == at_first, "the limits of all quotas have changed by %d bytes", (int32_t)(sum - at_first));
}

static void check_account(const struct account *account)
{
    const struct object *object = account->object;
    check(object->references == account->references, "an object of type %u has %u references, and says %u", object->type,
          account->references, object->references);
    if (object->type != TYPE_PROCESS)
        return;
    const struct process *process = (const struct process *)object;
    check(process->quota.used == account->charged, "process %u pays for %u bytes, and %u are charged",
          process->supervisor_badge, account->charged, process->quota.used);
    check(process->quota.used <= process->quota.limit, "process %u has passed its quota", process->supervisor_badge);
    if (process->alive && process != this_cpu()->kernel)
        check_handles(process);
}

void audit_objects(void)
{
    __builtin_memset(places, 0, sizeof(places));
    account_count = 0;
    account_of(&this_cpu()->kernel->object);
    for (uint32_t i = 0; i < account_count; i++)
        visit(accounts[i].object);
    for (uint32_t i = 0; i < account_count; i++)
        check_account(&accounts[i]);
    check_limits();
}
