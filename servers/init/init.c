/* init: the first process. Starts what the system list names, answers look-ups, reports faults, watches for ends. */
#include <init.h>

#include "service.h"

#define WORKERS 4
#define PRIORITY 24

struct service services[SERVICES_MAX];
uint32_t service_count;

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

struct service *service_of_badge(uint32_t badge)
{
    return badge >= 1 && badge <= service_count ? &services[badge - 1] : NULL;
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
    uint32_t pages = (module->size + PAGE_SIZE - 1) / PAGE_SIZE;
    uint32_t address = pages ? address_reserve(pages) : 0;
    if (address == 0 || process_map(self_process(), module->memory, address, PROTECT_READ, 0, pages) != OK)
        return "system.list is empty, or too large to map";
    *text = (const char *)address;
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

static void report_end(struct service *service)
{
    uint32_t code = 0;
    process_info(service->process, PROCESS_EXIT_CODE, &code);
    if (code != 0 || service->state == SERVICE_ANNOUNCED)
        print("init: %s ended with code %d\n", service->name, code);
    service_end(service);
    if (service->essential)
        machine_end(code);
}

static void watch(handle_t deaths)
{
    uint32_t bits;
    notification_wait(deaths, ~0u, TIMEOUT_NEVER, &bits);
    for (uint32_t i = 0; i < service_count; i++) {
        uint32_t alive = 1;
        if (services[i].state != SERVICE_ENDED)
            process_info(services[i].process, PROCESS_ALIVE, &alive);
        if (!alive)
            report_end(&services[i]);
    }
}

int main(void)
{
    handle_t endpoint, deaths;
    machine_prepare();
    read_list();
    if (notification_create(&deaths) != OK ||
        server_start(&endpoint, init_methods, INIT_METHODS, .workers = WORKERS) != OK)
        give_up("not enough memory to serve");
    for (uint32_t i = 0; i < service_count; i++)
        service_start(&services[i], endpoint, deaths);
    for (;;)
        watch(deaths);
}
