/* Puts a program into an empty process: its segments, a stack, the startup page; then starts it. */
#include "image.h"

#include <program.h>

#define STACK_PAGES 8u

struct part { /* of the new process's memory, and what it begins with */
    uint32_t address;       /* not always the start of a page; the bytes begin here */
    uint32_t memory_size;
    uint32_t protection;
    const void *bytes;
    uint32_t size;          /* of the bytes; the rest is zero */
};

static uint32_t lead_of(const struct part *part) { return part->address % PAGE_SIZE; }
static uint32_t part_pages(const struct part *part) { return pages_of(lead_of(part) + part->memory_size); }

/* Through a window of our own. */
static status_t fill(const struct part *part, handle_t memory)
{
    uint32_t pages = pages_of(lead_of(part) + part->size);
    void *window;
    status_t status = pages_map(memory, pages, PROTECT_READ | PROTECT_WRITE, &window);
    if (status == OK) {
        memcpy((uint8_t *)window + lead_of(part), part->bytes, part->size);
        pages_unmap(window, pages);
    }
    return status;
}

static status_t map_new(handle_t process, const struct part *part)
{
    handle_t memory;
    status_t status = memory_create(part_pages(part), 0, &memory);
    if (status != OK)
        return status;
    if (part->size)
        status = fill(part, memory);
    if (status == OK)
        status = process_map(process, memory, part->address - lead_of(part), part->protection, 0, part_pages(part));
    handle_close(memory);
    return status;
}

/* ---- segments ---- */

static uint32_t protection_of(const Elf32_Phdr *segment)
{
    return (segment->p_flags & PF_R ? PROTECT_READ : 0) | (segment->p_flags & PF_W ? PROTECT_WRITE : 0) |
           (segment->p_flags & PF_X ? PROTECT_EXECUTE : 0);
}

/* What cannot be written is the same for every process that runs the program, and needs no copy. */
static bool can_be_shared(const struct program_image *image, const Elf32_Phdr *segment)
{
    return image->memory != HANDLE_NONE && !(segment->p_flags & PF_W) && segment->p_filesz == segment->p_memsz;
}

static status_t map_segment(handle_t process, const struct program_image *image, const Elf32_Phdr *segment)
{
    const struct part part = { segment->p_vaddr, segment->p_memsz, protection_of(segment),
                               (const uint8_t *)image->bytes + segment->p_offset, segment->p_filesz };
    if (part_pages(&part) == 0)
        return OK;
    if (!can_be_shared(image, segment))
        return map_new(process, &part);
    return process_map(process, image->memory, part.address - lead_of(&part), part.protection, segment->p_offset / PAGE_SIZE,
                       part_pages(&part));
}

static status_t map_segments(handle_t process, const struct program_image *image, struct startup *page)
{
    const Elf32_Ehdr *header = image->bytes;
    const Elf32_Phdr *segments = image_segments(header);
    status_t status = OK;
    for (uint32_t i = 0; i < header->e_phnum && status == OK; i++) {
        if (segments[i].p_type != PT_LOAD)
            continue;
        status = map_segment(process, image, &segments[i]);
        if (image_contains_entry(&segments[i], header->e_entry)) {
            page->text_start = segments[i].p_vaddr;
            page->text_end = segments[i].p_vaddr + segments[i].p_memsz;
        }
    }
    return status;
}

/* ---- the startup page ---- */

status_t startup_begin(struct startup *page, const char *name, uint32_t priority, handle_t process, handle_t init,
                       handle_t endpoint)
{
    size_t length = strlen(name);
    page->magic = STARTUP_MAGIC;
    page->priority = priority;
    memcpy(page->name, name, length < STARTUP_NAME ? length : STARTUP_NAME - 1);
    status_t status = process_give(process, process, RIGHTS_ALL, &page->process);
    if (status == OK)
        status = process_give(process, init, RIGHT_CALL | RIGHT_TRANSFER, &page->init);
    if (status == OK && endpoint != HANDLE_NONE)
        status = process_give(process, endpoint, RIGHTS_ALL, &page->endpoint);
    return status;
}

status_t startup_add_argument(struct startup *page, const char *prefix, const char *text, uint32_t length)
{
    char *to = page->arguments;
    while (*to)
        to += strlen(to) + 1;
    uint32_t left = STARTUP_ARGUMENTS - (uint32_t)(to - page->arguments), prefix_length = strlen(prefix);
    if (left < 2 || length > left - 2 || prefix_length > left - 2 - length)
        return E_NO_MEMORY;
    memcpy(to, prefix, prefix_length);
    memcpy(to + prefix_length, text, length);
    return OK;
}

status_t startup_add_resource(struct startup *page, const char *key, handle_t process, handle_t handle)
{
    uint32_t i = 0;
    while (i < STARTUP_RESOURCES && page->resources[i].key[0])
        i++;
    if (i == STARTUP_RESOURCES)
        return E_NO_MEMORY;
    memcpy(page->resources[i].key, key, strlen(key));
    return process_give(process, handle, RIGHTS_ALL, &page->resources[i].handle);
}

/* ---- all of it ---- */

static status_t map_pages(handle_t process, const struct startup *page)
{
    const struct part parts[] = {
        { STACK_TOP - STACK_PAGES * PAGE_SIZE, STACK_PAGES * PAGE_SIZE, PROTECT_READ | PROTECT_WRITE, NULL, 0 },
        { STARTUP_ADDRESS, PAGE_SIZE, PROTECT_READ, page, sizeof(*page) },
        { STATISTICS_ADDRESS, PAGE_SIZE, PROTECT_READ | PROTECT_WRITE, NULL, 0 },
    };
    status_t status = OK;
    for (uint32_t i = 0; i < COUNT(parts) && status == OK; i++)
        status = map_new(process, &parts[i]);
    return status;
}

const char *program_load(handle_t process, const struct program_image *image, struct startup *page, uint32_t *entry)
{
    const char *wrong = image_check(image->bytes, image->size);
    if (wrong)
        return wrong;
    *entry = ((const Elf32_Ehdr *)image->bytes)->e_entry;
    status_t status = map_segments(process, image, page);
    if (status == OK)
        status = map_pages(process, page);
    return status == OK ? NULL : status_text(status);
}

status_t program_run(handle_t process, uint32_t entry, uint32_t priority)
{
    handle_t thread;
    status_t status = thread_create(process, entry, STACK_TOP, 0, priority, &thread);
    if (status != OK)
        return status;
    status = thread_start(thread);
    handle_close(thread);
    return status;
}
