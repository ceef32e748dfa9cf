/* Interrupt lines, shared among the drivers of all devices on them: one thread waits for every line, tells each driver, and
 * the line is unmasked when all of them have said that their devices are silent. */
#include "bus.h"

#define LINES 16u
#define LINE_BITS 0xFFFFu       /* of `events`: one for each line */
#define DEATH_BIT 0x10000u      /* a driver has ended */
#define DRIVER_BIT 1u           /* of a driver's notification */

static struct {
    handle_t irq;               /* HANDLE_NONE: no driver has asked for the line yet */
    bool raised;                /* masked by the kernel until it is acknowledged */
} lines[LINES];
static handle_t events;

/* What one line means to one device; NULL when that is nothing. */
static struct channel *channel_on(struct device *device, uint32_t line)
{
    for (uint32_t i = 0; i < CHANNELS; i++)
        if (device->lines[i] == line && device->channels[i].notification != HANDLE_NONE)
            return &device->channels[i];
    return NULL;
}

/* With no driver left a raised line stays masked: nobody could silence it. */
static void unmask_if_silent(uint32_t line)
{
    uint32_t drivers = 0;
    for (uint32_t i = 0; i < device_count; i++) {
        const struct channel *channel = channel_on(&devices[i], line);
        if (channel && channel->pending)
            return;
        drivers += channel != NULL;
    }
    if (!lines[line].raised || drivers == 0)
        return;
    lines[line].raised = false;
    irq_ack(lines[line].irq);
}

static void tell_drivers(uint32_t line)
{
    lines[line].raised = true;
    for (uint32_t i = 0; i < device_count; i++) {
        struct channel *channel = channel_on(&devices[i], line);
        if (!channel)
            continue;
        channel->pending = true;
        notification_signal(channel->notification, DRIVER_BIT);
    }
    unmask_if_silent(line);
}

static void serve_events(void *unused)
{
    uint32_t bits;
    (void)unused;
    for (;;) {
        if (notification_wait(events, LINE_BITS | DEATH_BIT, TIMEOUT_NEVER, &bits) != OK)
            continue;
        lock_acquire(&bus_lock);
        for (uint32_t line = 0; line < LINES; line++)
            if (bits & 1u << line)
                tell_drivers(line);
        if (bits & DEATH_BIT)
            release_dead();
        lock_release(&bus_lock);
    }
}

status_t interrupts_start(void)
{
    handle_t thread;
    status_t status = notification_create(&events);
    if (status == OK)
        status = thread_spawn(serve_events, NULL, 0, &thread);
    if (status == OK)
        handle_close(thread);
    return status;
}

status_t interrupts_watch(handle_t process)
{
    return process_watch(process, events, DEATH_BIT);
}

static status_t line_open(uint32_t line)
{
    handle_t irq;
    if (lines[line].irq != HANDLE_NONE)
        return OK;
    status_t status = irq_create(startup_handle("irq"), line, &irq);
    if (status != OK)
        return status;
    status = irq_bind(irq, events, 1u << line);
    if (status == OK)
        lines[line].irq = irq;
    else
        handle_close(irq);
    return status;
}

/* A driver that asks a second time gets a second handle of the same notification. */
status_t interrupt_attach(struct device *device, uint32_t number, handle_t *handle)
{
    struct channel *channel = &device->channels[number];
    if (device->lines[number] == LINE_NONE)
        return E_NOT_FOUND;
    status_t status = line_open(device->lines[number]);
    if (status == OK && channel->notification == HANDLE_NONE)
        status = notification_create(&channel->notification);
    if (status == OK)
        status = handle_duplicate(channel->notification, RIGHT_READ | RIGHT_TRANSFER, 0, handle);
    if (status != OK)
        return status;
    uint32_t command = config_read(device->address, CONFIG_COMMAND);
    config_command(device->address, command & ~COMMAND_INTERRUPT_OFF);
    unmask_if_silent(device->lines[number]);
    return OK;
}

status_t interrupt_done(struct device *device, uint32_t number)
{
    if (device->channels[number].notification == HANDLE_NONE)
        return E_NOT_FOUND;
    device->channels[number].pending = false;
    unmask_if_silent(device->lines[number]);
    return OK;
}

void interrupt_detach(struct device *device, uint32_t number)
{
    struct channel *channel = &device->channels[number];
    if (channel->notification == HANDLE_NONE)
        return;
    handle_close(channel->notification);
    *channel = (struct channel){ .notification = HANDLE_NONE };
    unmask_if_silent(device->lines[number]);
}
