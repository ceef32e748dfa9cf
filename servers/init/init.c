/* init: the first process. Starts what the system list names, and keeps it going; answers look-ups, reports faults. */
#include "service.h"

#define WORKERS 4
#define PRIORITY 24

struct service services[SERVICES_MAX];
uint32_t service_count;
struct process processes[PROCESSES_MAX];
handle_t self_endpoint, events;

/* Nobody started us but the kernel, which has left the boot information. */
const struct startup *startup_page(void)
{
    static struct startup page = { .magic = STARTUP_MAGIC, .name = "init", .priority = PRIORITY };
    page.process = boot_info()->process;
    return &page;
}

const struct boot_module *module_find(const char *name, uint32_t length)
{
    for (uint32_t i = 0; i < boot_info()->module_count; i++) {
        const struct boot_module *module = &boot_info()->modules[i];
        if (strlen(module->name) == length && memcmp(module->name, name, length) == 0)
            return module;
    }
    return NULL;
}

struct process *process_of_number(uint32_t number)
{
    struct process *process = &processes[(number - 1) % PROCESSES_MAX];
    return number && entry_of(process)->number == number ? process : NULL;
}

static _Noreturn void give_up(const char *reason)
{
    print("init: %s\n", reason);
    machine_end(1);
}

/* NULL and the text, or why there is none. The text stays mapped: services point into it. */
static const char *map_list(const struct boot_module *module, const char **text)
{
    if (!module)
        return "no boot module named \"system.list\": nothing to start";
    void *address;
    if (pages_map(module->memory, module_pages(module), PROTECT_READ, &address) != OK)
        return "system.list is empty, or too large to map";
    *text = address;
    return NULL;
}

static void read_list(void)
{
    const struct boot_module *module = module_find("system.list", strlen("system.list"));
    const char *text, *wrong = map_list(module, &text);
    if (wrong)
        give_up(wrong);
    uint32_t mistakes = list_read(text, module->size);
    if (mistakes) {
        print("init: %u mistakes in system.list: nothing was started\n", mistakes);
        machine_end(1);
    }
    if (service_count == 0)
        give_up("system.list names no service");
}

int main(void)
{
    uint32_t bits;
    machine_prepare();
    if (table_create() != OK || lock_init(&state_lock) != OK || notification_create(&events) != OK || report_prepare() != OK ||
        server_start(&self_endpoint, init_methods, METHODS_COUNT(INIT_METHODS), .workers = WORKERS,
                     .handles = ENDPOINT_TAKES_HANDLES) != OK)
        give_up("not enough memory to serve");
    symbols_prepare();
    read_list();
    services_prepare();
    for (;;) {
        lock_acquire(&state_lock);
        processes_collect();
        uint32_t timeout = services_start();
        lock_release(&state_lock);
        notification_wait(events, ~0u, timeout, &bits);
    }
}
