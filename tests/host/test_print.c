/* Unit tests of the kernel log: formats against printf(3), lines of processes, and what a panic prints. */
// links: log.c
#include "log.h"

#include <stdio.h>

#include "process.h"
#include "unit.h"

#define LINE 120u /* bytes that a process may keep back */

static char output[1u << 16];
static uint32_t length;
static jmp_buf halted;

void arch_log_write(char character)
{
    assert_true(length < sizeof(output) - 1);
    output[length++] = character;
    output[length] = '\0';
}

_Noreturn void arch_halt(void)
{
    longjmp(halted, 1);
}

static int start(void **state)
{
    (void)state;
    length = 0;
    output[0] = '\0';
    return 0;
}

static void expect_output(const char *expected)
{
    assert_string_equal(output, expected);
    start(NULL);
}

static void text_and_escapes(void **state)
{
    (void)state;
    log_print("plain");
    expect_output("plain");
    log_print("100 %% of %s", "it");
    expect_output("100 % of it");
    log_print("a\nb\n");
    expect_output("a\r\nb\r\n");
    log_print("%s", "x\ny");
    expect_output("x\r\ny");
}

static void several_arguments_keep_their_order(void **state)
{
    (void)state;
    log_print("%d %u %x %s %p\n", -1, 2u, 0x3fu, "four", (void *)(uintptr_t)5);
    expect_output("-1 2 3f four 00000005\r\n");
}

static const uint32_t edges[] = { 0,          1,          9,          10,         15,         16,         99,
                                  100,        0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0xFFFFFFF6, 999999999,
                                  1000000000, 4000000000 };

static void compare_number(const char *format, uint32_t number)
{
    char expected[64];
    snprintf(expected, sizeof(expected), format, number);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    log_print(format, number);
#pragma GCC diagnostic pop
    expect_output(expected);
}

static void compare_in_all_formats(uint32_t number)
{
    compare_number("%d", number);
    compare_number("%u", number);
    compare_number("%x", number);
    for (uint32_t width = 1; width <= 9; width++)
        for (const char *conversion = "ux"; *conversion; conversion++) {
            char format[8];
            snprintf(format, sizeof(format), "%%0%u%c", width, *conversion);
            compare_number(format, number);
        }
}

static void numbers_look_as_in_printf(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(edges); i++)
        compare_in_all_formats(edges[i]);
    random_start("print");
    for (int i = 0; i < 500; i++)
        compare_in_all_formats(random_next() >> random_below(32));
}

/* ---- lines of processes ---- */

static void log_text(struct process *process, const char *text)
{
    log_user(process, text, (uint32_t)strlen(text));
}

static void line_waits_for_its_end(void **state)
{
    (void)state;
    struct process process = { 0 };
    log_text(&process, "half");
    log_text(&process, "");
    expect_output("");
    log_text(&process, " and half\nnext");
    expect_output("half and half\r\n");
    log_text(&process, "\n\n");
    expect_output("next\r\n\r\n");
}

static void lines_of_two_do_not_mix(void **state)
{
    (void)state;
    struct process a = { 0 }, b = { 0 };
    log_text(&a, "first ");
    log_text(&b, "second ");
    log_print("kernel\n");
    log_text(&a, "one\n");
    log_text(&b, "two\n");
    expect_output("kernel\r\nfirst one\r\nsecond two\r\n");
}

static void long_line_is_written_when_the_buffer_is_full(void **state)
{
    (void)state;
    struct process process = { 0 };
    assert_int_equal(sizeof(process.log_line), LINE);
    char text[LINE + 1];
    memset(text, 'x', LINE);
    text[LINE] = '\0';
    log_user(&process, text, LINE - 1);
    expect_output("");
    log_user(&process, text, 1);
    expect_output(text);
    log_text(&process, "rest\n");
    expect_output("rest\r\n");
}

static void any_byte_may_be_logged(void **state)
{
    (void)state;
    struct process process = { 0 };
    log_user(&process, "a\0b\xFF\n", 5);
    assert_int_equal(length, 6);
    assert_memory_equal(output, "a\0b\xFF\r\n", 6);
}

static void last_words_get_a_newline(void **state)
{
    (void)state;
    struct process process = { 0 };
    log_flush(&process);
    expect_output("");
    log_text(&process, "last words");
    log_flush(&process);
    expect_output("last words\r\n");
    log_flush(&process);
    expect_output("");
}

/* ---- random chunks of several processes, against a model that keeps whole texts ---- */

#define PROCESSES 3u

struct model {
    char expected[sizeof(output)];
    uint32_t expected_length;
    char pending[PROCESSES][LINE];
    uint32_t pending_length[PROCESSES];
};

static void model_append(struct model *model, uint32_t who, char character)
{
    uint32_t *count = &model->pending_length[who];
    model->pending[who][(*count)++] = character;
    if (character != '\n' && *count < LINE)
        return;
    for (uint32_t i = 0; i < *count; i++) {
        if (model->pending[who][i] == '\n')
            model->expected[model->expected_length++] = '\r';
        model->expected[model->expected_length++] = model->pending[who][i];
    }
    *count = 0;
}

static void random_chunks_agree_with_the_model(void **state)
{
    (void)state;
    random_start("print");
    struct process processes[PROCESSES] = { 0 };
    struct model *model = calloc(1, sizeof(*model));
    while (length < sizeof(output) / 2) {
        uint32_t who = random_below(PROCESSES), count = random_below(random_below(10) ? 17 : 300);
        char chunk[300];
        for (uint32_t i = 0; i < count; i++) {
            chunk[i] = random_below(60) ? (char)('a' + who) : '\n';
            model_append(model, who, chunk[i]);
        }
        log_user(&processes[who], chunk, count);
        assert_int_equal(length, model->expected_length);
    }
    assert_memory_equal(output, model->expected, length);
    free(model);
}

/* ---- panic ---- */

static void panic_prints_and_halts(void **state)
{
    (void)state;
    if (setjmp(halted) == 0)
        panic("frame %u is %s", 7u, "lost");
    expect_output("\r\npanic: frame 7 is lost\r\n");
}

static void assertion_names_itself(void **state)
{
    (void)state;
    volatile int one = 1;
    assert(one == 1);
    expect_output("");
    if (setjmp(halted) == 0)
        assert(one == 2);
    assert_non_null(strstr(output, "panic: assertion failed: one == 2 ("));
    assert_non_null(strstr(output, "test_print.c:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(text_and_escapes, start),
        cmocka_unit_test_setup(several_arguments_keep_their_order, start),
        cmocka_unit_test_setup(numbers_look_as_in_printf, start),
        cmocka_unit_test_setup(line_waits_for_its_end, start),
        cmocka_unit_test_setup(lines_of_two_do_not_mix, start),
        cmocka_unit_test_setup(long_line_is_written_when_the_buffer_is_full, start),
        cmocka_unit_test_setup(any_byte_may_be_logged, start),
        cmocka_unit_test_setup(last_words_get_a_newline, start),
        cmocka_unit_test_setup(random_chunks_agree_with_the_model, start),
        cmocka_unit_test_setup(panic_prints_and_halts, start),
        cmocka_unit_test_setup(assertion_names_itself, start),
    };
    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
