/* What every kernel object starts with: its type, who holds it, and who pays for it. */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <stdint.h>

#include <postern.h>

struct process;

struct object {
    uint8_t type;           /* enum object_type */
    uint32_t references;    /* handles, plus pointers that the kernel keeps; at 0 the object is destroyed */
    struct process *payer;  /* whose quota it is charged to; holds a reference, so quota has somewhere to go back to */
};

/* Allocates a zeroed object with one reference, charged to `payer`. NULL: quota or memory used up, nothing changed. */
void *object_create(enum object_type type, struct process *payer);
static inline void object_hold(struct object *object) { object->references++; }
/* Drops one reference; the last one destroys the object through the table in object.c. */
void object_release(struct object *object);
/* Gives back the object itself, once what it held is gone. */
void object_free(struct object *object);

#endif
