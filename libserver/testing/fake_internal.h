/* What the files of the fake tell each other. */
#ifndef FAKE_INTERNAL_H
#define FAKE_INTERNAL_H

#include "fake.h"

/* A service under test, or one that the test provides. */
struct service {
    const char *name;
    const method_t *methods;
    uint32_t count, handles;
};

/* A request that is being served, within another one perhaps. */
struct call {
    const struct service *service;
    handle_t given;         /* by reply_handle() */
    jmp_buf ended;          /* where its service's end leads to */
    struct call *outer;
};
extern struct call *current; /* NULL: the test itself is running */
/* The service under test; NULL until it serves. */
extern const struct service *own_service;

struct object {
    uint32_t type, references;
    const struct service *service;  /* TYPE_ENDPOINT */
    uint8_t *bytes;                 /* TYPE_MEMORY; each mapping is a reference too */
    uint32_t pages, flags;
    uint32_t bits, timer_bits;      /* TYPE_NOTIFICATION */
    uint64_t timer_due;
    struct object *notification;    /* TYPE_IRQ: signalled with `bits`, and held */
};

struct entry {
    struct object *object;
    uint32_t rights, badge, generation;
};

/* NULL, with the reason, unless the handle names such an object (TYPE_NONE: any) with these rights. */
struct entry *entry_find(handle_t handle, uint32_t type, uint32_t rights, status_t *status);
/* E_NO_MEMORY. The object is the handle's: it ends with its last one. */
status_t handle_make(struct object object, uint32_t rights, uint32_t badge, handle_t *handle);
/* A reference less; with the last one, the object ends. */
void object_drop(struct object *object);
handle_t endpoint_make(const struct service *service, uint32_t badge);
/* Under another number: whoever goes on using the old one is told so. */
handle_t handle_move(handle_t handle);
/* False when the test wants it to fail. */
bool may_allocate(void);

#endif
