/* The fake kernel: handles, memory, notifications, interrupts and time, for one process with one thread. */
#include "fake_internal.h"

#define HANDLES 256u
#define INDEX_SHIFT 1           /* bit 0 of a handle is free for HANDLE_ACCEPT */
#define GENERATION_SHIFT 12
#define GENERATIONS 0x7FFFu
#define BADGE_MAX 0x7FFFFFFFu
#define MICROSECONDS_PER_MILLISECOND 1000u

uint64_t fake_time;
uint32_t fake_info[INFO_COUNT];
uint32_t fake_allocations_left = UINT32_MAX;
bool fake_cancelled;

static struct entry entries[HANDLES]; /* the first stays free: its handle would be HANDLE_NONE */

bool may_allocate(void)
{
    if (fake_allocations_left == 0)
        return false;
    fake_allocations_left -= fake_allocations_left != UINT32_MAX;
    return true;
}

/* ---- handles ---- */

static handle_t handle_of(const struct entry *entry)
{
    return entry->generation << GENERATION_SHIFT | (uint32_t)(entry - entries) << INDEX_SHIFT;
}

struct entry *entry_find(handle_t handle, uint32_t type, uint32_t rights, status_t *status)
{
    struct entry *entry = &entries[(handle >> INDEX_SHIFT) % HANDLES];
    if (!entry->object || handle_of(entry) != handle)
        *status = E_BAD_HANDLE;
    else if (type != TYPE_NONE && entry->object->type != type)
        *status = E_BAD_TYPE;
    else if ((entry->rights & rights) != rights)
        *status = E_NO_RIGHT;
    else
        return entry;
    return NULL;
}

static status_t enter(struct object *object, uint32_t rights, uint32_t badge, handle_t *handle)
{
    for (struct entry *entry = &entries[1]; entry < entries + HANDLES; entry++) {
        if (entry->object)
            continue;
        *entry = (struct entry){ object, rights, badge, entry->generation % GENERATIONS + 1 };
        object->references++;
        *handle = handle_of(entry);
        return OK;
    }
    return E_NO_MEMORY;
}

status_t handle_make(struct object object, uint32_t rights, uint32_t badge, handle_t *handle)
{
    if (!may_allocate())
        return E_NO_MEMORY;
    struct object *made = malloc(sizeof(*made));
    *made = object;
    if (made->pages)
        made->bytes = calloc(made->pages, PAGE_SIZE);
    return enter(made, rights, badge, handle);
}

void object_drop(struct object *object)
{
    if (--object->references > 0)
        return;
    if (object->notification)
        object_drop(object->notification);
    free(object->bytes);
    free(object);
}

static void drop(struct entry *entry)
{
    struct object *object = entry->object;
    entry->object = NULL;
    object_drop(object);
}

handle_t handle_move(handle_t handle)
{
    status_t status;
    struct entry *entry = entry_find(handle, TYPE_NONE, 0, &status);
    const struct entry old = *entry;
    enter(old.object, old.rights, old.badge, &handle);
    drop(entry);
    return handle;
}

handle_t endpoint_make(const struct service *service, uint32_t badge)
{
    handle_t handle = HANDLE_NONE;
    handle_make((struct object){ .type = TYPE_ENDPOINT, .service = service }, RIGHT_CALL | RIGHT_TRANSFER, badge, &handle);
    return handle;
}

handle_t fake_handle(uint32_t type)
{
    handle_t handle = HANDLE_NONE;
    handle_make((struct object){ .type = type, .pages = type == TYPE_MEMORY }, RIGHTS_ALL, 0, &handle);
    return handle;
}

uint32_t fake_handles(void)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < HANDLES; i++)
        open += entries[i].object != NULL;
    return open;
}

static status_t duplicate(handle_t handle, uint32_t rights, uint32_t badge, uint32_t *made)
{
    status_t status;
    const struct entry *entry = entry_find(handle, TYPE_NONE, 0, &status);
    if (!entry)
        return status;
    if (badge > BADGE_MAX || (badge && entry->object->type != TYPE_ENDPOINT))
        return E_BAD_ARGUMENT;
    if (badge && entry->badge)
        return E_NO_RIGHT;
    return may_allocate() ? enter(entry->object, entry->rights & rights, badge ? badge : entry->badge, made) : E_NO_MEMORY;
}

static status_t close_one(handle_t handle)
{
    status_t status;
    struct entry *entry = entry_find(handle, TYPE_NONE, 0, &status);
    if (!entry)
        return status;
    drop(entry);
    return OK;
}

static status_t describe(handle_t handle, uint32_t *result)
{
    status_t status;
    const struct entry *entry = entry_find(handle, TYPE_NONE, 0, &status);
    if (!entry)
        return status;
    *result = entry->object->type | entry->rights << 8;
    return OK;
}

/* ---- memory ---- */

static status_t create_memory(uint32_t pages, uint32_t flags, handle_t *handle)
{
    if (pages == 0 || (flags & ~(MEMORY_CONTIGUOUS | MEMORY_IRREVOCABLE)))
        return E_BAD_ARGUMENT;
    return handle_make((struct object){ .type = TYPE_MEMORY, .pages = pages, .flags = flags }, RIGHTS_ALL, 0, handle);
}

static status_t memory_fact(handle_t memory, uint32_t which, uint32_t *result)
{
    status_t status;
    const struct entry *entry = entry_find(memory, TYPE_MEMORY, 0, &status);
    if (!entry)
        return status;
    *result = which == MEMORY_INFO_PAGES ? entry->object->pages : entry->object->flags;
    return which < MEMORY_INFO_COUNT ? OK : E_BAD_ARGUMENT;
}

/* ---- notifications, interrupts, time ---- */

static void run_timers(void)
{
    for (uint32_t i = 0; i < HANDLES; i++) {
        struct object *object = entries[i].object;
        if (object && object->timer_bits && object->timer_due <= fake_time) {
            object->bits |= object->timer_bits;
            object->timer_bits = 0;
        }
    }
}

static void pass(uint64_t microseconds)
{
    fake_time += microseconds;
    run_timers();
}

/* Nobody else runs who could signal it: only its own timer can, and otherwise all of the time passes. */
static void wait(const struct object *object, uint32_t mask, uint32_t timeout)
{
    uint64_t timer = object->timer_bits & mask && object->timer_due > fake_time ? object->timer_due - fake_time : UINT64_MAX;
    if (timer == UINT64_MAX && timeout == TIMEOUT_NEVER)
        fail_msg("waits for ever, for a notification that nobody is left to signal: is a lock taken twice?");
    pass(timer < timeout || timeout == TIMEOUT_NEVER ? timer : timeout);
}

static status_t wait_for(handle_t notification, uint32_t mask, uint32_t timeout, uint32_t *result)
{
    status_t status = OK;
    struct entry *entry = entry_find(notification, TYPE_NOTIFICATION, RIGHT_READ, &status);
    if (!entry && timeout == TIMEOUT_NEVER)
        fail_msg("waits for ever, for what is no notification (%s): was lock_init() forgotten?", status_text(status));
    if (!entry || mask == 0)
        return entry ? E_BAD_ARGUMENT : status;
    run_timers();
    if (!(entry->object->bits & mask))
        wait(entry->object, mask, timeout);
    *result = entry->object->bits & mask;
    entry->object->bits &= ~mask;
    return *result ? OK : E_TIMED_OUT;
}

static status_t signal_bits(handle_t notification, uint32_t bits)
{
    status_t status;
    struct entry *entry = entry_find(notification, TYPE_NOTIFICATION, RIGHT_WRITE, &status);
    if (!entry)
        return status;
    entry->object->bits |= bits;
    return OK;
}

static status_t set_timer(handle_t notification, uint32_t bits, uint32_t delay)
{
    status_t status;
    struct entry *entry = entry_find(notification, TYPE_NOTIFICATION, RIGHT_WRITE, &status);
    if (!entry)
        return status;
    entry->object->timer_bits = bits;
    entry->object->timer_due = fake_time + delay;
    return OK;
}

static status_t bind(handle_t irq, handle_t notification, uint32_t bits)
{
    status_t status;
    struct entry *line = entry_find(irq, TYPE_IRQ, RIGHT_CONTROL, &status);
    const struct entry *target = line ? entry_find(notification, TYPE_NOTIFICATION, RIGHT_WRITE, &status) : NULL;
    if (!target)
        return status;
    target->object->references++;
    if (line->object->notification)
        object_drop(line->object->notification);
    line->object->notification = target->object;
    line->object->bits = bits;
    return OK;
}

static status_t acknowledge(handle_t irq)
{
    status_t status;
    const struct entry *line = entry_find(irq, TYPE_IRQ, RIGHT_CONTROL, &status);
    if (!line)
        return status;
    return line->object->notification ? OK : E_BAD_STATE;
}

void fake_interrupt(handle_t irq)
{
    status_t status;
    const struct entry *line = entry_find(irq, TYPE_IRQ, 0, &status);
    if (!line || !line->object->notification)
        fail_msg("the interrupt is not bound to a notification");
    line->object->notification->bits |= line->object->bits;
}

static status_t machine_fact(uint32_t which, uint32_t *result)
{
    if (which >= INFO_COUNT)
        return E_BAD_ARGUMENT;
    *result = which == INFO_UPTIME_MS ? (uint32_t)(fake_time / MICROSECONDS_PER_MILLISECOND) : fake_info[which];
    return OK;
}

/* ---- dispatch ---- */

static const char *name_of_call(uint32_t number)
{
    static const char *const names[] = {
#define SYSCALL(number, name, arguments, results, text) [number] = #name,
#include <syscalls.def>
#undef SYSCALL
    };
    return number < COUNT(names) ? names[number] : "no such call";
}

status_t system_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t *result)
{
    (void)d;
    (void)e;
    *result = 0;
    switch (number) {
    case SYS_null: case SYS_yield: return OK;
    case SYS_request_status: return current && !fake_cancelled ? OK : E_CANCELLED;
    case SYS_system_info: return machine_fact(a, result);
    case SYS_handle_close: return close_one(a);
    case SYS_handle_duplicate: return duplicate(a, b, c, result);
    case SYS_handle_info: return describe(a, result);
    case SYS_memory_create: return create_memory(a, b, result);
    case SYS_memory_info: return memory_fact(a, b, result);
    case SYS_notification_create: return handle_make((struct object){ .type = TYPE_NOTIFICATION }, RIGHTS_ALL, 0, result);
    case SYS_notification_signal: return signal_bits(a, b);
    case SYS_notification_wait: return wait_for(a, b, c, result);
    case SYS_notification_timer: return set_timer(a, b, c);
    case SYS_irq_bind: return bind(a, b, c);
    case SYS_irq_ack: return acknowledge(a);
    default: fail_msg("the kernel call %s is not faked", name_of_call(number));
    }
    return E_NOT_SUPPORTED;
}

status_t sleep_microseconds(uint32_t microseconds)
{
    pass(microseconds);
    return OK;
}
