/* Base address registers: how large a range each decodes, and handles of the ranges. */
#include "bus.h"

#define BAR_IS_PORTS 1u
#define BAR_TYPE(value) ((value) >> 1 & 3)
#define BAR_TYPE_64 2u
#define PORTS_MASK 0xFFFCu
#define MEMORY_MASK 0xFFFFFFF0u

/* Which address bits the register keeps, shown by writing ones; its value is left as it was. */
static uint32_t probe(uint32_t address, uint32_t number)
{
    uint32_t offset = CONFIG_BAR + number * 4, value = config_read(address, offset);
    config_write(address, offset, 0xFFFFFFFF);
    uint32_t kept = config_read(address, offset);
    config_write(address, offset, value);
    return kept;
}

static void read_ports(struct device *device, uint32_t number, uint32_t value)
{
    uint32_t kept = probe(device->address, number) & PORTS_MASK;
    if (kept && (value & PORTS_MASK))
        device->bars[number] = (struct bar){ BAR_PORTS, value & PORTS_MASK, kept & -kept };
}

static void read_memory(struct device *device, uint32_t number, uint32_t value)
{
    uint64_t first = value & MEMORY_MASK, kept = probe(device->address, number) & MEMORY_MASK;
    if (BAR_TYPE(value) == BAR_TYPE_64 && number + 1 < BARS) {
        first |= (uint64_t)config_read(device->address, CONFIG_BAR + (number + 1) * 4) << 32;
        kept |= (uint64_t)probe(device->address, number + 1) << 32;
    }
    if (kept && first)
        device->bars[number] = (struct bar){ BAR_MEMORY, first, kept & -kept };
}

/* Decoding is off meanwhile: what is written would move the device across others. */
void bars_read(struct device *device)
{
    uint32_t command = config_read(device->address, CONFIG_COMMAND);
    config_command(device->address, command & ~COMMAND_DECODE);
    for (uint32_t i = 0; i < BARS; i++) {
        uint32_t value = config_read(device->address, CONFIG_BAR + i * 4);
        if (value & BAR_IS_PORTS)
            read_ports(device, i, value);
        else
            read_memory(device, i, value);
        if (!(value & BAR_IS_PORTS) && BAR_TYPE(value) == BAR_TYPE_64)
            i++; /* the upper half is no register of its own */
    }
    config_command(device->address, command);
}

/* ---- handles ---- */

static uint64_t first_page(const struct bar *bar)
{
    return bar->first / PAGE_SIZE;
}

static uint64_t last_page(const struct bar *bar)
{
    return (bar->first + bar->size - 1) / PAGE_SIZE;
}

/* A driver that got the page would reach the other device too. */
static bool shares_page(const struct device *device, const struct bar *bar)
{
    for (const struct device *other = devices; other < devices + device_count; other++)
        for (uint32_t i = 0; other != device && i < BARS; i++)
            if (other->bars[i].kind == BAR_MEMORY && first_page(&other->bars[i]) <= last_page(bar) &&
                last_page(&other->bars[i]) >= first_page(bar))
                return true;
    return false;
}

status_t bar_handle(const struct device *device, uint32_t number, handle_t *handle)
{
    const struct bar *bar = &device->bars[number];
    if (bar->kind == BAR_NONE)
        return E_NOT_FOUND;
    if (bar->kind == BAR_PORTS)
        return ioport_create(startup_handle("ports"), (uint32_t)bar->first, (uint32_t)bar->size, handle);
    if (bar->size > UINT32_MAX || last_page(bar) > UINT32_MAX || shares_page(device, bar))
        return E_NOT_SUPPORTED;
    return memory_create_device(startup_handle("device-memory"), (uint32_t)first_page(bar),
                                (uint32_t)(last_page(bar) - first_page(bar) + 1), handle);
}
