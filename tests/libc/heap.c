/* The heap and the locks of newlib: growth, zeroes, the end of memory, several threads. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#define THREADS 4u
#define BLOCKS 40u
#define ROUNDS 1500u
#define LINES 60u

static void blocks(void)
{
    char *block = malloc(100);
    expect(block && (uintptr_t)block % 8 == 0);
    strcpy(block, "kept");
    block = realloc(block, 200000);
    expect(block);
    expect_text(block, "kept");
    block = realloc(block, 10);
    expect(block);
    expect_text(block, "kept");
    free(block);
    void *aligned = memalign(4096, 100);
    expect(aligned && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    free(NULL);
}

/* Memory that went back and came again is zeroed, which calloc takes for granted. */
static void zeroes(void)
{
    for (uint32_t size = 1000; size < 500000; size = size * 2 + 77) {
        uint8_t *block = malloc(size);
        expect(block);
        memset(block, 0xAA, size);
        free(block);
        block = calloc(size, 1);
        expect(block);
        for (uint32_t i = 0; i < size; i++)
            expect_equal(block[i], 0);
        free(block);
    }
}

static void breaks(void)
{
    uint8_t *before = sbrk(0), *middle = sbrk(100000);
    expect(middle == before);
    memset(middle, 1, 100000);
    expect(sbrk(-99000) == before + 100000);
    expect(sbrk(99000) == before + 1000);
    expect_equal(before[999], 1);
    for (uint32_t i = 1000; i < 100000; i++)
        expect_equal(before[i], 0);
    expect(sbrk(-100000) == before + 100000);
    expect_error(sbrk(1 << 30), ENOMEM);
    expect_error(sbrk(-(1 << 30)), ENOMEM);
    expect(sbrk(0) == before);
}

/* The quota ends long before the addresses do. */
static void exhaustion(void)
{
    void *list = NULL, *block;
    uint32_t count = 0;
    volatile size_t most = SIZE_MAX;
    for (uint32_t i = 0; i < 40; i++)
        expect_error(malloc(most - i), ENOMEM);
    expect_error(calloc(65536, most / 65535), ENOMEM);
    expect_error(malloc(200u << 20), ENOMEM);
    while ((block = malloc(100000))) {
        *(void **)block = list;
        list = block;
        count++;
    }
    expect_equal(errno, ENOMEM);
    expect(count > 5);
    for (; list; list = block) {
        block = *(void **)list;
        free(list);
    }
    block = malloc(100000 * (count - 1));
    expect(block);
    free(block);
}

static bool good[THREADS];

static bool is_filled(const uint8_t *block, uint32_t size, uint8_t value)
{
    for (uint32_t i = 0; i < size; i++)
        if (block[i] != value)
            return false;
    return true;
}

static void churn(void *number)
{
    uint8_t *held[BLOCKS] = { 0 }, mark = (uint8_t)(uint32_t)number;
    uint32_t sizes[BLOCKS] = { 0 }, seed = (uint32_t)number + 1;
    bool fine = true;
    for (uint32_t i = 0; i < ROUNDS && fine; i++) {
        uint32_t at = random_next(&seed) % BLOCKS;
        fine = is_filled(held[at], sizes[at], mark);
        sizes[at] = random_next(&seed) % 1500;
        if (i % 3) {
            free(held[at]);
            held[at] = malloc(sizes[at]);
        } else {
            held[at] = realloc(held[at], sizes[at] += 1);
        }
        fine = fine && held[at];
        if (fine)
            memset(held[at], mark, sizes[at]);
        if (i % 16 == 0)
            thread_yield();
    }
    for (uint32_t i = 0; i < BLOCKS; i++)
        free(held[i]);
    good[(uint32_t)number] = fine;
}

static void threads(void)
{
    memset(good, 0, sizeof(good));
    run_threads(THREADS, churn);
    expect_passed();
    for (uint32_t i = 0; i < THREADS; i++)
        expect(good[i]);
}

/* ---- streams ---- */

static FILE *shared;

static void write_lines(void *number)
{
    for (uint32_t i = 0; i < LINES; i++) {
        flockfile(shared);
        fprintf(shared, "%c", 'a' + (char)(uint32_t)number);
        thread_yield();
        fprintf(shared, "%020lu\n", (unsigned long)i);
        funlockfile(shared);
        sleep_microseconds(1);
    }
}

/* A stream's lock keeps lines whole, and may be taken again by the thread that has it. */
static void stream_locks(void)
{
    char line[40];
    uint32_t count = 0;
    shared = fopen(FOLDER "/lines", "w");
    expect(shared);
    run_threads(THREADS, write_lines);
    expect_passed();
    expect_equal(fclose(shared), 0);
    FILE *file = fopen(FOLDER "/lines", "r");
    expect(file);
    for (; fgets(line, sizeof(line), file); count++) {
        expect_equal(strlen(line), 22);
        expect(line[0] >= 'a' && line[0] < (char)('a' + THREADS));
    }
    expect_equal(fclose(file), 0);
    expect_equal(count, THREADS * LINES);
}

static const struct test_case cases[] = {
    { "malloc, realloc, memalign", blocks },
    { "calloc clears", zeroes },
    { "sbrk", breaks },
    { "the end of memory", exhaustion },
    { "several threads", threads },
    { "one stream, several threads", stream_locks },
};

TEST_GROUP(heap_tests, "heap");
