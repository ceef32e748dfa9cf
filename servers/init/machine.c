/* The end of the machine: emulators first, power off last. */
#include "service.h"

#define QEMU_EXIT 0xF4      /* isa-debug-exit */
#define QEMU_CODE_MAX 127u  /* it keeps seven bits: a larger code must not end up as 0 */
#define BOCHS_EXIT 0x8900
#define ACPI_CONTROL 0x604  /* PM1a control of QEMU's PIIX4 and ICH9 */
#define ACPI_SLEEP_5 0x2000
#define SERIAL_STATUS 0x3FD
#define SERIAL_EMPTY 0x40
#define DRAIN_TRIES 1000000u

static const struct {
    uint32_t first, count;
} ports[] = { { QEMU_EXIT, 4 }, { BOCHS_EXIT, 1 }, { ACPI_CONTROL, 2 }, { SERIAL_STATUS, 1 } };

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "d"(port));
}

static void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "d"(port));
}

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
    return value;
}

/* While there is memory to be had: the end of the machine must not fail. */
void machine_prepare(void)
{
    for (uint32_t i = 0; i < COUNT(ports); i++) {
        handle_t range;
        status_t status = ioport_create(boot_info()->ioports, ports[i].first, ports[i].count, &range);
        if (status == OK) {
            status = ioport_grant(range, self_process());
            handle_close(range);
        }
        if (status != OK)
            print("init: no access to port 0x%x: %s\n", ports[i].first, status_text(status));
    }
}

/* An emulator that ends with a byte on its way to the serial port loses it. */
static void drain_serial(void)
{
    for (uint32_t i = 0; i < DRAIN_TRIES && !(in8(SERIAL_STATUS) & SERIAL_EMPTY); i++)
        continue;
}

void machine_end(uint32_t code)
{
    report_print();
    print("machine exit: code %u\n", code); /* Bochs has no exit code; tools/boot.py reads this line */
    drain_serial();
    out32(QEMU_EXIT, code < QEMU_CODE_MAX ? code : QEMU_CODE_MAX);
    for (const char *letter = "Shutdown"; *letter; letter++)
        out8(BOCHS_EXIT, (uint8_t)*letter);
    out16(ACPI_CONTROL, ACPI_SLEEP_5);
    print("init: this machine cannot be switched off from here; code %d\n", code);
    for (;;)
        sleep_microseconds(TIMEOUT_NEVER);
}
