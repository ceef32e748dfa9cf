/* Interrupt lines, ports and device memory: the real-time clock is the device, this program its driver. */
#include "child.h"

#define RTC_INDEX 0x70
#define RTC_DATA 0x71
#define RTC_A 0x0A
#define RTC_B 0x0B
#define RTC_C 0x0C
#define PERIODIC 0x40u          /* of RTC_B */
#define RATE_64_HZ 0x2Au        /* of RTC_A */
#define RTC_LINE 8u
#define COM1 0x3F8
#define COM1_ENABLE (COM1 + 1)
#define COM1_MODEM (COM1 + 4)
#define WHEN_EMPTY 2u           /* of COM1_ENABLE: an interrupt while nothing is left to send */
#define TO_THE_LINE 8u          /* of COM1_MODEM: interrupts leave the chip */
#define COM1_LINE 4u
#define LEVELS 0x4D0            /* which of lines 0 to 7 are level triggered */
#define SPIN_TICKS_MS 20u
#define VGA_FRAME 0xB8u
#define APIC_LVT_LINT0 (0x350 / 4)
#define DELIVER_NMI 0x400u

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t rtc_read(uint8_t which)
{
    out8(RTC_INDEX, which);
    return in8(RTC_DATA);
}

static void rtc_write(uint8_t which, uint8_t value)
{
    out8(RTC_INDEX, which);
    out8(RTC_DATA, value);
}

static void rtc_periodic(bool on)
{
    rtc_write(RTC_A, RATE_64_HZ);
    rtc_write(RTC_B, (uint8_t)((rtc_read(RTC_B) & ~PERIODIC) | (on ? PERIODIC : 0)));
    rtc_read(RTC_C);
}

/* ---- the line ---- */

/* Out of the authority over all lines. */
static handle_t rtc_irq(void)
{
    handle_t irq = HANDLE_NONE;
    irq_create(startup_handle("irq"), RTC_LINE, &irq);
    return irq;
}

static void interrupts_arrive(void)
{
    handle_t irq = rtc_irq(), notification;
    uint32_t bits = 0;
    expect(irq != HANDLE_NONE);
    expect_equal(notification_create(&notification), OK);
    expect_equal(irq_ack(irq), E_BAD_STATE);
    expect_equal(irq_bind(irq, notification, 0x4), OK);
    rtc_periodic(true);
    for (uint32_t i = 0; i < 5 && !test_failed(); i++) {
        expect_equal(notification_wait(notification, ~0u, SECOND, &bits), OK);
        expect_equal(bits, 0x4);
        rtc_read(RTC_C);
        expect_equal(irq_ack(irq), OK);
    }
    rtc_periodic(false);
    notification_wait(notification, ~0u, 0, &bits);
    handle_close(irq);
    handle_close(notification);
}

/* Not acknowledged: the line is masked, and nobody else loses time to it. */
static void masked_until_acknowledged(void)
{
    handle_t irq = rtc_irq(), notification;
    uint32_t bits;
    expect_equal(notification_create(&notification), OK);
    expect_equal(irq_bind(irq, notification, 1), OK);
    rtc_periodic(true);
    expect_equal(notification_wait(notification, 1, SECOND, &bits), OK);
    rtc_read(RTC_C);
    status_t status = notification_wait(notification, 1, SECOND / 10, &bits);
    expect_equal(status, E_TIMED_OUT);
    rtc_read(RTC_C);
    expect_equal(irq_ack(irq), OK);
    rtc_read(RTC_C);
    expect_equal(notification_wait(notification, 1, SECOND, &bits), OK);
    rtc_periodic(false);
    handle_close(irq);
    handle_close(notification);
}

/* ---- a line that is asserted all the time ---- */

/* The serial port has nothing to send, and says so by level. */
static void assert_serial(bool on)
{
    out8(LEVELS, (uint8_t)((in8(LEVELS) & ~(1u << COM1_LINE)) | (on ? 1u << COM1_LINE : 0)));
    out8(COM1_MODEM, (uint8_t)((in8(COM1_MODEM) & ~TO_THE_LINE) | (on ? TO_THE_LINE : 0)));
    out8(COM1_ENABLE, on ? WHEN_EMPTY : 0);
}

/* What a thread gets done in 20 ms. */
static uint32_t spin_turns(void)
{
    uint32_t turns = 0;
    for (uint64_t end = ticks() + (uint64_t)info(INFO_TSC_KHZ) * SPIN_TICKS_MS; ticks() < end;)
        turns++;
    return turns;
}

static void ignore_serial(handle_t irq, handle_t notification)
{
    uint32_t bits, quiet = spin_turns();
    expect_equal(irq_bind(irq, notification, 1), OK);
    assert_serial(true);
    expect_equal(notification_wait(notification, 1, SECOND, &bits), OK);
    uint32_t interrupts = info(INFO_INTERRUPTS), turns = spin_turns();
    interrupts = info(INFO_INTERRUPTS) - interrupts;
    for (uint32_t i = 0; i < 3; i++) {
        expect_equal(notification_wait(notification, 1, 0, &bits), E_TIMED_OUT);
        expect_equal(irq_ack(irq), OK);
        expect_equal(notification_wait(notification, 1, SECOND, &bits), OK); /* it was asserted all along */
    }
    expect(interrupts < 100);
    expect(turns >= quiet - quiet / 10 || !ticks_are_instructions());
}

/* Its owner is told once, and hears no more until it acknowledges; a thread that computes keeps nine tenths of the CPU. */
static void ignored_line_costs_nothing(void)
{
    handle_t irq, notification;
    expect_equal(irq_create(startup_handle("irq"), COM1_LINE, &irq), OK);
    expect_equal(notification_create(&notification), OK);
    ignore_serial(irq, notification);
    assert_serial(false);
    handle_close(irq);
    handle_close(notification);
}

/* The controller's interrupts arrive as NMIs: nothing but the idle loop runs then, and must be left alone. What was held
 * back comes afterwards. Bochs 2.7 delivers it as an interrupt all the same. */
static void nmi_while_idle(void)
{
    volatile uint32_t *registers = apic_open();
    uint32_t bits;
    if (!registers)
        return;
    handle_t irq = rtc_irq(), notification;
    uint32_t external = registers[APIC_LVT_LINT0];
    expect_equal(notification_create(&notification), OK);
    expect_equal(irq_bind(irq, notification, 1), OK);
    registers[APIC_LVT_LINT0] = DELIVER_NMI;
    rtc_periodic(true);
    status_t status = notification_wait(notification, 1, SECOND / 20, &bits);
    registers[APIC_LVT_LINT0] = external;
    if (status == E_TIMED_OUT)
        status = notification_wait(notification, 1, SECOND, &bits);
    rtc_periodic(false);
    apic_close();
    handle_close(irq);
    handle_close(notification);
    expect_equal(status, OK);
}

static void line_rules(void)
{
    handle_t irq = rtc_irq(), narrow, notification, weak;
    expect_equal(notification_create(&notification), OK);
    expect_equal(irq_create(irq, RTC_LINE + 1, &narrow), E_BAD_ARGUMENT);
    expect_equal(irq_create(irq, 0, &narrow), E_BAD_ARGUMENT);
    expect_equal(irq_create(irq, 0xFFFFFFFF, &narrow), E_BAD_ARGUMENT);
    expect_equal(irq_create(irq, RTC_LINE, &narrow), OK);
    expect_equal(irq_bind(irq, notification, 1), OK);
    expect_equal(irq_bind(irq, notification, 2), OK); /* its own again */
    expect_equal(irq_bind(narrow, notification, 1), E_BUSY);
    expect_equal(irq_bind(irq, irq, 1), E_BAD_TYPE);
    expect_equal(handle_duplicate(irq, 0, 0, &weak), OK);
    expect_equal(irq_bind(weak, notification, 1), E_NO_RIGHT);
    expect_equal(irq_ack(weak), E_NO_RIGHT);
    handle_close(weak);
    handle_close(narrow);
    handle_close(irq);
    handle_close(notification);
}

/* What is no line of a device: all at once, the cascade, and the clock where that is the PIT. */
static void lines_that_are_none(void)
{
    handle_t all = startup_handle("irq"), cascade, clock, notification;
    bool has_apic = info(INFO_CPU_FEATURES) & CPU_FEATURE_APIC;
    expect_equal(notification_create(&notification), OK);
    expect_equal(irq_create(all, 16, &cascade), E_BAD_ARGUMENT);
    expect_equal(irq_bind(all, notification, 1), E_BAD_ARGUMENT);
    expect_equal(irq_create(all, 2, &cascade), OK);
    expect_equal(irq_bind(cascade, notification, 1), E_BAD_ARGUMENT);
    expect_equal(irq_create(all, 0, &clock), OK);
    expect_equal(irq_bind(clock, notification, 1), has_apic ? OK : E_BAD_ARGUMENT);
    handle_close(clock);
    handle_close(cascade);
    handle_close(notification);
}

static void facts_of_the_machine(void)
{
    uint32_t value;
    expect(info(INFO_FRAMES_TOTAL) > info(INFO_FRAMES_FREE));
    expect(info(INFO_BUILD_RELEASE) <= 1);
    expect_equal(system_info(INFO_COUNT, &value), E_BAD_ARGUMENT);
}

/* ---- ports ---- */

static void own_ports(void)
{
    uint8_t second = rtc_read(0);
    expect((second & 0x0F) < 10 && second >> 4 < 6); /* decimal digits */
}

static uint32_t read_port(void)
{
    uint8_t value;
    __asm__ volatile("inb %%dx, %0" : "=a"(value) : "d"(SHARED->words[0]));
    SHARED->words[1] = value;
    return 7;
}

static uint32_t read_two_ports(void)
{
    uint16_t value;
    __asm__ volatile("inw %%dx, %0" : "=a"(value) : "d"(SHARED->words[0]));
    SHARED->words[1] = value;
    return 7;
}

static void expect_port(uint32_t port, uint32_t (*read)(void), bool granted, uint32_t outcome)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    if (granted)
        expect_equal(ioport_grant(startup_handle("ports"), child.process), OK);
    SHARED->words[0] = port;
    child_start(&child, read, PRIORITY_TESTS);
    uint32_t came = child_wait(&child, SECOND);
    child_end(&child);
    expect_equal(came, outcome);
    if (outcome == CHILD_FAULTED)
        expect_equal(child.registers[REGISTER_FAULT_VECTOR], 13);
}

static void ports_of_others(void)
{
    expect_port(RTC_INDEX, read_port, false, CHILD_FAULTED);
    expect_port(RTC_INDEX, read_port, true, CHILD_ENDED);
    expect_port(RTC_DATA, read_port, true, CHILD_ENDED);
    expect_port(RTC_INDEX - 1, read_port, true, CHILD_FAULTED);
    expect_port(RTC_DATA + 1, read_port, true, CHILD_FAULTED);
    expect_port(RTC_INDEX, read_two_ports, true, CHILD_ENDED);
    expect_port(RTC_DATA, read_two_ports, true, CHILD_FAULTED);     /* half of it lies outside */
    expect_port(RTC_INDEX - 1, read_two_ports, true, CHILD_FAULTED);
    expect_port(0xFFFF, read_port, true, CHILD_FAULTED);
    expect_port(0xFFFF, read_two_ports, true, CHILD_FAULTED);
    expect_port(0, read_port, true, CHILD_FAULTED);
}

static void port_rules(void)
{
    handle_t ports = startup_handle("ports"), narrow;
    expect_equal(ioport_create(ports, RTC_INDEX - 1, 2, &narrow), E_BAD_ARGUMENT);
    expect_equal(ioport_create(ports, RTC_INDEX, 3, &narrow), E_BAD_ARGUMENT);
    expect_equal(ioport_create(ports, RTC_INDEX, 0, &narrow), E_BAD_ARGUMENT);
    expect_equal(ioport_create(ports, 0xFFFFFFFF, 2, &narrow), E_BAD_ARGUMENT);
    expect_equal(ioport_create(ports, RTC_INDEX, 0xFFFFFFFF, &narrow), E_BAD_ARGUMENT);
    expect_equal(ioport_create(ports, RTC_DATA, 1, &narrow), OK);
    expect_equal(ioport_create(narrow, RTC_INDEX, 1, &ports), E_BAD_ARGUMENT);
    expect_equal(ioport_grant(narrow, 0x7FFFFFE0), E_BAD_HANDLE);
    handle_close(narrow);
}

/* The permission is the process's: it is gone as soon as another process runs, and back with its owner. */
static uint32_t read_port_later(void)
{
    thread_yield();
    sleep_microseconds(1000);
    return read_port();
}

static void ports_do_not_leak(void)
{
    struct child child = { .on_fault = NULL };
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    SHARED->words[0] = RTC_INDEX;
    child_start(&child, read_port_later, PRIORITY_TESTS);
    for (uint32_t i = 0; i < 100 && child_wait(&child, 0) == 0 && child.faults == 0; i++) {
        in8(RTC_INDEX);
        thread_yield();
        in8(RTC_INDEX);
        sleep_microseconds(500);
    }
    in8(RTC_INDEX);
    expect_equal(child.faults, 1);
    expect_equal(child.registers[REGISTER_FAULT_VECTOR], 13);
    child_end(&child);
}

/* ---- device memory ---- */

static void device_memory(void)
{
    handle_t authority = startup_handle("device-memory"), memory, anonymous;
    uint32_t pages = 0, frame = 0, word;
    expect_equal(memory_create_device(authority, VGA_FRAME, 8, &memory), OK);
    expect_equal(memory_info(memory, MEMORY_INFO_PAGES, &pages), OK);
    expect_equal(pages, 8);
    expect_equal(memory_physical(memory, 7, &frame), OK);
    expect_equal(frame, VGA_FRAME + 7);
    uint32_t address = address_reserve(1);
    expect_equal(process_map(HANDLE_NONE, memory, address, PROTECT_READ | PROTECT_WRITE, 7, 1), OK);
    *(volatile uint16_t *)(address + 2048) = 0x0741;
    expect_equal(*(volatile uint16_t *)(address + 2048), 0x0741);
    expect_equal(process_read_word(HANDLE_NONE, address, &word), E_BAD_ADDRESS); /* reading a device may change it */
    expect_equal(process_unmap(HANDLE_NONE, address, 1), OK);
    address_release(address, 1);
    expect_equal(memory_create(1, 0, &anonymous), OK);
    expect_equal(memory_create_device(anonymous, VGA_FRAME, 1, &frame), E_BAD_TYPE);
    expect_equal(memory_create_device(memory, VGA_FRAME, 1, &frame), E_BAD_TYPE);
    handle_close(anonymous);
    handle_close(memory);
}

static void ram_is_no_device(void)
{
    handle_t authority = startup_handle("device-memory"), memory, own;
    uint32_t frame = 0;
    expect_equal(memory_create(1, 0, &own), OK);
    expect_equal(memory_physical(own, 0, &frame), OK);
    expect_equal(memory_create_device(authority, frame, 1, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create_device(authority, 0x100, 1, &memory), E_BAD_ARGUMENT);   /* the kernel */
    expect_equal(memory_create_device(authority, VGA_FRAME, 0x100, &memory), E_BAD_ARGUMENT); /* runs into RAM */
    expect_equal(memory_create_device(authority, VGA_FRAME, 0, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create_device(authority, 0xFFFFFFFF, 2, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create_device(authority, VGA_FRAME, 0x100001, &memory), E_BAD_ARGUMENT);
    handle_close(own);
}

static const struct test_case cases[] = {
    { "interrupts arrive", interrupts_arrive, NULL },
    { "a line is masked until it is acknowledged", masked_until_acknowledged, NULL },
    { "a line that nobody acknowledges leaves others the CPU", ignored_line_costs_nothing, NULL },
    { "an NMI while nothing runs", nmi_while_idle, NULL },
    { "rules of lines", line_rules, NULL },
    { "lines that are none", lines_that_are_none, NULL },
    { "ports that were granted", own_ports, NULL },
    { "ports that were not", ports_of_others, NULL },
    { "rules of ports", port_rules, NULL },
    { "ports do not leak to other processes", ports_do_not_leak, NULL },
    { "device memory", device_memory, NULL },
    { "RAM is no device", ram_is_no_device, NULL },
    { "facts of the machine", facts_of_the_machine, NULL },
};
TEST_GROUP(device_tests, "device");
