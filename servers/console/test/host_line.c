/* Unit tests of the console's pure parts: editing a line, against a model and a terminal; keys of terminals and of keyboards. */
// links: escape.c line.c scancode.c
#include <stdio.h>

#include <servers/console/internal.h>
#include <tests/host/unit.h>

/* A terminal that knows what the editor uses: letters and going back. */
static char shown[4 * LINE_BYTES];
static uint32_t shown_cursor, shown_end;

static void echo(const char *text, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (text[i] == '\b') {
            assert_true(shown_cursor > 0);
            shown_cursor--;
        } else {
            shown[shown_cursor++] = text[i];
            shown_end = shown_cursor > shown_end ? shown_cursor : shown_end;
        }
    }
}

static void begin(struct line *line)
{
    shown_cursor = shown_end = 0;
    line_begin(line, echo);
}

static void type(struct line *line, const char *text)
{
    for (; *text; text++)
        line_key(line, (uint8_t)*text);
}

static void check_shown(const struct line *line)
{
    assert_int_equal(shown_cursor, line->cursor);
    assert_memory_equal(shown, line->text, line->length);
    for (uint32_t i = line->length; i < shown_end; i++)
        assert_int_equal(shown[i], ' ');
}

static void keys_that_edit(void **state)
{
    (void)state;
    struct line line;
    begin(&line);
    type(&line, "one two three");
    line_key(&line, CONTROL('w'));
    type(&line, "four");
    line_key(&line, CONTROL('a'));
    line_key(&line, CONSOLE_KEY_DELETE);
    type(&line, "O");
    line_key(&line, CONTROL('e'));
    type(&line, "!");
    check_shown(&line);
    assert_int_equal(line_key(&line, '\n'), LINE_DONE);
    assert_string_equal(line.text, "One two four!");
}

static void ends(void **state)
{
    (void)state;
    struct line line;
    begin(&line);
    assert_int_equal(line_key(&line, CONTROL('d')), LINE_END_OF_INPUT);
    begin(&line);
    type(&line, "x");
    assert_int_equal(line_key(&line, CONTROL('d')), LINE_GOES_ON);
    assert_int_equal(line_key(&line, CONTROL('c')), LINE_CANCELLED);
}

static void history_goes_back_and_forth(void **state)
{
    (void)state;
    struct line line;
    char text[16];
    for (int i = 0; i < 40; i++) {
        begin(&line);
        snprintf(text, sizeof(text), "line%d", i);
        type(&line, text);
        line_key(&line, '\n');
    }
    begin(&line);
    for (int i = 0; i < 30; i++)
        line_key(&line, CONSOLE_KEY_UP);
    line.text[line.length] = '\0';
    assert_string_equal(line.text, "line24"); /* the last 16 are kept */
    for (int i = 0; i < 15; i++)
        line_key(&line, CONSOLE_KEY_DOWN);
    line.text[line.length] = '\0';
    assert_string_equal(line.text, "line39");
    line_key(&line, CONSOLE_KEY_DOWN);
    assert_int_equal(line.length, 0);
    check_shown(&line);
}

/* Whatever is typed, the terminal shows the line and the cursor where it is, and no byte is written outside. */
static void random_keys(void **state)
{
    static const uint32_t keys[] = { 'a', 'b', ' ', ' ', 'c', CONSOLE_KEY_LEFT, CONSOLE_KEY_LEFT, CONSOLE_KEY_RIGHT, BACKSPACE,
        CONSOLE_KEY_DELETE, CONTROL('a'), CONTROL('e'), CONTROL('u'), CONTROL('k'), CONTROL('w'), CONSOLE_KEY_UP,
        CONSOLE_KEY_DOWN, CONSOLE_KEY_PAGE_UP, 0xE9 };
    (void)state;
    random_start("random_keys");
    for (int round = 0; round < 200; round++) {
        struct line line;
        begin(&line);
        for (int i = 0; i < 300; i++) {
            line_key(&line, keys[random_below(COUNT(keys))]);
            check_shown(&line);
        }
        for (int i = 0; i < 2000 && round == 0; i++)
            line_key(&line, 'x');
        assert_true(line.length < LINE_BYTES);
        line_key(&line, '\n');
    }
}

static uint32_t keys_of(const char *bytes, uint32_t found[])
{
    struct escape escape = { 0 };
    uint32_t count = 0;
    for (; *bytes; bytes++) {
        uint32_t key = escape_next(&escape, (uint8_t)*bytes);
        if (key != NO_KEY)
            found[count++] = key;
    }
    return count;
}

static void terminal_keys(void **state)
{
    (void)state;
    uint32_t found[16];
    assert_int_equal(keys_of("a\033[A\033OB\033[3~\033[1;5C\r\033[H\033[4~z", found), 9);
    const uint32_t wanted[] = { 'a', CONSOLE_KEY_UP, CONSOLE_KEY_DOWN, CONSOLE_KEY_DELETE, CONSOLE_KEY_RIGHT, '\n',
                                CONSOLE_KEY_HOME, CONSOLE_KEY_END, 'z' };
    assert_memory_equal(found, wanted, sizeof(wanted));
    assert_int_equal(keys_of("\033[99~\033[Zq", found), 1);
}

static void keyboard_keys(void **unused)
{
    (void)unused;
    struct scancode state = { 0 };
    assert_int_equal(scancode_next(&state, 0x1E), 'a');
    assert_int_equal(scancode_next(&state, 0x9E), NO_KEY);
    scancode_next(&state, 0x2A);
    assert_int_equal(scancode_next(&state, 0x1E), 'A');
    assert_int_equal(scancode_next(&state, 0x03), '@');
    scancode_next(&state, 0xAA);
    scancode_next(&state, 0x3A);
    assert_int_equal(scancode_next(&state, 0x1E), 'A');
    assert_int_equal(scancode_next(&state, 0x03), '2');
    scancode_next(&state, 0x3A);
    scancode_next(&state, 0x1D);
    assert_int_equal(scancode_next(&state, 0x2E), CONTROL('c'));
    scancode_next(&state, 0x9D);
    scancode_next(&state, 0xE0);
    assert_int_equal(scancode_next(&state, 0x48), CONSOLE_KEY_UP);
    scancode_next(&state, 0x2A);
    scancode_next(&state, 0xE0);
    assert_int_equal(scancode_next(&state, 0x49), KEY_SCROLL_UP);
}

static void any_scancode(void **unused)
{
    (void)unused;
    struct scancode state = { 0 };
    random_start("any_scancode");
    for (int i = 0; i < 100000; i++)
        scancode_next(&state, (uint8_t)random_next());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_edit), cmocka_unit_test(ends), cmocka_unit_test(history_goes_back_and_forth),
        cmocka_unit_test(random_keys),    cmocka_unit_test(terminal_keys), cmocka_unit_test(keyboard_keys),
        cmocka_unit_test(any_scancode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
