/* Memory objects: where their pages come from, and how they go back. */
#include "memory.h"

#include "frames.h"
#include "process.h"

#define NUMBERS (PAGE_SIZE / sizeof(frame_t)) /* frame numbers on a page */
#define FRAMES_AT_ONCE 16u                      /* that are freed with interrupts off */

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
    if (memory->made == memory->taken * NUMBERS) {
        frame_t *leaf = kernel_frame_allocate();
        if (leaf)
            memory->directory[memory->taken++] = leaf;
        return leaf != NULL;
    }
    frame_t frame = frame_allocate_any(&frames);
    if (frame == FRAME_NONE)
        return false;
    arch_page_clear(frame);
    memory->directory[memory->made / NUMBERS][memory->made % NUMBERS] = frame;
    memory->made++;
    return true;
}

static bool make_contiguous(struct memory *memory)
{
    if (memory->taken < memory->pages)
        return frame_extend_run(&frames, &memory->first, &memory->taken, memory->pages);
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

/* How many of the numbers from `page` on lie on one page. */
uint32_t memory_frames(const struct memory *memory, uint32_t page, uint32_t count, const frame_t **list)
{
    *list = NULL;
    if (memory->kind != MEMORY_ANONYMOUS)
        return count;
    *list = &memory->directory[page / NUMBERS][page % NUMBERS];
    return count < NUMBERS - page % NUMBERS ? count : NUMBERS - page % NUMBERS;
}

/* ---- the end ---- */

static void revoke_step(struct work *work)
{
    struct memory *memory = LIST_ENTRY(work, struct memory, work);
    if (!list_empty(&memory->mappings)) {
        mapping_remove(LIST_ENTRY(memory->mappings.next, struct mapping, in_memory));
        return;
    }
    work_done(work);
    object_release(&memory->object);
}

void memory_revoke(struct memory *memory)
{
    if (!memory->work.step)
        object_hold(&memory->object); /* the mappings may hold the last references */
    work_add(&memory->work, revoke_step);
}

/* Gives back one frame, in the opposite order of make_anonymous(). False: there is none left. */
static bool free_anonymous(struct memory *memory)
{
    if (memory->taken > leaf_count(memory->made)) {
        kernel_frame_free(memory->directory[--memory->taken]);
    } else if (memory->made) {
        memory->made--;
        frame_free(&frames, memory->directory[memory->made / NUMBERS][memory->made % NUMBERS]);
    } else if (memory->directory) {
        kernel_frame_free(memory->directory);
        memory->directory = NULL;
    } else {
        return false;
    }
    return true;
}

static bool free_frame(struct memory *memory)
{
    if (memory->kind == MEMORY_ANONYMOUS)
        return free_anonymous(memory);
    if (memory->taken == 0)
        return false;
    frame_free(&frames, memory->first + --memory->taken);
    return true;
}

/* Also half-built ones. */
static void free_step(struct work *work)
{
    struct memory *memory = LIST_ENTRY(work, struct memory, work);
    for (uint32_t i = 0; i < FRAMES_AT_ONCE; i++)
        if (!free_frame(memory)) {
            work_done(work);
            if (memory->kind != MEMORY_BORROWED)
                quota_refund(&memory->object.payer->quota, (memory->pages + table_count(memory)) * PAGE_SIZE);
            object_free(&memory->object);
            return;
        }
}

/* Mappings hold references, so none is left here. */
void memory_destroy(struct object *object)
{
    struct memory *memory = (struct memory *)object;
    work_add(&memory->work, free_step);
}
