/* Pages cut into slots of one size, with their own account at their end; free slots are chained through their first word. */
#include "slab.h"

#include <stddef.h>

#include "arch.h"
#include "log.h"

struct slab_page { /* the last bytes of each page */
    struct list link;   /* in slab->pages while a slot is free */
    void *free;         /* chain of free slots */
    uint32_t used;      /* slots handed out */
};

static struct slab_page *page_of(const void *slot)
{
    return (struct slab_page *)(((uintptr_t)slot | (PAGE_SIZE - 1)) + 1) - 1;
}

static void push(struct slab_page *page, void *slot)
{
    *(void **)slot = page->free;
    page->free = slot;
}

static bool grow(struct slab *slab)
{
    char *memory = kernel_frame_take();
    if (!memory)
        return false;
    struct slab_page *page = page_of(memory);
    page->free = NULL;
    page->used = 0;
    for (uint32_t offset = 0; offset + slab->size <= PAGE_SIZE - sizeof(*page); offset += slab->size)
        push(page, memory + offset);
    list_insert(&slab->pages, &page->link);
    return true;
}

void *slab_allocate(struct slab *slab)
{
    if (!slab->pages.next)
        list_init(&slab->pages);
    if (list_empty(&slab->pages) && !grow(slab))
        return NULL;
    struct slab_page *page = LIST_ENTRY(slab->pages.next, struct slab_page, link);
    void *slot = page->free;
    page->free = *(void **)slot;
    page->used++;
    if (!page->free)
        list_remove(&page->link);
    __builtin_memset(slot, 0, slab->size);
    return slot;
}

/* One page with free slots is kept, so that making and freeing one object does not move pages. */
static bool is_only(const struct slab *slab, const struct slab_page *page)
{
    return page->link.next == &slab->pages && page->link.previous == &slab->pages;
}

void slab_free(struct slab *slab, void *slot)
{
    struct slab_page *page = page_of(slot);
    assert(page->used > 0);
    if (!page->free)
        list_insert(slab->pages.next, &page->link);
    push(page, slot);
    if (--page->used || is_only(slab, page))
        return;
    list_remove(&page->link);
    kernel_frame_free((void *)((uintptr_t)slot & ~(uintptr_t)(PAGE_SIZE - 1)));
}
