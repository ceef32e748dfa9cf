/* Configuration space: through ECAM on buses that ACPI says are mapped, else through ports 0xCF8 and 0xCFC. */
#include "bus.h"

#define CONFIG_ADDRESS 0xCF8
#define CONFIG_DATA 0xCFC
#define CONFIG_ADDRESS_ENABLE 0x80000000u
#define BUSES 256u
#define BUS_BYTES 0x100000u     /* of ECAM: 4 KiB for each of 256 functions */
#define PORT_SPACE 0x100u
#define ECAM_SPACE 0x1000u
#define ID_NONE 0xFFFFFFFFu

static struct ecam ecam;
static bool has_ecam;
static volatile uint8_t *windows[BUSES]; /* NULL: through the ports */

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
}

static uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static volatile uint32_t *window_register(uint32_t address, uint32_t offset)
{
    return (volatile uint32_t *)(windows[address >> 8] + (address & 0xFF) * ECAM_SPACE + offset);
}

static void select(uint32_t address, uint32_t offset)
{
    out32(CONFIG_ADDRESS, CONFIG_ADDRESS_ENABLE | address << 8 | offset);
}

uint32_t config_size(uint32_t bus)
{
    return windows[bus] ? ECAM_SPACE : PORT_SPACE;
}

uint32_t config_read(uint32_t address, uint32_t offset)
{
    if (windows[address >> 8])
        return *window_register(address, offset);
    select(address, offset);
    return in32(CONFIG_DATA);
}

void config_write(uint32_t address, uint32_t offset, uint32_t value)
{
    if (windows[address >> 8]) {
        *window_register(address, offset) = value;
        return;
    }
    select(address, offset);
    out32(CONFIG_DATA, value);
}

void config_command(uint32_t address, uint32_t command)
{
    config_write(address, CONFIG_COMMAND, command & 0xFFFF);
}

/* A window that shows something else than the ports do is not believed. */
void config_open_bus(uint32_t bus)
{
    uint32_t id = config_read(bus << 8, CONFIG_ID);
    if (!has_ecam || windows[bus] || bus < ecam.first_bus || bus > ecam.last_bus)
        return;
    windows[bus] = physical_map(ecam.base + (uint64_t)bus * BUS_BYTES, BUS_BYTES);
    if (!windows[bus] || config_read(bus << 8, CONFIG_ID) == id)
        return;
    physical_unmap(windows[bus], BUS_BYTES);
    windows[bus] = NULL;
    print("%s: bus %u: the window that ACPI names does not show it\n", program_name(), bus);
}

/* Mechanism 1 is there when its address register keeps what is written to it. */
bool config_start(void)
{
    out32(CONFIG_ADDRESS, CONFIG_ADDRESS_ENABLE);
    if (in32(CONFIG_ADDRESS) != CONFIG_ADDRESS_ENABLE || config_read(0, CONFIG_ID) == ID_NONE)
        return false;
    has_ecam = acpi_find_ecam(&ecam);
    return true;
}
