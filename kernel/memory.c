/* Memory objects: where their pages come from, and how they go back. */
#include "memory.h"

#include "frames.h"
#include "process.h"

#define NUMBERS (PAGE_SIZE / sizeof(frame_t)) /* frame numbers on a page */

static uint32_t leaf_count(uint32_t pages)
{
    return (pages + NUMBERS - 1) / NUMBERS;
}

/* What an anonymous object costs: its pages, the pages that list them, and the page that lists those. */
static bool charge(struct quota *quota, uint32_t pages, uint32_t tables)
{
    return pages + tables <= UINT32_MAX / PAGE_SIZE && quota_charge(quota, (pages + tables) * PAGE_SIZE);
}

/* The pages that list the pages count too: no step clears two. */
static bool make_anonymous(struct memory *memory)
{
    if (!memory->directory)
        return (memory->directory = kernel_frame_allocate()) != NULL;
    frame_t **leaf = &memory->directory[memory->made / NUMBERS];
    if (!*leaf)
        return (*leaf = kernel_frame_allocate()) != NULL;
    frame_t frame = frame_allocate_any(&frames);
    if (frame == FRAME_NONE)
        return false;
    arch_page_clear(frame);
    (*leaf)[memory->made++ % NUMBERS] = frame;
    return true;
}

static void free_leaf(frame_t *leaf)
{
    for (uint32_t i = 0; i < NUMBERS && leaf[i] != FRAME_NONE; i++)
        frame_free(&frames, leaf[i], 1);
    kernel_frame_free(leaf);
}

/* Also half-built ones: what is not there is zero. */
static void free_pages(struct memory *memory)
{
    if (!memory->directory)
        return;
    for (uint32_t i = 0; i < leaf_count(memory->pages) && memory->directory[i]; i++)
        free_leaf(memory->directory[i]);
    kernel_frame_free(memory->directory);
}

static bool make_contiguous(struct memory *memory)
{
    if (memory->first == FRAME_NONE)
        memory->first = frame_allocate_low(&frames, memory->pages);
    if (memory->first == FRAME_NONE)
        return false;
    arch_page_clear(memory->first + memory->made++);
    return true;
}

bool memory_make_page(struct memory *memory)
{
    return memory->kind == MEMORY_RANGE ? make_contiguous(memory) : make_anonymous(memory);
}

static uint32_t table_count(const struct memory *memory)
{
    return memory->kind == MEMORY_ANONYMOUS ? 1 + leaf_count(memory->pages) : 0;
}

static struct memory *new_memory(struct process *payer, enum memory_kind kind, uint32_t pages)
{
    struct memory *memory = object_create(TYPE_MEMORY, payer);
    if (!memory)
        return NULL;
    list_init(&memory->mappings);
    memory->kind = kind;
    memory->pages = pages;
    return memory;
}

struct memory *memory_create(struct process *payer, uint32_t pages, uint32_t flags)
{
    enum memory_kind kind = flags & MEMORY_CONTIGUOUS ? MEMORY_RANGE : MEMORY_ANONYMOUS;
    struct memory *memory = new_memory(payer, kind, pages);
    if (!memory)
        return NULL;
    memory->flags = flags;
    if (!charge(&payer->quota, pages, table_count(memory))) {
        memory->kind = MEMORY_BORROWED; /* nothing to give back */
        object_release(&memory->object);
        return NULL;
    }
    return memory;
}

struct memory *memory_create_borrowed(struct process *payer, frame_t first, uint32_t pages, bool device)
{
    struct memory *memory = new_memory(payer, MEMORY_BORROWED, pages);
    if (!memory)
        return NULL;
    memory->first = first;
    memory->device = device;
    return memory;
}

frame_t memory_frame(const struct memory *memory, uint32_t page)
{
    if (memory->kind == MEMORY_ANONYMOUS)
        return memory->directory[page / NUMBERS][page % NUMBERS];
    return memory->first + page;
}

void memory_revoke(struct memory *memory)
{
    object_hold(&memory->object); /* the mappings may hold the last references */
    while (!list_empty(&memory->mappings))
        mapping_remove(LIST_ENTRY(memory->mappings.next, struct mapping, in_memory));
    object_release(&memory->object);
}

/* Mappings hold references, so none is left here. */
void memory_destroy(struct object *object)
{
    struct memory *memory = (struct memory *)object;
    if (memory->kind == MEMORY_BORROWED)
        return;
    if (memory->kind == MEMORY_ANONYMOUS)
        free_pages(memory);
    else if (memory->first != FRAME_NONE)
        frame_free(&frames, memory->first, memory->pages);
    quota_refund(&object->payer->quota, (memory->pages + table_count(memory)) * PAGE_SIZE);
}
