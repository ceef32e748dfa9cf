/* From an interrupt to the user-space driver that waits for it. The device is the serial port, which raises its line while it
 * has nothing to send, as soon as it is told to: so the moment is known, that of the write. The thread that writes has the
 * lowest priority and computes in between; it is in the driver's process, or in another.
 *
 * Where nothing runs, nobody can write, so there the device is the timer of the PC, which is told when to interrupt. */
#include "measure.h"
#include <io_ports.h>

#define COM1 0x3F8
#define COM1_ENABLE (COM1 + 1)
#define COM1_MODEM (COM1 + 4)
#define WHEN_EMPTY 2u           /* of COM1_ENABLE */
#define TO_THE_LINE 8u          /* of COM1_MODEM: interrupts leave the chip */
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define ONCE 0x30               /* of PIT_COMMAND: channel 0, one interrupt at the end of the count */
#define PIT_HZ 1193182u
#define PIT_COUNT 24u           /* some 20 microseconds, in which the machine comes to its halt */
#define SAMPLES 1000u
#define SOURCE_ADDRESS 0x40000000u
#define STACK_TOP 0x40002000u   /* never used */
#define CHILD_QUOTA (512u * 1024u)
#define PRIORITY_SOURCE 2
#define PRIORITY_DRIVER 6

extern const char program_start[], etext[];
extern const char irq_source[];

/* EBX: where to leave the time. The time between is for the driver, which has to silence the device. */
__asm__(".globl irq_source\n"
        "irq_source:\n\t"
        "movl $1000, %ecx\n"
        "1:\tdecl %ecx\n\t"
        "jnz 1b\n\t"
        "rdtsc\n\t"
        "movl %eax, (%ebx)\n\t"
        "movl $0x3F9, %edx\n\t" /* COM1_ENABLE */
        "movb $2, %al\n\t"      /* WHEN_EMPTY */
        "outb %al, %dx\n\t"
        "jmp irq_source");
_Static_assert(COM1_ENABLE == 0x3F9 && WHEN_EMPTY == 2, "the numbers in the code above");

enum { SERIAL, TIMER }; /* places in perf/system.toml */

struct driver {
    handle_t irq, interrupt, done;
    const volatile uint32_t *begin;     /* where the source leaves the time */
};

/* The first interrupt warms up. */
static void drive(void *argument)
{
    const struct driver *driver = argument;
    uint32_t *woken = sample_store(), *acknowledged = woken + SAMPLES + 1, bits;
    status_t failed = OK;
    for (uint32_t i = 0; i <= SAMPLES; i++) {
        failed |= notification_wait(driver->interrupt, 1, TIMEOUT_NEVER, &bits);
        uint32_t now = (uint32_t)ticks();
        port_write(COM1_ENABLE, 0);
        failed |= irq_ack(driver->irq);
        acknowledged[i] = time_between(*driver->begin, (uint32_t)ticks());
        woken[i] = time_between(*driver->begin, now);
    }
    must("irq", failed);
    notification_signal(driver->done, 1);
}

static void measure_driver(const char *name, struct driver *driver, handle_t source)
{
    char ack[FIGURE_NAME];
    handle_t thread;
    uint32_t bits;
    must("thread_spawn", thread_spawn(drive, driver, PRIORITY_DRIVER, &thread));
    must("thread_start", thread_start(source));
    must("notification_wait", notification_wait(driver->done, 1, TIMEOUT_NEVER, &bits));
    must("thread_destroy", thread_destroy(source));
    port_write(COM1_ENABLE, 0);
    handle_close(source);
    handle_close(thread);
    report(&(struct series){ name, sample_store() + 1, SAMPLES, .warmup = 1, .overhead = timer_overhead() });
    report(&(struct series){ figure_name(ack, "%s/ack", name), sample_store() + SAMPLES + 2, SAMPLES, .warmup = 1,
                             .overhead = timer_overhead() });
}

static handle_t source_in(handle_t process)
{
    handle_t thread;
    must("thread_create", thread_create(process, (uint32_t)irq_source, STACK_TOP, SOURCE_ADDRESS, PRIORITY_SOURCE, &thread));
    return thread;
}

/* A process that sees the page with the time and our code, and may use the port. */
static handle_t source_process(handle_t page)
{
    handle_t process;
    must("process_create", process_create(CHILD_QUOTA, HANDLE_NONE, 0, PRIORITY_SOURCE, &process));
    must("process_map", process_map(process, page, SOURCE_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1));
    must("ioport_grant", ioport_grant(startup_handle_at("ports", SERIAL), process));
    copy_pages(process, program_start, etext, PROTECT_READ | PROTECT_EXECUTE);
    return process;
}

static void measure_sources(struct driver *driver, handle_t page)
{
    handle_t process = source_process(page);
    measure_driver("irq/driver", driver, source_in(HANDLE_NONE));
    measure_driver("irq/preempt", driver, source_in(process));
    process_destroy(process, 0);
    handle_close(process);
}

void measure_irq(void)
{
    struct driver driver = { .irq = startup_handle_at("irq", SERIAL), .begin = (const volatile uint32_t *)SOURCE_ADDRESS };
    handle_t page;
    must("notification_create", notification_create(&driver.interrupt));
    must("notification_create", notification_create(&driver.done));
    must("memory_create", memory_create(1, 0, &page));
    must("process_map", process_map(HANDLE_NONE, page, SOURCE_ADDRESS, PROTECT_READ | PROTECT_WRITE, 0, 1));
    must("irq_bind", irq_bind(driver.irq, driver.interrupt, 1));
    port_write(COM1_MODEM, port_read(COM1_MODEM) | TO_THE_LINE);
    measure_sources(&driver, page);
    port_write(COM1_MODEM, (uint8_t)(port_read(COM1_MODEM) & ~TO_THE_LINE));
    process_unmap(HANDLE_NONE, SOURCE_ADDRESS, 1);
    handle_close(page);
    handle_close(driver.irq);
}

/* ---- the machine halted ---- */

static uint32_t count_in_ticks(void)
{
    return (uint32_t)((uint64_t)info(INFO_TSC_KHZ) * (PIT_COUNT * 1000000u / (PIT_HZ / 1000)) / 1000000);
}

static void start_count(void)
{
    port_write(PIT_COMMAND, ONCE);
    port_write(PIT_CHANNEL0, PIT_COUNT);
    port_write(PIT_CHANNEL0, 0);
}

void measure_irq_idle(void)
{
    handle_t irq = startup_handle_at("irq", TIMER), interrupt = HANDLE_NONE;
    uint32_t *woken = sample_store(), delay = count_in_ticks(), bits;
    status_t failed = notification_create(&interrupt);
    failed |= irq_bind(irq, interrupt, 1);
    for (uint32_t i = 0; i <= SAMPLES; i++) {
        start_count();
        uint32_t due = (uint32_t)ticks() + delay;
        failed |= notification_wait(interrupt, 1, TIMEOUT_NEVER, &bits);
        woken[i] = time_between(due, (uint32_t)ticks());
        failed |= irq_ack(irq);
    }
    must("irq/idle", failed);
    handle_close(irq);
    handle_close(interrupt);
    report(&(struct series){ "irq/idle", woken + 1, SAMPLES, .warmup = 1, .overhead = timer_overhead() });
}
