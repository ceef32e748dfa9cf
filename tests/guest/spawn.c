/* Programs started by programs, and what init knows and does about them. */
#include "supervision.h"

#include <spawn.h>
#include <startup.h>

#include "tests/hostile/hostile.h"
#include "tests/hostile/tiny.h"

#define QUOTA_KIB 256u
#define LOW_PRIORITY 1u
#define KILLED ((uint32_t)E_CANCELLED)
#define UNBORN_MAX 4u
#define CHILDREN_MAX 64u

static const char *const no_arguments[] = { "child", NULL };

static struct tiny exiting = { .code = TINY_EXIT }, faulting = { .code = TINY_FAULT }, looping = { .code = TINY_LOOP };

/* ---- helpers ---- */

static const char *spawn_tiny(struct tiny *tiny, struct child *child)
{
    const struct spawn spawn = { .name = "tiny", .image = tiny, .size = sizeof(*tiny), .arguments = no_arguments,
                                 .quota_kib = QUOTA_KIB, .priority = LOW_PRIORITY };
    return program_spawn(&spawn, child);
}

static bool ends_with(const struct child *child, uint32_t exit_code)
{
    for (uint32_t i = 0; i < 1000 && process_fact(child->process, PROCESS_ALIVE); i++)
        sleep_microseconds(1000);
    bool as_wanted = !process_fact(child->process, PROCESS_ALIVE) && process_fact(child->process, PROCESS_EXIT_CODE) == exit_code;
    process_destroy(child->process, 0);
    handle_close(child->process);
    return as_wanted;
}

/* A boot module in our memory; NULL when it cannot be had. */
static const void *module(const char *name, uint32_t *size)
{
    const struct process_table *now = table();
    uint32_t n = 0;
    handle_t memory;
    while (now && n < now->module_count && strcmp(now->modules[n].name, name) != 0)
        n++;
    if (ask_init(INIT_MODULE, n, HANDLE_NONE, size, &memory) != OK)
        return NULL;
    uint32_t pages = (*size + PAGE_SIZE - 1) / PAGE_SIZE, address = address_reserve(pages);
    status_t status = process_map(HANDLE_NONE, memory, address, PROTECT_READ, 0, pages);
    handle_close(memory);
    return status == OK ? (const void *)address : NULL;
}

static void forget_module(const void *image, uint32_t size)
{
    uint32_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    process_unmap(HANDLE_NONE, (uint32_t)image, pages);
    address_release((uint32_t)image, pages);
}

/* tests/hostile as a child. */
static const char *spawn_hostile(const char *const *arguments, const char *const *environment, struct child *child)
{
    uint32_t size;
    const void *image = module("hostile", &size);
    const struct spawn spawn = { .name = "hostile-child", .image = image, .size = size, .arguments = arguments,
                                 .environment = environment, .quota_kib = QUOTA_KIB };
    if (!image)
        return "is no module";
    const char *wrong = program_spawn(&spawn, child);
    forget_module(image, size);
    return wrong;
}

/* ---- programs ---- */

static void prepare(void)
{
    tiny_finish(&exiting);
    tiny_finish(&faulting);
    tiny_finish(&looping);
}

static void exit_code(void)
{
    struct child child;
    prepare();
    expect(!spawn_tiny(&exiting, &child));
    expect(ends_with(&child, TINY_EXIT_CODE));
}

static void look_up(void)
{
    static const char *const arguments[] = { "hostile", "call", "echo", NULL }, *const environment[] = { "word=77", NULL };
    struct child child;
    expect(!spawn_hostile(arguments, environment, &child));
    expect(ends_with(&child, 77));
}

static void shown_in_the_table(void)
{
    struct child child;
    prepare();
    expect(!spawn_tiny(&looping, &child));
    const struct process_entry *entry = entry_of("tiny"), *echo = entry_of("echo"), *self = entry_of("tests");
    expect(entry && echo && self);
    expect_equal(entry->number, child.number);
    expect_equal(entry->parent, self->number);
    expect_equal(entry->state, PROCESS_RUNNING);
    expect_equal(entry->threads, 1);
    expect_equal(entry->quota_kib, QUOTA_KIB);
    expect_equal(echo->state, PROCESS_RUNNING);
    expect_equal(echo->workers, 4);
    expect_equal(echo->idle, 4);
    expect(echo->busy_high >= 1);
    expect_equal(process_destroy(child.process, 3), OK);
    expect(ends_with(&child, 3));
    expect(disappears("tiny"));
}

static void fault_ends_it(void)
{
    static const char *const arguments[] = { "hostile", "fault", NULL };
    struct child child;
    prepare();
    expect(!spawn_tiny(&faulting, &child));
    expect(ends_with(&child, 128 + 6));
    expect(!spawn_hostile(arguments, NULL, &child));
    expect(ends_with(&child, 128 + 14));
}

static void dies_with_its_parent(void)
{
    static const char *const arguments[] = { "hostile", "parent", NULL };
    struct child child;
    expect(!spawn_hostile(arguments, NULL, &child));
    for (uint32_t i = 0; i < 1000 && !entry_of("grandchild"); i++)
        sleep_microseconds(1000);
    const struct process_entry *entry = entry_of("grandchild");
    expect(entry);
    expect_equal(entry->parent, child.number);
    expect_equal(process_destroy(child.process, 5), OK);
    expect(ends_with(&child, 5));
    expect(disappears("grandchild") && disappears("hostile-child"));
}

/* ---- programs that cannot be ---- */

static void expect_refused(const struct tiny *bad, const char *reason)
{
    struct tiny copy = *bad;
    struct child child;
    uint32_t before = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), limit = process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT);
    const char *wrong = spawn_tiny(&copy, &child);
    expect(wrong);
    if (strcmp(wrong, reason) != 0)
        test_fail(__FILE__, __LINE__, wrong);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), before);
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_LIMIT), limit);
}

#define EXPECT_REFUSED(change, reason) \
    do { \
        bad = exiting; \
        bad.change; \
        expect_refused(&bad, reason); \
    } while (0)

static void bad_files(void)
{
    struct tiny bad;
    prepare();
    EXPECT_REFUSED(header.e_ident[0] = 0, "is no ELF file");
    EXPECT_REFUSED(header.e_machine = EM_X86_64, "is not for 32-bit x86");
    EXPECT_REFUSED(header.e_version = 2, "has an ELF header of another version");
    EXPECT_REFUSED(header.e_type = ET_DYN, "is not statically linked at a fixed address");
    EXPECT_REFUSED(header.e_phnum = 0, "has a bad table of segments");
    EXPECT_REFUSED(header.e_phnum = 16, "has a bad table of segments");
    EXPECT_REFUSED(header.e_phoff = 0xFFFFFFFC, "has a bad table of segments");
    EXPECT_REFUSED(header.e_entry = 4, "has its entry point outside the executable segments");
    EXPECT_REFUSED(segment.p_type = PT_INTERP, "is dynamically linked");
    EXPECT_REFUSED(segment.p_filesz = 0x1000, "has a segment outside the file");
    EXPECT_REFUSED(segment.p_memsz = 1, "has a segment outside the file");
    EXPECT_REFUSED(segment.p_vaddr = STARTUP_ADDRESS, "has a segment outside the range for programs");
    EXPECT_REFUSED(segment.p_memsz = 0xF0000000, "has a segment outside the range for programs");
    EXPECT_REFUSED(segment.p_vaddr++, "has a segment whose address and place in the file differ within a page");
    EXPECT_REFUSED(segment.p_flags = 0, "has a segment with unknown flags");
    EXPECT_REFUSED(segment.p_flags = PF_W | PF_X, "has a segment that is writable and executable");
}

static void empty_file(void)
{
    const struct spawn spawn = { .name = "empty", .image = &exiting, .arguments = no_arguments, .quota_kib = QUOTA_KIB };
    struct child child;
    const char *wrong = program_spawn(&spawn, &child);
    expect(wrong && strcmp(wrong, "is empty") == 0);
}

static void out_of_quota(void)
{
    static const uint32_t quotas[] = { 0, 1, 16, 0x100000, 0x3FFFFF, 0xFFFFFFFF };
    struct spawn spawn = { .name = "tiny", .image = &exiting, .size = sizeof(exiting), .arguments = no_arguments };
    struct child child;
    prepare();
    uint32_t before = process_fact(HANDLE_NONE, PROCESS_QUOTA_USED);
    for (uint32_t i = 0; i < COUNT(quotas); i++) {
        spawn.quota_kib = quotas[i];
        const char *wrong = program_spawn(&spawn, &child);
        expect(wrong && strcmp(wrong, status_text(E_NO_MEMORY)) == 0);
    }
    expect_equal(process_fact(HANDLE_NONE, PROCESS_QUOTA_USED), before);
}

static void too_many_arguments(void)
{
    static char text[STARTUP_ARGUMENTS];
    const char *const arguments[] = { "child", text, NULL };
    const struct spawn spawn = { .name = "tiny", .image = &exiting, .size = sizeof(exiting), .arguments = arguments,
                                 .quota_kib = QUOTA_KIB };
    struct child child;
    prepare();
    memset(text, 'x', sizeof(text) - 1);
    const char *wrong = program_spawn(&spawn, &child);
    expect(wrong && strcmp(wrong, "has more arguments than its startup page holds") == 0);
}

/* ---- init ---- */

static void killed_by_number(void)
{
    struct child child;
    prepare();
    expect(!spawn_tiny(&looping, &child));
    expect_equal(ask_init(INIT_KILL, child.number, HANDLE_NONE, NULL, NULL), OK);
    expect(ends_with(&child, KILLED));
    expect(disappears("tiny"));
    expect_equal(ask_init(INIT_KILL, child.number, HANDLE_NONE, NULL, NULL), E_NOT_FOUND);
}

static void kill_nobody(void)
{
    static const uint32_t numbers[] = { 0, PROCESSES_MAX, PROCESSES_MAX + 1, 0x7FFFFFFF, 0xFFFFFFFF };
    for (uint32_t i = 0; i < COUNT(numbers); i++)
        expect_equal(ask_init(INIT_KILL, numbers[i], HANDLE_NONE, NULL, NULL), E_NOT_FOUND);
}

static void without_the_right(void)
{
    handle_t partner;
    uint32_t answer;
    expect_equal(service_find("hostile", &partner), OK);
    expect_equal(service_call(partner, HOSTILE_ASK_INIT, INIT_KILL | 1 << 8, &answer), OK);
    expect_equal(answer, E_NO_RIGHT);
    expect_equal(service_call(partner, HOSTILE_ASK_INIT, INIT_MODULE, &answer), OK);
    expect_equal(answer, E_NO_RIGHT);
    expect_equal(service_call(partner, HOSTILE_ASK_INIT, INIT_MACHINE_EXIT, &answer), OK);
    expect_equal(answer, E_NO_RIGHT);
    expect_equal(service_call(partner, HOSTILE_ASK_INIT, INIT_FIND, &answer), OK);
    expect_equal(answer, E_NO_RIGHT);
    for (uint32_t method = INIT_DMA_KEEP; method <= INIT_DMA_QUIET; method++) {
        expect_equal(service_call(partner, HOSTILE_ASK_INIT, method, &answer), OK);
        expect_equal(answer, E_NO_RIGHT);
    }
    handle_close(partner);
}

static void table_is_read_only(void)
{
    handle_t memory;
    expect_equal(ask_init(INIT_TABLE, 0, HANDLE_NONE, NULL, &memory), OK);
    uint32_t address = address_reserve(1);
    expect_equal(process_map(HANDLE_NONE, memory, address, PROTECT_READ | PROTECT_WRITE, 0, 1), E_NO_RIGHT);
    expect_equal(process_map(HANDLE_NONE, memory, address, PROTECT_READ | PROTECT_EXECUTE, 0, 1), E_NO_RIGHT);
    expect_equal(memory_revoke(memory), E_NO_RIGHT);
    address_release(address, 1);
    handle_close(memory);
}

static void modules(void)
{
    uint32_t size;
    handle_t memory;
    const void *image = module("echo", &size);
    expect(image);
    expect_equal(memcmp(image, ELFMAG, SELFMAG), 0);
    forget_module(image, size);
    expect_equal(ask_init(INIT_MODULE, table()->module_count, HANDLE_NONE, NULL, &memory), E_NOT_FOUND);
    expect_equal(ask_init(INIT_MODULE, 0xFFFFFFFF, HANDLE_NONE, NULL, &memory), E_NOT_FOUND);
}

static void unborn_children(void)
{
    handle_t handles[UNBORN_MAX], more;
    uint32_t numbers[UNBORN_MAX];
    for (uint32_t i = 0; i < UNBORN_MAX; i++)
        expect_equal(ask_init(INIT_CHILD, 0, HANDLE_NONE, &numbers[i], &handles[i]), OK);
    expect_equal(ask_init(INIT_CHILD, 0, HANDLE_NONE, NULL, &more), E_BUSY);
    expect_equal(ask_init(INIT_KILL, numbers[0], HANDLE_NONE, NULL, NULL), E_NOT_FOUND);
    for (uint32_t i = 0; i < UNBORN_MAX; i++) {
        expect(numbers[i] > 0 && (i == 0 || numbers[i] != numbers[i - 1]));
        expect_equal(init_adopt(handles[i], HANDLE_NONE), OK);
        expect_equal(init_adopt(handles[i], HANDLE_NONE), E_BAD_STATE);
        handle_close(handles[i]);
    }
}

/* One process under many numbers costs nothing, and so there is an end to it. */
static void too_many_numbers(void)
{
    handle_t child, copy;
    uint32_t adopted = 0;
    struct child process;
    prepare();
    expect(!spawn_tiny(&looping, &process));
    while (adopted < PROCESSES_MAX && ask_init(INIT_CHILD, 0, HANDLE_NONE, NULL, &child) == OK) {
        expect_equal(handle_duplicate(process.process, RIGHTS_ALL, 0, &copy), OK);
        expect_equal(init_adopt(child, copy), OK);
        handle_close(child);
        adopted++;
    }
    expect_equal(adopted, CHILDREN_MAX - 1);
    expect_equal(process_destroy(process.process, 1), OK);
    expect(ends_with(&process, 1));
    expect(disappears("tiny"));
}

static status_t offer(handle_t child, handle_t object, uint32_t rights)
{
    handle_t copy;
    status_t status = handle_duplicate(object, rights | RIGHT_TRANSFER, 0, &copy);
    if (status != OK)
        return status;
    return init_adopt(child, copy);
}

static void adopting_what_is_no_child(void)
{
    handle_t child, notification, process;
    uint32_t number;
    expect_equal(notification_create(&notification), OK);
    expect_equal(process_create(64 * 1024, HANDLE_NONE, 0, 0, &process), OK);
    expect_equal(ask_init(INIT_CHILD, 0, HANDLE_NONE, &number, &child), OK);
    expect_equal(offer(child, notification, RIGHTS_ALL), E_BAD_TYPE);
    expect_equal(offer(child, process, RIGHTS_ALL), E_BAD_ADDRESS);
    expect_equal(offer(child, self_process(), RIGHT_READ), E_NO_RIGHT);
    expect_equal(offer(init_endpoint(), self_process(), RIGHTS_ALL), E_BAD_STATE);
    expect_equal(init_announce(child), E_BAD_STATE);
    expect_equal(init_ask_endpoint(child, 0, NULL), E_BAD_STATE);
    expect_equal(service_call(child, METHODS_COUNT(INIT_METHODS), 0, NULL), E_NO_METHOD);
    expect_equal(init_adopt(child, HANDLE_NONE), OK);
    expect_equal(process_destroy(process, 0), OK);
    handle_close(process);
    handle_close(notification);
    handle_close(child);
}

static const struct test_case cases[] = {
    { "the exit code of a child", exit_code, NULL },
    { "a child looks up what its parent may", look_up, NULL },
    { "a child in the table of processes", shown_in_the_table, NULL },
    { "a fault ends a child", fault_ends_it, NULL },
    { "a child dies with its parent", dies_with_its_parent, NULL },
    { "files that are no programs", bad_files, NULL },
    { "an empty file", empty_file, NULL },
    { "quotas that cannot be", out_of_quota, NULL },
    { "too many arguments", too_many_arguments, NULL },
    { "killed by number", killed_by_number, NULL },
    { "numbers of nobody", kill_nobody, NULL },
    { "init asked without the right to", without_the_right, NULL },
    { "the table cannot be written", table_is_read_only, NULL },
    { "boot modules", modules, NULL },
    { "numbers without a child", unborn_children, NULL },
    { "too many numbers", too_many_numbers, NULL },
    { "adopting what is no child", adopting_what_is_no_child, NULL },
};
TEST_GROUP(spawn_tests, "spawn");
