/* Brings a service to life: its process, what it may use, what it is told, its first thread. */
#include "service.h"

#define STACK_PAGES 4u

struct start { /* one service on its way */
    struct service *service;
    struct startup *page;       /* our view of its startup page */
    handle_t init;              /* our endpoint */
    uint32_t resources;
};

static status_t give(const struct start *start, handle_t handle, uint32_t rights, handle_t *there)
{
    return process_give(start->service->process, handle, rights, there);
}

/* The three handles that every program finds first in its table. */
static status_t give_basics(struct start *start)
{
    struct service *service = start->service;
    handle_t badged;
    status_t status = give(start, service->process, RIGHTS_ALL, &start->page->process);
    if (status == OK)
        status = handle_duplicate(start->init, RIGHT_CALL | RIGHT_TRANSFER, service_badge(service), &badged);
    if (status == OK) {
        status = give(start, badged, RIGHTS_ALL, &start->page->init);
        handle_close(badged);
    }
    if (status == OK)
        status = give(start, service->endpoint, RIGHTS_ALL, &start->page->endpoint);
    return status;
}

/* ---- resources ---- */

static status_t give_resource(struct start *start, const char *key, handle_t handle)
{
    if (start->resources == STARTUP_RESOURCES)
        return E_NO_MEMORY;
    struct startup_resource *resource = &start->page->resources[start->resources++];
    memcpy(resource->key, key, strlen(key));
    return give(start, handle, RIGHTS_ALL, &resource->handle);
}

static status_t give_ports(struct start *start, const struct word *value)
{
    uint32_t first, last;
    handle_t ports;
    parse_range(value, &first, &last);
    status_t status = ioport_create(boot_info()->ioports, first, last - first + 1, &ports);
    if (status != OK)
        return status;
    status = ioport_grant(ports, start->service->process);
    if (status == OK)
        status = give_resource(start, "ports", ports);
    handle_close(ports);
    return status;
}

static status_t give_irq(struct start *start, const struct word *value)
{
    uint32_t line;
    handle_t irq;
    if (!parse_number(value, &line))
        return give_resource(start, "irq", boot_info()->irqs);
    status_t status = irq_create(boot_info()->irqs, line, &irq);
    if (status != OK)
        return status;
    status = give_resource(start, "irq", irq);
    handle_close(irq);
    return status;
}

static status_t give_device_memory(struct start *start, const struct word *value)
{
    uint32_t first, last;
    handle_t memory;
    if (!parse_range(value, &first, &last))
        return give_resource(start, "device-memory", boot_info()->device_memory);
    status_t status = memory_create_device(boot_info()->device_memory, first / PAGE_SIZE,
                                           last / PAGE_SIZE - first / PAGE_SIZE + 1, &memory);
    if (status != OK)
        return status;
    status = give_resource(start, "device-memory", memory);
    handle_close(memory);
    return status;
}

static status_t give_resource_of(struct start *start, const struct word *key, const struct word *value)
{
    if (word_equals(key, "ports"))
        return give_ports(start, value);
    if (word_equals(key, "irq"))
        return give_irq(start, value);
    if (word_equals(key, "device-memory"))
        return give_device_memory(start, value);
    return OK;
}

/* Copies the keys, each ended by a zero, and hands over what they name. */
static status_t give_arguments(struct start *start)
{
    const char *cursor = start->service->words;
    char *to = start->page->arguments;
    struct word word, key, value;
    status_t status = OK;
    while (status == OK && next_word(&cursor, start->service->words_end, &word)) {
        memcpy(to, word.text, word.length);
        to += word.length + 1;
        if (split_word(&word, &key, &value))
            status = give_resource_of(start, &key, &value);
    }
    return status;
}

/* ---- memory ---- */

static status_t map_stack(const struct service *service)
{
    handle_t memory;
    status_t status = memory_create(STACK_PAGES, 0, &memory);
    if (status != OK)
        return status;
    status = process_map(service->process, memory, STACK_TOP - STACK_PAGES * PAGE_SIZE, PROTECT_READ | PROTECT_WRITE, 0,
                         STACK_PAGES);
    handle_close(memory);
    return status;
}

static status_t fill_page(struct start *start)
{
    start->page->magic = STARTUP_MAGIC;
    memcpy(start->page->name, start->service->name, STARTUP_NAME);
    start->page->priority = start->service->priority;
    status_t status = give_basics(start);
    return status == OK ? give_arguments(start) : status;
}

static status_t map_startup_page(struct start *start)
{
    handle_t memory;
    uint32_t window = address_reserve(1);
    if (window == 0)
        return E_NO_MEMORY;
    status_t status = memory_create(1, 0, &memory);
    if (status == OK) {
        status = process_map(self_process(), memory, window, PROTECT_READ | PROTECT_WRITE, 0, 1);
        if (status == OK) {
            start->page = (struct startup *)window;
            status = fill_page(start);
            process_unmap(self_process(), window, 1);
        }
        if (status == OK)
            status = process_map(start->service->process, memory, STARTUP_ADDRESS, PROTECT_READ, 0, 1);
        handle_close(memory);
    }
    address_release(window, 1);
    return status;
}

/* ---- the service ---- */

static status_t start_thread(const struct service *service, uint32_t entry)
{
    handle_t thread;
    status_t status = thread_create(service->process, entry, STACK_TOP, 0, service->priority, &thread);
    if (status != OK)
        return status;
    status = thread_start(thread);
    handle_close(thread);
    return status;
}

static uint32_t highest_priority(const struct service *service)
{
    return service->highest > service->priority ? service->highest : service->priority;
}

/* NULL, or why it cannot start. */
static const char *bring_up(struct start *start, handle_t deaths)
{
    struct service *service = start->service;
    uint32_t entry;
    status_t status = endpoint_create(0, 0, &service->endpoint);
    if (status == OK)
        status = process_create(service->quota_kib * 1024, start->init, service_badge(service), highest_priority(service),
                                &service->process);
    if (status != OK)
        return status_text(status);
    const char *wrong = program_load(service, &entry);
    if (wrong)
        return wrong;
    status = map_stack(service);
    if (status == OK)
        status = map_startup_page(start);
    if (status == OK)
        status = process_watch(service->process, deaths, 1);
    if (status == OK)
        status = start_thread(service, entry);
    return status == OK ? NULL : status_text(status);
}

void service_start(struct service *service, handle_t init, handle_t deaths)
{
    struct start start = { .service = service, .init = init };
    const char *wrong = bring_up(&start, deaths);
    if (!wrong)
        return;
    print("init: cannot start %s (system.list:%u): program \"%s\": %s\n", service->name, service->line,
          service->program->name, wrong);
    service_end(service);
    if (service->essential)
        machine_end(1);
}

/* Without the endpoint's last handle to serve through, callers that still wait get E_PEER_DIED. */
void service_end(struct service *service)
{
    service->state = SERVICE_ENDED;
    if (service->process != HANDLE_NONE) /* which would name ourselves */
        process_destroy(service->process, 0);
    handle_close(service->endpoint);
    handle_close(service->process);
}
