/* The two 8259 interrupt controllers: lines 0 to 15 at vectors 32 to 47, masked until somebody binds them. */
#include "arch.h"
#include "io.h"
#include "x86.h"

#define MASTER 0x20
#define SLAVE 0xA0
#define CASCADE 2
#define LINES 16
#define END_OF_INTERRUPT 0x20
#define READ_IN_SERVICE 0x0B

static uint16_t masked = 0xFFFF & ~(1u << CASCADE);

static void write_masks(void)
{
    port_write(MASTER + 1, (uint8_t)masked);
    port_write(SLAVE + 1, (uint8_t)(masked >> 8));
}

static void initialise(uint16_t base, uint8_t vector, uint8_t cascade)
{
    port_write(base, 0x11);         /* edge triggered, cascaded, four words */
    port_write(base + 1, vector);
    port_write(base + 1, cascade);
    port_write(base + 1, 0x01);     /* 8086 mode */
}

void interrupts_start(void)
{
    initialise(MASTER, VECTOR_IRQ, 1 << CASCADE);
    initialise(SLAVE, VECTOR_IRQ + 8, CASCADE);
    write_masks();
}

uint32_t arch_irq_count(void)
{
    return LINES;
}

bool arch_irq_usable(uint32_t line)
{
    return line < LINES && line != CASCADE && !(line == 0 && timer_is_pit());
}

void arch_irq_mask(uint32_t line)
{
    masked |= (uint16_t)(1u << line);
    write_masks();
}

void arch_irq_unmask(uint32_t line)
{
    masked &= (uint16_t)~(1u << line);
    write_masks();
}

static bool in_service(uint16_t base)
{
    port_write(base, READ_IN_SERVICE);
    return port_read(base) & 0x80;
}

/* A line that went away before it was acknowledged shows as 7 of its controller, without being in service. */
bool interrupts_acknowledge(uint32_t line)
{
    bool slave = line >= 8;
    bool spurious = (line & 7) == 7 && !in_service(slave ? SLAVE : MASTER);
    if (slave && !spurious)
        port_write(SLAVE, END_OF_INTERRUPT);
    if (slave || !spurious)
        port_write(MASTER, END_OF_INTERRUPT);
    return !spurious;
}
