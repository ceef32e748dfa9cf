/* 32 sticky bits, to wait for; and what can set them: signals, timers, interrupts, deaths. */
#ifndef KERNEL_NOTIFICATION_H
#define KERNEL_NOTIFICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "object.h"
#include "timer.h"
#include "work.h"

#define WAITERS_MAX 128u

struct notification {
    struct object object;
    uint32_t bits;
    struct list waiters;    /* thread.queue_link, THREAD_WAITING */
    uint32_t waiter_count;  /* at most WAITERS_MAX: a signal looks at all of them */
    struct work work;       /* while more waiters are to be woken; holds a reference */
    struct timer timer;     /* notification_timer */
    uint32_t timer_bits;
};

void notification_signal(struct notification *notification, uint32_t bits);
void notification_destroy(struct object *object);

struct range { /* of interrupt lines or of ports: [first, first + count) */
    struct object object;
    uint32_t first, count;
};

struct irq { /* an authority over lines, or one bound line */
    struct range lines;
    struct notification *notification;  /* holds a reference */
    uint32_t bits;
};

/* Unmasks the line and signals at each interrupt. E_BUSY: another irq object is bound to it. */
status_t irq_bind(struct irq *irq, struct notification *notification, uint32_t bits);
void irq_destroy(struct object *object);

#endif
