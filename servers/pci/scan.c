/* Finds every device: bus 0, and behind each bridge the bus whose number the firmware gave it. */
#include "bus.h"

#define ID_VENDOR_NONE 0xFFFFu
#define HEADER_TYPE(dword) ((dword) >> 16 & 0x7F)
#define HEADER_MULTIFUNCTION 0x800000u
#define HEADER_BRIDGE 1u
#define SECONDARY_BUS(dword) ((dword) >> 8 & 0xFF)
#define CLASS_BRIDGE 0x06u
#define CLASS_IDE 0x0101u
#define IDE_NATIVE(channel) (1u << (channel) * 2) /* of the programming interface: not in compatibility mode */
#define IDE_LINE 14u            /* of the first channel in compatibility mode */
#define LINES 16u

struct device devices[DEVICES_MAX];
uint32_t device_count;

struct device *device_find(uint32_t address)
{
    for (uint32_t i = 0; i < device_count; i++)
        if (devices[i].address == address)
            return &devices[i];
    return NULL;
}

/* The table is in the order of addresses, though bridges are followed as they are met. */
static struct device *insert(uint32_t address)
{
    uint32_t place = device_count;
    if (device_count == DEVICES_MAX) {
        print("%s: more than %u devices; %x:%x.%x is left out\n", program_name(), DEVICES_MAX, address >> 8, address >> 3 & 31,
              address & 7);
        return NULL;
    }
    for (; place > 0 && devices[place - 1].address > address; place--)
        devices[place] = devices[place - 1];
    device_count++;
    devices[place] = (struct device){ .address = address, .lines = { LINE_NONE, LINE_NONE } };
    return &devices[place];
}

/* ---- interrupt lines ---- */

static bool is_compatible_ide(const struct device *device, uint32_t channel)
{
    return device->class_code >> 8 == CLASS_IDE && !(device->class_code & IDE_NATIVE(channel));
}

/* The firmware left the line in the interrupt line register. */
static uint8_t pin_line(uint32_t address)
{
    uint32_t interrupt = config_read(address, CONFIG_INTERRUPT);
    bool has_pin = interrupt >> 8 & 0xFF;
    return has_pin && (interrupt & 0xFF) < LINES ? (uint8_t)interrupt : LINE_NONE;
}

static void lines_read(struct device *device)
{
    device->lines[0] = pin_line(device->address);
    for (uint32_t i = 0; i < CHANNELS; i++)
        if (is_compatible_ide(device, i))
            device->lines[i] = (uint8_t)(IDE_LINE + i);
}

/* In compatibility mode the registers do not stand in the BARs. */
static void fixed_ports(struct device *device)
{
    static const struct bar fixed[CHANNELS][2] = {
        { { BAR_PORTS, 0x1F0, 8 }, { BAR_PORTS, 0x3F6, 1 } },
        { { BAR_PORTS, 0x170, 8 }, { BAR_PORTS, 0x376, 1 } },
    };
    for (uint32_t i = 0; i < CHANNELS; i++)
        if (is_compatible_ide(device, i))
            memcpy(&device->bars[i * 2], fixed[i], sizeof(fixed[i]));
}

/* ---- the walk ---- */

static void scan_bus(uint32_t bus);

/* What is behind it must be reachable, whoever will drive it. */
static void scan_bridge(uint32_t address)
{
    uint32_t secondary = SECONDARY_BUS(config_read(address, CONFIG_BUSES));
    config_command(address, config_read(address, CONFIG_COMMAND) | COMMAND_DECODE | PCI_ENABLE_MASTER);
    if (secondary > address >> 8) /* so that no ring of bridges keeps us for ever */
        scan_bus(secondary);
}

/* Firmware may have left it working: nobody asks for memory access or interrupts from now on but its driver. */
static void read_device(struct device *device)
{
    if (device->class_code >> 16 == CLASS_BRIDGE)
        return;
    config_command(device->address, (config_read(device->address, CONFIG_COMMAND) & ~PCI_ENABLE_MASTER) | COMMAND_INTERRUPT_OFF);
    bars_read(device);
    fixed_ports(device);
    lines_read(device);
}

/* Returns whether the device has further functions. */
static bool scan_function(uint32_t address)
{
    uint32_t id = config_read(address, CONFIG_ID);
    if ((id & 0xFFFF) == ID_VENDOR_NONE)
        return false;
    struct device *device = insert(address);
    uint32_t header = config_read(address, CONFIG_HEADER);
    if (device) {
        device->id = id;
        device->class_code = config_read(address, CONFIG_CLASS) >> 8;
        read_device(device);
    }
    if (HEADER_TYPE(header) == HEADER_BRIDGE)
        scan_bridge(address);
    return header & HEADER_MULTIFUNCTION;
}

static void scan_bus(uint32_t bus)
{
    config_open_bus(bus);
    for (uint32_t slot = 0; slot < 32; slot++) {
        uint32_t address = bus << 8 | slot << 3;
        uint32_t functions = scan_function(address) ? 8 : 1;
        for (uint32_t function = 1; function < functions; function++)
            scan_function(address | function);
    }
}

void scan_all(void)
{
    if (config_start())
        scan_bus(0);
}
