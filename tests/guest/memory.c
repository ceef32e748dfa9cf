/* Memory objects and mappings: edges of every argument, protection that takes effect at once, revocation. */
#include "child.h"
#include "tap.h"

#define HERE 0x30000000u
#define READ_WRITE (PROTECT_READ | PROTECT_WRITE)

static handle_t create(uint32_t pages)
{
    handle_t memory = HANDLE_NONE;
    CHECK_EQUAL(memory_create(pages, 0, &memory), OK);
    return memory;
}

static void map_and_unmap(void)
{
    handle_t memory = create(3);
    volatile uint32_t *words = (volatile uint32_t *)HERE;
    uint32_t pages = 0;
    CHECK_EQUAL(memory_info(memory, &pages), OK);
    CHECK_EQUAL(pages, 3);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 3), OK);
    for (uint32_t i = 0; i < 3 * PAGE_SIZE / 4; i++)
        if (!CHECK_EQUAL(words[i], 0))
            break;
    words[2048] = 77;
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 3), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE + PAGE_SIZE, PROTECT_READ, 2, 1), OK); /* the third page alone */
    CHECK_EQUAL(words[1024], 77);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE + PAGE_SIZE, 1), OK);
    handle_close(memory);
}

static void bad_ranges(void)
{
    handle_t memory = create(2), read_only = HANDLE_NONE;
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, 0, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, USER_TOP, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, USER_TOP - PAGE_SIZE, READ_WRITE, 0, 2), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, 0xC0100000, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, 0xFFFFF000, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 0), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 3), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 2, 1), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 1, 2), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0xFFFFFFFF, 2), E_BAD_ARGUMENT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 0xFFFFFFFF), E_BAD_ADDRESS);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, 0, 0, 1), E_BAD_ARGUMENT);
    CHECK_EQUAL(handle_duplicate(memory, RIGHT_READ, 0, &read_only), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, read_only, HERE, READ_WRITE, 0, 1), E_NO_RIGHT);
    CHECK_EQUAL(process_map(HANDLE_NONE, read_only, HERE, PROTECT_READ, 0, 1), OK);
    CHECK_EQUAL(process_protect(HANDLE_NONE, HERE, READ_WRITE, 1), E_NO_RIGHT);
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 2), E_BAD_ADDRESS);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE + PAGE_SIZE, 1), E_BAD_ADDRESS);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 1), OK);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 1), E_BAD_ADDRESS);
    handle_close(read_only);
    handle_close(memory);
}

static uint32_t touch(uint32_t address)
{
    volatile uint32_t *word = (volatile uint32_t *)address;
    *word = *word + 1;
    __asm__ volatile("int3"); /* tells the test, which changes the mapping and lets us go on */
    *word = *word + 1;
    return 1;
}

/* The child has used the page, so it is in the TLB; the change must show at once. */
static void change_under_a_child(status_t (*change)(struct child *child, handle_t memory), uint32_t vector)
{
    struct child child;
    handle_t memory = create(1), thread = HANDLE_NONE;
    if (!CHECK(child_create(&child) == OK))
        return;
    CHECK_EQUAL(process_map(child.process, memory, HERE, READ_WRITE, 0, 1), OK);
    CHECK_EQUAL(child_start(&child, touch, HERE, &thread), OK);
    struct fault fault = child_wait(&child);
    CHECK_EQUAL(fault.vector, VECTOR_DONE);
    handle_close(fault.thread);
    CHECK_EQUAL(change(&child, memory), OK);
    fault = child_continue(&child);
    CHECK_EQUAL(fault.vector, vector);
    CHECK(vector != 14 || fault.address == HERE);
    handle_close(fault.thread);
    handle_close(thread);
    child_destroy(&child);
    handle_close(memory);
}

static status_t nothing(struct child *child, handle_t memory)
{
    (void)child;
    (void)memory;
    return OK;
}

static status_t unmap(struct child *child, handle_t memory)
{
    (void)memory;
    return process_unmap(child->process, HERE, 1);
}

static status_t protect(struct child *child, handle_t memory)
{
    (void)memory;
    return process_protect(child->process, HERE, PROTECT_READ, 1);
}

static status_t revoke(struct child *child, handle_t memory)
{
    (void)child;
    return memory_revoke(memory);
}

static void changes_take_effect(void)
{
    change_under_a_child(nothing, VECTOR_DONE);
    change_under_a_child(unmap, 14);
    change_under_a_child(protect, 14);
    change_under_a_child(revoke, 14);
}

static void own_page_changes(void)
{
    handle_t first = create(1), second = create(1);
    volatile uint32_t *word = (volatile uint32_t *)HERE;
    CHECK_EQUAL(process_map(HANDLE_NONE, first, HERE, READ_WRITE, 0, 1), OK);
    *word = 1;
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 1), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, second, HERE, READ_WRITE, 0, 1), OK);
    CHECK_EQUAL(*word, 0);
    *word = 2;
    CHECK_EQUAL(memory_revoke(second), OK);
    CHECK_EQUAL(process_map(HANDLE_NONE, first, HERE, READ_WRITE, 0, 1), OK);
    CHECK_EQUAL(*word, 1);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 1), OK);
    handle_close(first);
    handle_close(second);
}

static void mapping_keeps_the_object(void)
{
    handle_t memory = create(1);
    volatile uint32_t *word = (volatile uint32_t *)HERE;
    CHECK_EQUAL(process_map(HANDLE_NONE, memory, HERE, READ_WRITE, 0, 1), OK);
    handle_close(memory);
    *word = 5;
    handle_close(create(16));
    CHECK_EQUAL(*word, 5);
    CHECK_EQUAL(process_unmap(HANDLE_NONE, HERE, 1), OK);
}

static void contiguous(void)
{
    handle_t memory = HANDLE_NONE, without_right = HANDLE_NONE;
    uint32_t first = 0, frame = 0;
    CHECK_EQUAL(memory_create(8, MEMORY_CONTIGUOUS, &memory), OK);
    CHECK_EQUAL(memory_physical(memory, 0, &first), OK);
    for (uint32_t i = 1; i < 8; i++) {
        CHECK_EQUAL(memory_physical(memory, i, &frame), OK);
        CHECK_EQUAL(frame, first + i);
    }
    CHECK_EQUAL(memory_physical(memory, 8, &frame), E_BAD_ARGUMENT);
    CHECK_EQUAL(handle_duplicate(memory, RIGHTS_ALL & ~RIGHT_DMA, 0, &without_right), OK);
    CHECK_EQUAL(memory_physical(without_right, 0, &frame), E_NO_RIGHT);
    handle_close(without_right);
    handle_close(memory);
}

static void read_word(void)
{
    static volatile uint32_t value = 0xABCD1234;
    uint32_t word = 0;
    CHECK_EQUAL(process_read_word(HANDLE_NONE, (uint32_t)&value, &word), OK);
    CHECK_EQUAL(word, value);
    CHECK_EQUAL(process_read_word(HANDLE_NONE, (uint32_t)&value + 1, &word), E_BAD_ADDRESS);
    CHECK_EQUAL(process_read_word(HANDLE_NONE, 0, &word), E_BAD_ADDRESS);
    CHECK_EQUAL(process_read_word(HANDLE_NONE, 0xC0100000, &word), E_BAD_ADDRESS);
    CHECK_EQUAL(process_read_word(HANDLE_NONE, 0xBFE00000, &word), E_BAD_ADDRESS);
}

const struct test memory_tests[] = {
    { "memory: map, zeroed pages, unmap", map_and_unmap },
    { "memory: bad ranges, offsets and protections", bad_ranges },
    { "memory: unmap, protect and revoke take effect at once in another process", changes_take_effect },
    { "memory: replaced mappings of our own", own_page_changes },
    { "memory: a mapping keeps its object", mapping_keeps_the_object },
    { "memory: contiguous pages and the DMA right", contiguous },
    { "memory: process_read_word", read_word },
    { NULL, NULL },
};
