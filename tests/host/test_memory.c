/* Unit tests of memory objects and mappings: contents, checks, charges, and exact roll-back when anything runs out. */
// links: memory.c mapping.c mapping_tree.c object.c slab.c quota.c frames.c kernel_frames.c
#include "memory.h"

#include "endpoint.h"
#include "frames.h"
#include "mock_panic.h"
#include "mock_work.h"
#include "notification.h"
#include "process.h"
#include "thread.h"

#define FRAMES 3000u
#define LOWMEM_END 1500u
#define QUOTA (1u << 30)
#define BASE 0x00400000u
#define WINDOW 100u /* pages from BASE on that the tests map */
#define RW (PROTECT_READ | PROTECT_WRITE)
#define RX (PROTECT_READ | PROTECT_EXECUTE)
#define RWX (RW | PROTECT_EXECUTE)

/* ---- the machine: an arena of frames, and spaces that remember what is mapped in the window ---- */

struct page {
    frame_t frame;
    uint32_t protection; /* 0: not mapped */
    bool device;
};

static uint8_t *arena;
static struct process payer, others[2];
static struct page windows[2][WINDOW];
static bool no_tables;

void *arch_lowmem(frame_t frame) { return frame < LOWMEM_END ? arena + (size_t)frame * PAGE_SIZE : NULL; }
frame_t arch_lowmem_frame(const void *address) { return (frame_t)(((const uint8_t *)address - arena) / PAGE_SIZE); }
static uint32_t cleared;

void arch_page_clear(frame_t frame)
{
    cleared++;
    memset(arena + (size_t)frame * PAGE_SIZE, 0, PAGE_SIZE);
}

static struct page *page_at(struct address_space *space, uint32_t address)
{
    assert_int_equal(address % PAGE_SIZE, 0);
    uint32_t page = (address - BASE) / PAGE_SIZE;
    assert_true(page < WINDOW);
    return &windows[space == &others[1].space][page];
}

uint32_t arch_space_missing(struct address_space *space, uint32_t address, uint32_t pages)
{
    (void)space, (void)address, (void)pages;
    return no_tables;
}

bool arch_space_extend(struct address_space *space, uint32_t address)
{
    (void)space, (void)address;
    return !no_tables;
}

void arch_map_pages(struct address_space *space, uint32_t address, uint32_t count, const frame_t *list, frame_t first,
                    uint32_t protection, bool device)
{
    for (uint32_t i = 0; i < count; i++)
        *page_at(space, address + i * PAGE_SIZE) = (struct page){ list ? list[i] : first + i, protection, device };
}

void arch_unmap_pages(struct address_space *space, uint32_t address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_not_equal(page_at(space, address + i * PAGE_SIZE)->protection, 0);
        *page_at(space, address + i * PAGE_SIZE) = (struct page){ 0 };
    }
}

uint64_t arch_time(void) { return 20260714; }

uint32_t arch_system_info(uint32_t which)
{
    return which;
}

/* ---- what a caller sees: all that a call has left to do is done before the next ---- */

static status_t finished(status_t status)
{
    finish_work();
    return status;
}

#define process_map(...) finished(process_map(__VA_ARGS__))
#define process_unmap(...) finished(process_unmap(__VA_ARGS__))
#define process_protect(...) finished(process_protect(__VA_ARGS__))
#define memory_revoke(memory) (memory_revoke(memory), finish_work())

static void process_unmap_all(struct process *process)
{
    while (!list_empty(&process->mappings)) {
        mapping_remove(LIST_ENTRY(process->mappings.next, struct mapping, in_process));
        finish_work();
    }
}

/* What object.c names and these tests never destroy. */
void process_destroy(struct object *object) { fail_msg("process %p destroyed", (void *)object); }
void thread_destroy(struct object *object) { fail_msg("thread %p destroyed", (void *)object); }
void endpoint_destroy(struct object *object) { fail_msg("endpoint %p destroyed", (void *)object); }
void notification_destroy(struct object *object) { fail_msg("notification %p destroyed", (void *)object); }
void irq_destroy(struct object *object) { fail_msg("irq %p destroyed", (void *)object); }
void trace_destroy(struct object *object) { fail_msg("trace %p destroyed", (void *)object); }

static void start_process(struct process *process)
{
    memset(process, 0, sizeof(*process));
    process->object = (struct object){ .type = TYPE_PROCESS, .references = 1 };
    process->quota.limit = QUOTA;
    list_init(&process->mappings);
}

static void release(struct memory *memory)
{
    object_release(&memory->object);
    finish_work();
}

/* All of it, or nothing. */
static struct memory *try_to_create(uint32_t pages, uint32_t flags)
{
    struct memory *memory = memory_create(&payer, pages, flags);
    finish_work();
    while (memory && memory->made < pages)
        if (!memory_make_page(memory)) {
            release(memory);
            return NULL;
        }
    return memory;
}

static struct memory *create(uint32_t pages, uint32_t flags)
{
    struct memory *memory = try_to_create(pages, flags);
    assert_non_null(memory);
    return memory;
}

/* A cache keeps one page, which so belongs to no test. */
static void warm_the_caches(void)
{
    struct memory *memory = create(1, 0);
    assert_int_equal(process_map(&others[0], memory, BASE, RW, RWX, 0, 1, &payer), OK);
    memory_revoke(memory);
    release(memory);
}

/* The pool starts anew for all tests together only, since each cache keeps a page of it. */
static int start_all(void **state)
{
    (void)state;
    static uint32_t bitmaps[FRAMES / 32 + 8];
    arena = aligned_alloc(PAGE_SIZE, (size_t)FRAMES * PAGE_SIZE);
    memset(arena, 0xEE, (size_t)FRAMES * PAGE_SIZE);
    frame_pool_init(&frames, bitmaps, FRAMES, LOWMEM_END);
    frame_pool_add(&frames, 1, FRAMES);
    start_process(&payer);
    start_process(&others[0]);
    start_process(&others[1]);
    warm_the_caches();
    return 0;
}

static int finish_all(void **state)
{
    (void)state;
    free(arena);
    return 0;
}

static uint32_t free_at_start;

static int start(void **state)
{
    (void)state;
    payer.quota.limit = QUOTA;
    no_tables = false;
    free_at_start = frames.free;
    return 0;
}

/* Whatever a test did, everything has come back. */
static int finish(void **state)
{
    (void)state;
    assert_int_equal(frames.free, free_at_start);
    assert_int_equal(payer.quota.used, 0);
    assert_int_equal(payer.object.references, 1);
    assert_true(list_empty(&others[0].mappings) && list_empty(&others[1].mappings));
    for (uint32_t i = 0; i < 2 * WINDOW; i++)
        assert_int_equal(windows[i / WINDOW][i % WINDOW].protection, 0);
    return 0;
}

/* ---- memory objects ---- */

/* A page is zero when it is handed out, and must be cleared before the next time. */
static void check_and_spoil(frame_t frame)
{
    uint8_t *page = arena + (size_t)frame * PAGE_SIZE;
    assert_true(page[0] == 0 && memcmp(page, page + 1, PAGE_SIZE - 1) == 0);
    memset(page, 0xEE, PAGE_SIZE);
}

static void pages_are_zeroed_and_distinct(void **state)
{
    (void)state;
    struct memory *memory = create(1500, 0);
    static bool seen[FRAMES];
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < 1500; i++) {
        frame_t frame = memory_frame(memory, i);
        assert_true(frame > 0 && frame < FRAMES && !seen[frame]);
        seen[frame] = true;
        check_and_spoil(frame);
    }
    assert_int_equal(free_at_start - frames.free, 1500 + 2 + 1); /* pages, lists of them, list of lists */
    assert_true(payer.quota.used > 1503 * PAGE_SIZE && payer.quota.used < 1504 * PAGE_SIZE);
    release(memory);
}

/* A step is what the kernel does at a time; and after any of them the object may have to go. */
static void each_step_clears_one_page(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= MEMORY_CONTIGUOUS; flags++)
        for (uint32_t steps = 0; steps <= 1026; steps++) {
            struct memory *memory = memory_create(&payer, 1030, flags);
            uint32_t used = payer.quota.used;
            for (uint32_t i = 0; i < steps; i++) {
                cleared = 0;
                assert_true(memory_make_page(memory));
                assert_true(cleared == 1 || (flags == MEMORY_CONTIGUOUS && memory->made == 0));
                assert_int_equal(payer.quota.used, used);
            }
            assert_true(memory->made < memory->pages);
            release(memory);
            assert_int_equal(frames.free, free_at_start);
            assert_int_equal(payer.quota.used, 0);
        }
}

static void lists_of_pages_are_as_few_as_possible(void **state)
{
    (void)state;
    for (uint32_t pages = 1023; pages <= 1025; pages++) {
        struct memory *memory = create(pages, 0);
        assert_int_equal(free_at_start - frames.free, pages + (pages <= 1024 ? 1 : 2) + 1);
        release(memory);
    }
}

static void contiguous_memory_is(void **state)
{
    (void)state;
    struct memory *memory = create(100, MEMORY_CONTIGUOUS);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(memory_frame(memory, i), memory_frame(memory, 0) + i);
        check_and_spoil(memory_frame(memory, i));
    }
    assert_true(memory_frame(memory, 99) < LOWMEM_END);
    assert_int_equal(free_at_start - frames.free, 100);
    release(memory);
    assert_null(try_to_create(LOWMEM_END, MEMORY_CONTIGUOUS));
}

static void borrowed_frames_are_not_freed(void **state)
{
    (void)state;
    struct memory *memory = memory_create_borrowed(&payer, 0xFEC00, 2, true);
    assert_int_equal(memory_frame(memory, 1), 0xFEC01);
    assert_int_equal(frames.free, free_at_start);
    assert_int_equal(process_map(&others[0], memory, BASE, RW, RWX, 1, 1, &payer), OK);
    assert_int_equal(windows[0][0].frame, 0xFEC01);
    assert_true(windows[0][0].device);
    memory_revoke(memory);
    release(memory);
}

/* Their charge would wrap; so they are refused before a single page is taken and cleared. */
static void huge_objects_are_refused(void **state)
{
    (void)state;
    frame_t next = frame_allocate_any(&frames);
    frame_free(&frames, next);
    memset(arena + (size_t)next * PAGE_SIZE, 0xEE, PAGE_SIZE);
    payer.quota.limit = UINT32_MAX;
    assert_null(try_to_create(MEMORY_PAGES_MAX, 0));
    assert_null(try_to_create(MEMORY_PAGES_MAX - 1, 0));
    assert_null(try_to_create(UINT32_MAX, MEMORY_CONTIGUOUS));
    assert_int_equal(arena[(size_t)next * PAGE_SIZE], 0xEE);
    assert_null(try_to_create(FRAMES, 0));
}

/* Leaves `left` frames free; give_back() ends that. */
static uint32_t taken[FRAMES], taken_count;

static void take_all_but(uint32_t left)
{
    taken_count = 0;
    while (frames.free > left)
        taken[taken_count++] = frame_allocate_any(&frames);
}

static void give_back(void)
{
    while (taken_count)
        frame_free(&frames, taken[--taken_count]);
}

static void out_of_frames_at_every_point(void **state)
{
    (void)state;
    for (uint32_t left = 0; left <= 16; left++)
        for (uint32_t flags = 0; flags <= MEMORY_CONTIGUOUS; flags++) {
            take_all_but(left);
            uint32_t needed = flags == MEMORY_CONTIGUOUS ? 12 : 12 + 2;
            struct memory *memory = try_to_create(12, flags);
            assert_int_equal(memory != NULL, left >= needed);
            if (memory)
                release(memory);
            assert_int_equal(frames.free, left);
            assert_int_equal(payer.quota.used, 0);
            assert_int_equal(payer.object.references, 1);
            give_back();
        }
}

/* In the second list of pages. */
static void out_of_frames_in_a_large_object(void **state)
{
    (void)state;
    for (uint32_t left = 1024; left <= 1033; left++) {
        take_all_but(left);
        struct memory *memory = try_to_create(1030, 0);
        assert_int_equal(memory != NULL, left >= 1033);
        if (memory)
            release(memory);
        assert_int_equal(frames.free, left);
        assert_int_equal(payer.quota.used, 0);
        give_back();
    }
}

static void out_of_frames_for_the_object_itself(void **state)
{
    (void)state;
    struct memory *memories[100];
    uint32_t count = 0;
    take_all_but(0);
    while ((memories[count] = memory_create_borrowed(&payer, 1, 1, false)))
        assert_true(++count < COUNT(memories));
    assert_int_not_equal(count, 0);
    uint32_t used = payer.quota.used;
    assert_null(memory_create_borrowed(&payer, 1, 1, false));
    assert_int_equal(payer.quota.used, used);
    assert_int_equal(payer.object.references, 1 + count);
    while (count)
        release(memories[--count]);
    give_back();
}

static void quota_is_charged_in_full_or_not_at_all(void **state)
{
    (void)state;
    struct memory *memory = create(12, 0);
    uint32_t cost = payer.quota.used;
    release(memory);
    const uint32_t limits[] = { 0, 1, PAGE_SIZE, 12 * PAGE_SIZE, 14 * PAGE_SIZE, cost - 1 };
    for (uint32_t i = 0; i < COUNT(limits); i++) {
        payer.quota.limit = limits[i];
        assert_null(try_to_create(12, 0));
        assert_int_equal(payer.quota.used, 0);
        assert_int_equal(frames.free, free_at_start);
    }
    payer.quota.limit = cost;
    release(create(12, 0));
}

/* ---- mappings ---- */

static status_t map(uint32_t who, struct memory *memory, uint32_t page, uint32_t protection, uint32_t first,
                    uint32_t pages)
{
    return process_map(&others[who], memory, BASE + page * PAGE_SIZE, protection, RWX, first, pages, &payer);
}

static void mapped_pages_are_those_asked_for(void **state)
{
    (void)state;
    struct memory *memory = create(8, 0);
    assert_int_equal(map(0, memory, 3, RX, 2, 4), OK);
    for (uint32_t i = 0; i < WINDOW; i++) {
        bool inside = i >= 3 && i < 7;
        assert_int_equal(windows[0][i].protection, inside ? RX : 0);
        if (inside)
            assert_int_equal(windows[0][i].frame, memory_frame(memory, i - 3 + 2));
        assert_false(windows[0][i].device);
    }
    assert_int_equal(process_unmap(&others[0], BASE + 3 * PAGE_SIZE, 4), OK);
    release(memory);
}

static void bad_ranges_are_refused(void **state)
{
    (void)state;
    struct memory *memory = create(8, 0);
    const struct { uint32_t address, first, pages; status_t status; } cases[] = {
        { BASE + 1, 0, 1, E_BAD_ADDRESS },
        { BASE + 2048, 0, 1, E_BAD_ADDRESS },
        { 0, 0, 1, E_BAD_ADDRESS },
        { USER_TOP, 0, 1, E_BAD_ADDRESS },
        { 0xC0000000, 0, 1, E_BAD_ADDRESS },
        { 0xFFFFF000, 0, 1, E_BAD_ADDRESS },
        { 0xFFFFF000, 0, 8, E_BAD_ADDRESS },
        { USER_TOP - PAGE_SIZE, 0, 2, E_BAD_ADDRESS },
        { BASE, 0, 1u << 20, E_BAD_ADDRESS },
        { BASE, 0, UINT32_MAX, E_BAD_ADDRESS },
        { BASE, 0, 0, E_BAD_ARGUMENT },
        { BASE, 0, 9, E_BAD_ARGUMENT },
        { BASE, 8, 1, E_BAD_ARGUMENT },
        { BASE, 7, 2, E_BAD_ARGUMENT },
        { BASE, UINT32_MAX, 1, E_BAD_ARGUMENT },
        { BASE, UINT32_MAX, 2, E_BAD_ARGUMENT },
    };
    uint32_t used = payer.quota.used;
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(
            process_map(&others[0], memory, cases[i].address, RW, RWX, cases[i].first, cases[i].pages, &payer),
            cases[i].status);
        assert_int_equal(payer.quota.used, used);
    }
    release(memory);
}

static void bad_protections_are_refused(void **state)
{
    (void)state;
    struct memory *memory = create(1, 0);
    for (uint32_t protection = 0; protection < 16; protection++) {
        bool good = protection == PROTECT_READ || protection == RW || protection == RX;
        assert_int_equal(map(0, memory, 0, protection, 0, 1), good ? OK : E_BAD_ARGUMENT);
        assert_int_equal(process_protect(&others[0], BASE, 1, protection), good ? OK : E_BAD_ARGUMENT);
        assert_int_equal(process_unmap(&others[0], BASE, 1), good ? OK : E_BAD_ADDRESS);
    }
    release(memory);
}

static void neighbours_may_touch_but_not_overlap(void **state)
{
    (void)state;
    struct memory *memory = create(8, 0);
    assert_int_equal(map(0, memory, 10, RW, 0, 4), OK);
    for (uint32_t page = 7; page <= 13; page++)
        assert_int_equal(map(0, memory, page, RW, 0, 4), E_BAD_ADDRESS);
    assert_int_equal(map(0, memory, 11, RW, 0, 1), E_BAD_ADDRESS);
    assert_int_equal(map(0, memory, 9, RW, 0, 8), E_BAD_ADDRESS);
    assert_int_equal(map(0, memory, 14, RW, 0, 4), OK);
    assert_int_equal(map(0, memory, 6, RW, 0, 4), OK);
    assert_int_equal(map(1, memory, 10, RW, 0, 4), OK);
    process_unmap_all(&others[0]);
    process_unmap_all(&others[1]);
    release(memory);
}

static void failed_mapping_leaves_nothing(void **state)
{
    (void)state;
    struct memory *memory = create(4, 0);
    uint32_t used = payer.quota.used;
    no_tables = true;
    assert_int_equal(map(0, memory, 0, RW, 0, 4), E_NO_MEMORY);
    assert_int_equal(others[0].quota.used, 0); /* tables that were not made are not charged */
    assert_int_equal(others[0].table_pages, 0);
    no_tables = false;
    payer.quota.limit = used;
    assert_int_equal(map(0, memory, 0, RW, 0, 4), E_NO_MEMORY);
    assert_int_equal(payer.quota.used, used);
    assert_int_equal(payer.object.references, 2);
    assert_int_equal(memory->object.references, 1);
    release(memory);
}

static void out_of_frames_for_the_mapping_itself(void **state)
{
    (void)state;
    struct memory *memory = create(1, 0);
    uint32_t count = 0, used;
    take_all_but(0);
    do {
        used = payer.quota.used;
        assert_true(count < 2 * WINDOW);
    } while (map(count / WINDOW, memory, count % WINDOW, RW, 0, 1) == OK && ++count);
    assert_true(count > 0); /* the page that the cache has kept */
    assert_int_equal(payer.quota.used, used);
    assert_int_equal(memory->object.references, 1 + count);
    give_back();
    memory_revoke(memory);
    release(memory);
}

static void only_whole_mappings_are_unmapped(void **state)
{
    (void)state;
    struct memory *memory = create(8, 0);
    assert_int_equal(map(0, memory, 10, RW, 0, 4), OK);
    assert_int_equal(map(0, memory, 14, RX, 4, 2), OK);
    assert_int_equal(map(0, memory, 17, RX, 4, 2), OK);
    const struct { uint32_t page, pages; status_t status; } cases[] = {
        { 10, 3, E_BAD_ADDRESS }, { 11, 3, E_BAD_ADDRESS }, { 10, 5, E_BAD_ADDRESS }, { 9, 5, E_BAD_ADDRESS },
        { 14, 3, E_BAD_ADDRESS }, { 10, 9, E_BAD_ADDRESS }, { 17, 3, E_BAD_ADDRESS }, { 20, 1, E_BAD_ADDRESS },
        { 10, 0, E_BAD_ARGUMENT }, { 10, UINT32_MAX, E_BAD_ADDRESS }, { 10, 6, OK }, { 17, 2, OK },
    };
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        uint32_t address = BASE + cases[i].page * PAGE_SIZE;
        assert_int_equal(process_protect(&others[0], address, cases[i].pages, PROTECT_READ), cases[i].status);
        assert_int_equal(process_unmap(&others[0], address, cases[i].pages), cases[i].status);
    }
    release(memory);
}

static void protection_stays_within_the_rights_of_the_handle(void **state)
{
    (void)state;
    struct memory *memory = create(2, 0);
    assert_int_equal(process_map(&others[0], memory, BASE, PROTECT_READ, RWX, 0, 1, &payer), OK);
    assert_int_equal(process_map(&others[0], memory, BASE + PAGE_SIZE, PROTECT_READ, RX, 1, 1, &payer), OK);
    assert_int_equal(process_protect(&others[0], BASE, 2, RW), E_NO_RIGHT);
    assert_int_equal(windows[0][0].protection, PROTECT_READ);
    assert_int_equal(process_protect(&others[0], BASE, 2, RX), OK);
    assert_int_equal(windows[0][0].protection, RX);
    assert_int_equal(windows[0][1].protection, RX);
    assert_int_equal(process_protect(&others[0], BASE, 1, RW), OK);
    assert_int_equal(windows[0][1].protection, RX);
    process_unmap_all(&others[0]);
    release(memory);
}

static void revoke_unmaps_everywhere(void **state)
{
    (void)state;
    struct memory *memory = create(4, 0), *other = create(1, 0);
    assert_int_equal(map(0, memory, 0, RW, 0, 2), OK);
    assert_int_equal(map(0, other, 2, RW, 0, 1), OK);
    assert_int_equal(map(0, memory, 3, RW, 2, 2), OK);
    assert_int_equal(map(1, memory, 0, RX, 0, 4), OK);
    memory_revoke(memory);
    assert_int_equal(memory->object.references, 1);
    assert_true(list_empty(&others[1].mappings));
    assert_int_equal(process_unmap(&others[0], BASE + 2 * PAGE_SIZE, 1), OK);
    memory_revoke(memory);
    release(memory);
    release(other);
}

/* The handle is closed first: the memory goes with its last mapping, also while it is being revoked. */
static void mapping_keeps_memory_alive(void **state)
{
    (void)state;
    struct memory *memory = create(4, 0);
    assert_int_equal(map(0, memory, 0, RW, 0, 2), OK);
    assert_int_equal(map(1, memory, 0, RW, 0, 2), OK);
    release(memory);
    assert_int_not_equal(payer.quota.used, 0);
    process_unmap_all(&others[0]);
    assert_int_not_equal(payer.quota.used, 0);
    memory_revoke(memory);
    assert_int_equal(payer.quota.used, 0);
}

/* ---- against an array of pages: each knows the number of the mapping that it belongs to ---- */

struct model_page {
    uint32_t mapping; /* 0: not mapped */
    frame_t frame;
    uint32_t protection, rights;
};

#define MODEL_WINDOW 48u

static struct model_page model[2][WINDOW];

static const uint32_t protections[] = { PROTECT_READ, RW, RX };

static void model_map(uint32_t who, struct memory *memory)
{
    static uint32_t number;
    uint32_t page = random_below(MODEL_WINDOW - 6), pages = 1 + random_below(6), first = random_below(10);
    uint32_t protection = protections[random_below(3)], rights = protection | random_below(8);
    bool free = true, inside = first + pages <= memory->pages;
    for (uint32_t i = page; i < page + pages; i++)
        free = free && model[who][i].mapping == 0;
    uint32_t address = BASE + page * PAGE_SIZE;
    status_t status = process_map(&others[who], memory, address, protection, rights, first, pages, &payer);
    assert_int_equal(status, !inside ? E_BAD_ARGUMENT : !free ? E_BAD_ADDRESS : OK);
    if (status != OK)
        return;
    number++;
    for (uint32_t i = 0; i < pages; i++)
        model[who][page + i] = (struct model_page){ number, memory_frame(memory, first + i), protection, rights };
}

static bool model_is_whole(const struct model_page *pages, uint32_t page, uint32_t count)
{
    bool whole = page == 0 || pages[page - 1].mapping != pages[page].mapping;
    for (uint32_t i = page; i < page + count; i++)
        whole = whole && pages[i].mapping != 0;
    return whole && pages[page + count].mapping != pages[page + count - 1].mapping;
}

static void model_change(uint32_t who, uint32_t protection) /* 0: unmap */
{
    uint32_t page = random_below(MODEL_WINDOW - 12), pages = 1 + random_below(12);
    uint32_t address = BASE + page * PAGE_SIZE;
    bool allowed = true;
    for (uint32_t i = page; i < page + pages; i++)
        allowed = allowed && !(protection & ~model[who][i].rights);
    status_t expected = !model_is_whole(model[who], page, pages) ? E_BAD_ADDRESS : allowed ? OK : E_NO_RIGHT;
    status_t status = protection ? process_protect(&others[who], address, pages, protection)
                                 : process_unmap(&others[who], address, pages);
    assert_int_equal(status, expected);
    for (uint32_t i = page; status == OK && i < page + pages; i++) {
        model[who][i].protection = protection;
        if (protection == 0)
            model[who][i] = (struct model_page){ 0 };
    }
}

static void model_compare(void)
{
    for (uint32_t i = 0; i < 2 * WINDOW; i++) {
        const struct page *page = &windows[i / WINDOW][i % WINDOW];
        const struct model_page *expected = &model[i / WINDOW][i % WINDOW];
        assert_int_equal(page->protection, expected->protection);
        assert_int_equal(page->frame, expected->frame);
    }
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    random_start("memory");
    struct memory *memories[3] = { create(12, 0), create(9, MEMORY_CONTIGUOUS), create(3, 0) };
    for (int step = 0; step < 20000; step++) {
        uint32_t who = random_below(2);
        switch (random_below(3)) {
        case 0: model_map(who, memories[random_below(3)]); break;
        case 1: model_change(who, 0); break;
        default: model_change(who, protections[random_below(3)]); break;
        }
        model_compare();
    }
    for (uint32_t i = 0; i < 3; i++) {
        memory_revoke(memories[i]);
        release(memories[i]);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_zeroed_and_distinct),
        TEST(each_step_clears_one_page),
        TEST(lists_of_pages_are_as_few_as_possible),
        TEST(contiguous_memory_is),
        TEST(borrowed_frames_are_not_freed),
        TEST(huge_objects_are_refused),
        TEST(out_of_frames_at_every_point),
        TEST(out_of_frames_in_a_large_object),
        TEST(out_of_frames_for_the_object_itself),
        TEST(quota_is_charged_in_full_or_not_at_all),
        TEST(mapped_pages_are_those_asked_for),
        TEST(bad_ranges_are_refused),
        TEST(bad_protections_are_refused),
        TEST(neighbours_may_touch_but_not_overlap),
        TEST(failed_mapping_leaves_nothing),
        TEST(out_of_frames_for_the_mapping_itself),
        TEST(only_whole_mappings_are_unmapped),
        TEST(protection_stays_within_the_rights_of_the_handle),
        TEST(revoke_unmaps_everywhere),
        TEST(mapping_keeps_memory_alive),
        TEST(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("memory", tests, start_all, finish_all);
}
