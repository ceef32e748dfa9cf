/* Memory objects and mappings: ranges, protections, sharing, and that a change is felt at once. */
#include "child.h"

#define PAGES_TOO_MANY (1024u * 1024u + 1)
#define WINDOW 0x68000000u  /* nothing of ours lies there */
#define READ_WRITE (PROTECT_READ | PROTECT_WRITE)

static void sizes(void)
{
    handle_t memory;
    uint32_t pages = 0;
    expect_equal(memory_create(0, 0, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create(PAGES_TOO_MANY, 0, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create(0xFFFFFFFF, 0, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create(1, 4, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create(1, 0xFFFFFFFF, &memory), E_BAD_ARGUMENT);
    expect_equal(memory_create(PAGES_TOO_MANY - 1, 0, &memory), E_NO_MEMORY);
    expect_equal(memory_create(3, 0, &memory), OK);
    expect_equal(memory_info(memory, MEMORY_INFO_PAGES, &pages), OK);
    expect_equal(pages, 3);
    expect_equal(memory_info(memory, MEMORY_INFO_FLAGS, &pages), OK);
    expect_equal(pages, 0);
    expect_equal(memory_info(memory, MEMORY_INFO_COUNT, &pages), E_BAD_ARGUMENT);
    handle_close(memory);
}

static void expect_filled(const uint32_t *words, uint32_t pages, uint32_t value)
{
    for (uint32_t i = 0; i < pages * PAGE_SIZE / 4; i++)
        if (words[i] != value) {
            test_fail_equal(__FILE__, __LINE__, "a word of new memory", words[i], value);
            return;
        }
}

/* Dirties pages, frees them, and takes pages again: whatever they are, they must be clean. */
static void new_pages_are_zero(uint32_t flags)
{
    for (uint32_t round = 0; round < 4; round++) {
        handle_t memory;
        expect_equal(memory_create(16, flags, &memory), OK);
        expect_equal(process_map(HANDLE_NONE, memory, WINDOW, READ_WRITE, 0, 16), OK);
        expect_filled((const uint32_t *)WINDOW, 16, 0);
        expect_passed();
        memset((void *)WINDOW, 0xA5, 16 * PAGE_SIZE);
        expect_equal(process_unmap(HANDLE_NONE, WINDOW, 16), OK);
        handle_close(memory);
    }
}

static void anonymous_is_zero(void) { new_pages_are_zero(0); }
static void contiguous_is_zero(void) { new_pages_are_zero(MEMORY_CONTIGUOUS); }

static void contiguous_frames(void)
{
    handle_t memory, weak;
    uint32_t first, frame;
    expect_equal(memory_create(8, MEMORY_CONTIGUOUS, &memory), OK);
    expect_equal(memory_physical(memory, 0, &first), OK);
    for (uint32_t page = 1; page < 8; page++) {
        expect_equal(memory_physical(memory, page, &frame), OK);
        expect_equal(frame, first + page);
    }
    expect_equal(memory_physical(memory, 8, &frame), E_BAD_ARGUMENT);
    expect_equal(memory_physical(memory, 0xFFFFFFFF, &frame), E_BAD_ARGUMENT);
    expect_equal(handle_duplicate(memory, RIGHTS_ALL & ~RIGHT_DMA, 0, &weak), OK);
    expect_equal(memory_physical(weak, 0, &frame), E_NO_RIGHT);
    handle_close(weak);
    handle_close(memory);
}

static void bad_addresses(void)
{
    static const uint32_t addresses[] = {
        0, PAGE_SIZE - 1, USER_TOP, USER_TOP + PAGE_SIZE, 0xC0000000, 0xFFFFF000, USER_TOP - PAGE_SIZE, /* two pages */
    };
    handle_t memory;
    expect_equal(memory_create(2, 0, &memory), OK);
    for (uint32_t i = 0; i < COUNT(addresses); i++) {
        status_t status = process_map(HANDLE_NONE, memory, addresses[i] & ~(PAGE_SIZE - 1), READ_WRITE, 0, 2);
        expect_equal(status, E_BAD_ADDRESS);
    }
    expect_equal(process_unmap(HANDLE_NONE, WINDOW + 1, 1), E_BAD_ADDRESS);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 1), E_BAD_ADDRESS);
    expect_equal(process_unmap(HANDLE_NONE, 0xC0000000, 1), E_BAD_ADDRESS);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 0), E_BAD_ARGUMENT);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 0xFFFFFFFF), E_BAD_ADDRESS);
    expect_equal(process_protect(HANDLE_NONE, 0xFFFFF000, PROTECT_READ, 1), E_BAD_ADDRESS);
    handle_close(memory);
}

/* The first and the last page of user space are as good as any. */
static void edges_of_user_space(void)
{
    handle_t process, memory;
    expect_equal(process_create(CHILD_QUOTA, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(memory_create(1, 0, &memory), OK);
    expect_equal(process_map(process, memory, USER_BOTTOM, READ_WRITE, 0, 1), OK);
    expect_equal(process_unmap(process, USER_TOP - PAGE_SIZE, 1), E_BAD_ADDRESS); /* nothing there, and nothing behind it */
    expect_equal(process_map(process, memory, USER_TOP - PAGE_SIZE, READ_WRITE, 0, 1), OK);
    expect_equal(process_map(process, memory, 0, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    expect_equal(process_destroy(process, 0), OK);
    handle_close(process);
    handle_close(memory);
}

static void bad_ranges(void)
{
    static const struct { uint32_t first, pages; } ranges[] = {
        { 0, 0 }, { 0, 5 }, { 4, 1 }, { 3, 2 }, { 0xFFFFFFFF, 1 }, { 1, 0xFFFFFFFF }, { 0xFFFFFFFF, 0xFFFFFFFF },
    };
    handle_t memory;
    expect_equal(memory_create(4, 0, &memory), OK);
    for (uint32_t i = 0; i < COUNT(ranges); i++) {
        status_t status = process_map(HANDLE_NONE, memory, WINDOW, READ_WRITE, ranges[i].first, ranges[i].pages);
        expect(status == E_BAD_ARGUMENT || status == E_BAD_ADDRESS);
    }
    handle_close(memory);
}

static void protections(void)
{
    static const uint32_t bad[] = { 0, PROTECT_WRITE, PROTECT_EXECUTE, PROTECT_WRITE | PROTECT_EXECUTE,
                                    READ_WRITE | PROTECT_EXECUTE, 8, 8 | PROTECT_READ, 0x800 | PROTECT_READ, 0xFFF };
    handle_t memory;
    expect_equal(memory_create(1, 0, &memory), OK);
    for (uint32_t i = 0; i < COUNT(bad); i++)
        expect_equal(process_map(HANDLE_NONE, memory, WINDOW, bad[i], 0, 1), E_BAD_ARGUMENT);
    expect_equal(process_map(HANDLE_NONE, memory, WINDOW, READ_WRITE, 0, 1), OK);
    for (uint32_t i = 0; i < COUNT(bad); i++)
        expect_equal(process_protect(HANDLE_NONE, WINDOW, bad[i], 1), E_BAD_ARGUMENT);
    expect_equal(process_protect(HANDLE_NONE, WINDOW, PROTECT_READ | PROTECT_EXECUTE, 1), OK);
    expect_equal(process_protect(HANDLE_NONE, WINDOW, READ_WRITE, 1), OK);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 1), OK);
    handle_close(memory);
}

static void mapping_within_rights(void)
{
    handle_t memory, reader;
    expect_equal(memory_create(1, 0, &memory), OK);
    expect_equal(handle_duplicate(memory, RIGHT_READ, 0, &reader), OK);
    expect_equal(process_map(HANDLE_NONE, reader, WINDOW, READ_WRITE, 0, 1), E_NO_RIGHT);
    expect_equal(process_map(HANDLE_NONE, reader, WINDOW, PROTECT_READ | PROTECT_EXECUTE, 0, 1), E_NO_RIGHT);
    expect_equal(process_map(HANDLE_NONE, reader, WINDOW, PROTECT_READ, 0, 1), OK);
    expect_equal(process_protect(HANDLE_NONE, WINDOW, READ_WRITE, 1), E_NO_RIGHT);
    expect_equal(process_protect(HANDLE_NONE, WINDOW, PROTECT_READ | PROTECT_EXECUTE, 1), E_NO_RIGHT);
    expect_equal(memory_revoke(reader), E_NO_RIGHT);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 1), OK);
    handle_close(reader);
    handle_close(memory);
}

/* Mappings at WINDOW: [0, 2) and [2, 5), a hole, [6, 7). */
static void map_three(handle_t memory)
{
    expect_equal(process_map(HANDLE_NONE, memory, WINDOW, READ_WRITE, 0, 2), OK);
    expect_equal(process_map(HANDLE_NONE, memory, WINDOW + 2 * PAGE_SIZE, READ_WRITE, 2, 3), OK);
    expect_equal(process_map(HANDLE_NONE, memory, WINDOW + 6 * PAGE_SIZE, READ_WRITE, 6, 1), OK);
}

static void overlaps(void)
{
    handle_t memory;
    expect_equal(memory_create(8, 0, &memory), OK);
    map_three(memory);
    expect_passed();
    for (uint32_t first = 0; first < 7; first++)
        for (uint32_t pages = 1; pages <= 7 - first; pages++)
            if (first != 5 || pages != 1)
                expect_equal(process_map(HANDLE_NONE, memory, WINDOW + first * PAGE_SIZE, READ_WRITE, 0, pages),
                             E_BAD_ADDRESS);
    expect_equal(process_map(HANDLE_NONE, memory, WINDOW + 5 * PAGE_SIZE, READ_WRITE, 5, 1), OK);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 7), OK);
    handle_close(memory);
}

static void whole_mappings_only(void)
{
    static const struct { uint32_t first, pages; } partial[] = { { 0, 1 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 1, 4 }, { 0, 4 },
                                                                 { 0, 6 }, { 0, 7 }, { 5, 1 }, { 5, 2 }, { 6, 2 } };
    handle_t memory;
    expect_equal(memory_create(8, 0, &memory), OK);
    map_three(memory);
    expect_passed();
    for (uint32_t i = 0; i < COUNT(partial); i++) {
        uint32_t address = WINDOW + partial[i].first * PAGE_SIZE;
        expect_equal(process_unmap(HANDLE_NONE, address, partial[i].pages), E_BAD_ADDRESS);
        expect_equal(process_protect(HANDLE_NONE, address, PROTECT_READ, partial[i].pages), E_BAD_ADDRESS);
    }
    memset((void *)WINDOW, 1, 5 * PAGE_SIZE); /* nothing of it was unmapped or protected */
    expect_equal(process_protect(HANDLE_NONE, WINDOW, PROTECT_READ, 5), OK);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW, 5), OK);
    expect_equal(process_unmap(HANDLE_NONE, WINDOW + 6 * PAGE_SIZE, 1), OK);
    handle_close(memory);
}

static void shared_pages(void)
{
    handle_t memory;
    volatile uint32_t *one = (volatile uint32_t *)WINDOW, *other = (volatile uint32_t *)(WINDOW + 8 * PAGE_SIZE);
    expect_equal(memory_create(2, 0, &memory), OK);
    expect_equal(process_map(HANDLE_NONE, memory, (uint32_t)one, READ_WRITE, 0, 2), OK);
    expect_equal(process_map(HANDLE_NONE, memory, (uint32_t)other, PROTECT_READ, 1, 1), OK);
    one[PAGE_SIZE / 4 + 3] = 0xCAFE;
    expect_equal(other[3], 0xCAFE);
    expect_equal(handle_close(memory), OK); /* mappings hold the pages */
    one[PAGE_SIZE / 4 + 3] = 0xBEEF;
    expect_equal(other[3], 0xBEEF);
    expect_equal(process_unmap(HANDLE_NONE, (uint32_t)one, 2), OK);
    expect_equal(other[3], 0xBEEF);
    expect_equal(process_unmap(HANDLE_NONE, (uint32_t)other, 1), OK);
}

/* A page more than one table covers: 2 MiB and a bit, across the border. */
static void across_tables(void)
{
    uint32_t base = 0x68200000 - 2 * PAGE_SIZE;
    handle_t memory;
    expect_equal(memory_create(4, 0, &memory), OK);
    expect_equal(process_map(HANDLE_NONE, memory, base, READ_WRITE, 0, 4), OK);
    for (uint32_t page = 0; page < 4; page++)
        *(volatile uint32_t *)(base + page * PAGE_SIZE) = page + 1;
    expect_equal(process_unmap(HANDLE_NONE, base, 4), OK);
    expect_equal(process_map(HANDLE_NONE, memory, base, PROTECT_READ, 1, 3), OK);
    for (uint32_t page = 0; page < 3; page++)
        expect_equal(*(volatile uint32_t *)(base + page * PAGE_SIZE), page + 2);
    expect_equal(process_unmap(HANDLE_NONE, base, 3), OK);
    handle_close(memory);
}

static void read_word(void)
{
    static const uint32_t wanted = 0x600DF00D;
    uint32_t word = 0;
    expect_equal(process_read_word(HANDLE_NONE, (uint32_t)&wanted, &word), OK);
    expect_equal(word, wanted);
    expect_equal(process_read_word(HANDLE_NONE, (uint32_t)&wanted + 1, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, 0, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, WINDOW, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, USER_TOP, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, 0xC0100000, &word), E_BAD_ADDRESS);
    expect_equal(process_read_word(HANDLE_NONE, 0xFFFFFFFC, &word), E_BAD_ADDRESS);
}

/* ---- a change is felt at once: the child touches, changes, touches again ---- */

enum { BY_UNMAP, BY_PROTECT, BY_REVOKE, BY_REMAP };

static uint32_t touch_change_touch(void)
{
    volatile uint32_t *scratch = (volatile uint32_t *)CHILD_SCRATCH;
    status_t status = OK;
    *scratch = 1;
    switch (SHARED->words[0]) {
    case BY_UNMAP: status = process_unmap(HANDLE_NONE, CHILD_SCRATCH, 1); break;
    case BY_PROTECT: status = process_protect(HANDLE_NONE, CHILD_SCRATCH, PROTECT_READ, 1); break;
    case BY_REVOKE: status = memory_revoke(SHARED->handles[0]); break;
    default:
        status = process_unmap(HANDLE_NONE, CHILD_SCRATCH, 1);
        if (status == OK)
            status = process_map(HANDLE_NONE, SHARED->handles[0], CHILD_SCRATCH, PROTECT_READ, 1, 1);
        SHARED->words[2] = *scratch; /* the other page, which nobody has written */
    }
    SHARED->words[1] = (uint32_t)status;
    *scratch = 2;
    return 7;
}

static void expect_felt(uint32_t change)
{
    struct child child = { .on_fault = NULL };
    handle_t memory;
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    expect_equal(memory_create(2, 0, &memory), OK);
    expect_equal(process_map(child.process, memory, CHILD_SCRATCH, READ_WRITE, 0, 1), OK);
    SHARED->handles[0] = child_give(&child, memory, RIGHTS_ALL);
    SHARED->words[0] = change;
    SHARED->words[1] = SHARED->words[2] = 5;
    child_start(&child, touch_change_touch, PRIORITY_TESTS);
    uint32_t outcome = child_wait(&child, SECOND);
    child_end(&child);
    handle_close(memory);
    expect_equal(SHARED->words[1], OK);
    expect_equal(outcome, CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_FAULT_VECTOR], 14);
    expect_equal(child.registers[REGISTER_FAULT_ADDRESS], CHILD_SCRATCH);
    if (change == BY_REMAP)
        expect_equal(SHARED->words[2], 0);
}

static void unmap_is_felt(void) { expect_felt(BY_UNMAP); }
static void protect_is_felt(void) { expect_felt(BY_PROTECT); }
static void revoke_is_felt(void) { expect_felt(BY_REVOKE); }
static void remap_is_felt(void) { expect_felt(BY_REMAP); }

/* From outside, while the child runs in a loop. */
static uint32_t touch_for_ever(void)
{
    while (SHARED->words[0] == 0)
        (*(volatile uint32_t *)CHILD_SCRATCH)++;
    return 7;
}

static void revoke_from_outside(void)
{
    struct child child = { .on_fault = NULL };
    handle_t memory;
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    expect_equal(memory_create(1, 0, &memory), OK);
    expect_equal(process_map(child.process, memory, CHILD_SCRATCH, READ_WRITE, 0, 1), OK);
    child_start(&child, touch_for_ever, 1);
    expect_equal(child_wait(&child, 20000), 0);
    expect_equal(memory_revoke(memory), OK);
    expect_equal(child_wait(&child, SECOND), CHILD_FAULTED);
    expect_equal(child.registers[REGISTER_FAULT_ADDRESS], CHILD_SCRATCH);
    expect_equal(process_map(child.process, memory, CHILD_SCRATCH, READ_WRITE, 0, 1), OK); /* the object lives on */
    child_end(&child);
    handle_close(memory);
}

/* What a service maps of a client's must stay, whatever the client does: to its own handle, to itself. */
static void irrevocable(void)
{
    struct child child = { .on_fault = NULL };
    handle_t memory;
    uint32_t flags;
    child_create(&child, CHILD_QUOTA);
    expect_passed();
    expect_equal(memory_create(1, MEMORY_IRREVOCABLE, &memory), OK);
    expect_equal(memory_info(memory, MEMORY_INFO_FLAGS, &flags), OK);
    expect_equal(flags, MEMORY_IRREVOCABLE);
    expect_equal(process_map(child.process, memory, CHILD_SCRATCH, READ_WRITE, 0, 1), OK);
    child_start(&child, touch_for_ever, 1);
    expect_equal(memory_revoke(memory), E_BAD_STATE);
    handle_close(memory);
    expect_equal(child_wait(&child, 20000), 0);
    SHARED->words[0] = 1;
    expect_equal(child_wait(&child, SECOND), CHILD_ENDED);
    child_end(&child);
}

static const struct test_case cases[] = {
    { "sizes of memory objects", sizes, NULL },
    { "new pages are zero", anonymous_is_zero, NULL },
    { "new contiguous pages are zero", contiguous_is_zero, NULL },
    { "contiguous pages follow each other", contiguous_frames, NULL },
    { "addresses outside user space", bad_addresses, NULL },
    { "the first and the last page of user space", edges_of_user_space, NULL },
    { "ranges outside the object", bad_ranges, NULL },
    { "protections that cannot be", protections, NULL },
    { "mappings stay within the handle's rights", mapping_within_rights, NULL },
    { "mappings do not overlap", overlaps, NULL },
    { "only whole mappings are changed", whole_mappings_only, NULL },
    { "two mappings show the same page", shared_pages, NULL },
    { "a mapping across page tables", across_tables, NULL },
    { "words of a process", read_word, NULL },
    { "unmapping is felt at once", unmap_is_felt, NULL },
    { "protecting is felt at once", protect_is_felt, NULL },
    { "revoking is felt at once", revoke_is_felt, NULL },
    { "another page in the same place is seen at once", remap_is_felt, NULL },
    { "revoking from outside", revoke_from_outside, NULL },
    { "memory that cannot be revoked", irrevocable, NULL },
};
TEST_GROUP(memory_tests, "memory");
