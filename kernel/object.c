/* Creation and release of kernel objects: one slab per type, every byte charged to a process. */
#include "object.h"

#include "endpoint.h"
#include "log.h"
#include "memory.h"
#include "notification.h"
#include "process.h"
#include "quota.h"
#include "slab.h"
#include "thread.h"
#include "trace.h"

struct object_class {
    struct slab slab;
    uint32_t offset;                            /* of struct object within the structure */
    void (*destroy)(struct object *object);     /* lets go of what it holds; NULL: it holds nothing */
    bool later;                                 /* destroy only begins that, and object_free() is its last step */
};

#define CLASS(type, destroy) { SLAB_INITIAL(sizeof(type)), offsetof(type, object), destroy, false }
#define CLASS_WITH_WORK(type, destroy) { SLAB_INITIAL(sizeof(type)), offsetof(type, object), destroy, true }

static struct object_class classes[TYPE_COUNT] = {
    [TYPE_PROCESS] = CLASS_WITH_WORK(struct process, process_destroy),
    [TYPE_THREAD] = CLASS(struct thread, thread_destroy),
    [TYPE_BUDGET] = CLASS(struct budget, NULL),
    [TYPE_ENDPOINT] = CLASS(struct endpoint, endpoint_destroy),
    [TYPE_MEMORY] = CLASS_WITH_WORK(struct memory, memory_destroy),
    [TYPE_NOTIFICATION] = CLASS(struct notification, notification_destroy),
    [TYPE_IRQ] = { SLAB_INITIAL(sizeof(struct irq)), offsetof(struct irq, lines.object), irq_destroy, false },
    [TYPE_IOPORT] = CLASS(struct range, NULL),
    [TYPE_TRACE] = CLASS(struct trace, trace_destroy),
};

void *object_create(enum object_type type, struct process *payer)
{
    struct object_class *class = &classes[type];
    if (!quota_charge(&payer->quota, class->slab.size))
        return NULL;
    char *slot = slab_allocate(&class->slab);
    if (!slot) {
        quota_refund(&payer->quota, class->slab.size);
        return NULL;
    }
    struct object *object = (struct object *)(slot + class->offset);
    object->type = type;
    object->references = 1;
    object->payer = payer;
    object_hold(&payer->object);
    return slot;
}

void object_free(struct object *object)
{
    struct object_class *class = &classes[object->type];
    struct process *payer = object->payer;
    slab_free(&class->slab, (char *)object - class->offset);
    quota_refund(&payer->quota, class->slab.size);
    object_release(&payer->object);
}

/* The payer may go with its last object, then the payer's payer, and so on: but each of them by work of its own. */
void object_release(struct object *object)
{
    const struct object_class *class = &classes[object->type];
    assert(object->references > 0);
    if (--object->references)
        return;
    if (class->destroy)
        class->destroy(object);
    if (!class->later)
        object_free(object);
}
