/* Brings a service to life: its process, what it may use, what it is told, its first thread. */
#include <program.h>

#include "service.h"

static struct startup page; /* of the service on its way */

/* ---- resources ---- */

static status_t give_ports(handle_t process, const struct word *value)
{
    uint32_t first, last;
    handle_t ports;
    if (!parse_range(value, &first, &last))
        return E_BAD_ARGUMENT;
    status_t status = ioport_create(boot_info()->ioports, first, last - first + 1, &ports);
    if (status != OK)
        return status;
    status = ioport_grant(ports, process);
    if (status == OK)
        status = startup_add_resource(&page, "ports", process, ports);
    handle_close(ports);
    return status;
}

static status_t give_irq(handle_t process, const struct word *value)
{
    uint32_t line;
    handle_t irq;
    if (word_equals(value, "all"))
        return startup_add_resource(&page, "irq", process, boot_info()->irqs);
    if (!parse_number(value, &line))
        return E_BAD_ARGUMENT;
    status_t status = irq_create(boot_info()->irqs, line, &irq);
    if (status != OK)
        return status;
    status = startup_add_resource(&page, "irq", process, irq);
    handle_close(irq);
    return status;
}

static status_t give_device_memory(handle_t process, const struct word *value)
{
    uint32_t first, last;
    handle_t memory;
    if (word_equals(value, "all"))
        return startup_add_resource(&page, "device-memory", process, boot_info()->device_memory);
    if (!parse_range(value, &first, &last))
        return E_BAD_ARGUMENT;
    status_t status = memory_create_device(boot_info()->device_memory, first / PAGE_SIZE,
                                           last / PAGE_SIZE - first / PAGE_SIZE + 1, &memory);
    if (status != OK)
        return status;
    status = startup_add_resource(&page, "device-memory", process, memory);
    handle_close(memory);
    return status;
}

static status_t give_resource_of(handle_t process, const struct word *key, const struct word *value)
{
    if (word_equals(key, "ports"))
        return give_ports(process, value);
    if (word_equals(key, "irq"))
        return give_irq(process, value);
    if (word_equals(key, "device-memory"))
        return give_device_memory(process, value);
    return OK;
}

/* Tells the service its keys, and hands over what they name. */
static status_t give_arguments(const struct process *process)
{
    const char *cursor = process->service->words;
    struct word word, key, value;
    status_t status = OK;
    while (status == OK && next_word(&cursor, process->service->words_end, &word)) {
        status = startup_add_argument(&page, "", word.text, word.length);
        if (status == OK && split_word(&word, &key, &value))
            status = give_resource_of(process->handle, &key, &value);
    }
    return status;
}

static status_t fill_page(const struct process *process)
{
    handle_t badged;
    memset(&page, 0, sizeof(page));
    status_t status = handle_duplicate(self_endpoint, RIGHT_CALL | RIGHT_TRANSFER, entry_of(process)->number, &badged);
    if (status != OK)
        return status;
    status = startup_begin(&page, entry_of(process)->name, process->service->priority, process->handle, badged,
                           process->endpoint);
    handle_close(badged);
    return status == OK ? give_arguments(process) : status;
}

/* ---- the service ---- */

static uint32_t highest_priority(const struct service *service)
{
    return service->highest > service->priority ? service->highest : service->priority;
}

static status_t create(struct process *process)
{
    const struct service *service = process->service;
    status_t status = OK;
    if (process->endpoint == HANDLE_NONE)
        status = endpoint_create(0, 0, &process->endpoint);
    if (status == OK)
        status = process_create(service->quota_kib * 1024, self_endpoint, entry_of(process)->number,
                                highest_priority(service), &process->handle);
    if (status == OK)
        status = process_watch(process->handle, events, 1);
    return status == OK ? fill_page(process) : status;
}

/* The module is mapped only as long as its program is loaded. */
static const char *load(handle_t process, const struct boot_module *module, uint32_t *entry)
{
    void *window;
    if (module->size == 0)
        return "is empty";
    status_t status = pages_map(module->memory, module_pages(module), PROTECT_READ, &window);
    if (status != OK)
        return status_text(status);
    const struct program_image image = { window, module->size, module->memory };
    const char *wrong = program_load(process, &image, &page, entry);
    pages_unmap(window, module_pages(module));
    return wrong;
}

const char *service_start(struct process *process)
{
    uint32_t entry;
    status_t status = create(process);
    if (status != OK)
        return status_text(status);
    const char *wrong = load(process->handle, process->service->program, &entry);
    if (wrong)
        return wrong;
    status = program_run(process->handle, entry, process->service->priority);
    return status == OK ? NULL : status_text(status);
}
