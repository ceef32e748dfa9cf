/* Interrupt lines become notifications; a line stays masked until its owner acknowledges it. */
#include "arch.h"
#include "notification.h"
#include "trace.h"

#define LINES_MAX 16

static struct irq *bound[LINES_MAX];

void kernel_interrupt(uint32_t line)
{
    trace_interrupt(TRACE_INTERRUPT, line);
    if (line < LINES_MAX && bound[line])
        notification_signal(bound[line]->notification, bound[line]->bits);
}

static void unbind(struct irq *irq)
{
    if (!irq->notification)
        return;
    arch_irq_mask(irq->lines.first);
    bound[irq->lines.first] = NULL;
    object_release(&irq->notification->object);
    irq->notification = NULL;
}

status_t irq_bind(struct irq *irq, struct notification *notification, uint32_t bits)
{
    if (irq->lines.count != 1 || irq->lines.first >= LINES_MAX || !arch_irq_usable(irq->lines.first))
        return E_BAD_ARGUMENT;
    if (bound[irq->lines.first] && bound[irq->lines.first] != irq)
        return E_BUSY;
    object_hold(&notification->object);
    unbind(irq);
    irq->notification = notification;
    irq->bits = bits;
    bound[irq->lines.first] = irq;
    arch_irq_unmask(irq->lines.first);
    return OK;
}

void irq_destroy(struct object *object)
{
    unbind((struct irq *)object);
}
