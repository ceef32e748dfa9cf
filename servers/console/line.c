/* Editing a line, with a history. What is shown is changed by printing and going back alone, so that every terminal can do it. */
#include "internal.h"

#define HISTORY 16u
#define PIECE 64u

static char history[HISTORY][LINE_BYTES];
static uint32_t history_count; /* lines ever kept; the last HISTORY are there */

void line_begin(struct line *line, void (*echo)(const char *text, uint32_t bytes))
{
    line->length = line->cursor = line->recalled = 0;
    line->echo = echo;
}

/* ---- what is shown ---- */

static void repeat(const struct line *line, char letter, uint32_t times)
{
    char piece[PIECE];
    memset(piece, letter, sizeof(piece));
    for (; times > 0; times -= times < PIECE ? times : PIECE)
        line->echo(piece, times < PIECE ? times : PIECE);
}

static void go_to(struct line *line, uint32_t place)
{
    if (place < line->cursor)
        repeat(line, '\b', line->cursor - place);
    else
        line->echo(line->text + line->cursor, place - line->cursor);
    line->cursor = place;
}

/* Shows the text from the cursor on again, and blanks where `gone` more were. */
static void show_rest(struct line *line, uint32_t gone)
{
    line->echo(line->text + line->cursor, line->length - line->cursor);
    repeat(line, ' ', gone);
    repeat(line, '\b', gone + line->length - line->cursor);
}

/* ---- changes ---- */

static void insert(struct line *line, char letter)
{
    if (line->length + 1 >= LINE_BYTES)
        return;
    memmove(line->text + line->cursor + 1, line->text + line->cursor, line->length - line->cursor);
    line->text[line->cursor] = letter;
    line->length++;
    line->echo(&letter, 1);
    line->cursor++;
    show_rest(line, 0);
}

/* Takes away from `first` to the cursor, which goes there, or from the cursor to `first` behind it. */
static void remove_to(struct line *line, uint32_t first)
{
    uint32_t end = first > line->cursor ? first : line->cursor;
    if (first < line->cursor)
        go_to(line, first);
    memmove(line->text + line->cursor, line->text + end, line->length - end);
    line->length -= end - line->cursor;
    show_rest(line, end - line->cursor);
}

static uint32_t word_start(const struct line *line)
{
    uint32_t at = line->cursor;
    while (at > 0 && line->text[at - 1] == ' ')
        at--;
    while (at > 0 && line->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- history ---- */

static void keep(struct line *line)
{
    if (line->length == 0)
        return;
    memcpy(history[history_count++ % HISTORY], line->text, line->length + 1);
}

static void recall(struct line *line, uint32_t lines_back)
{
    const char *text = lines_back ? history[(history_count - lines_back) % HISTORY] : "";
    if (lines_back > history_count || lines_back > HISTORY)
        return;
    go_to(line, 0);
    remove_to(line, line->length);
    for (; *text; text++)
        insert(line, *text);
    line->recalled = lines_back;
}

/* ---- keys ---- */

static enum line_event finish(struct line *line, enum line_event event, const char *shown)
{
    go_to(line, line->length);
    line->echo(shown, strlen(shown));
    line->text[line->length] = '\0';
    if (event == LINE_DONE)
        keep(line);
    return event;
}

static void edit(struct line *line, uint32_t key)
{
    switch (key) {
    case CONSOLE_KEY_LEFT: go_to(line, line->cursor - (line->cursor > 0)); break;
    case CONSOLE_KEY_RIGHT: go_to(line, line->cursor + (line->cursor < line->length)); break;
    case CONTROL('a'): case CONSOLE_KEY_HOME: go_to(line, 0); break;
    case CONTROL('e'): case CONSOLE_KEY_END: go_to(line, line->length); break;
    case BACKSPACE: case DELETE_BYTE: remove_to(line, line->cursor - (line->cursor > 0)); break;
    case CONSOLE_KEY_DELETE: remove_to(line, line->cursor + (line->cursor < line->length)); break;
    case CONTROL('u'): remove_to(line, 0); break;
    case CONTROL('k'): remove_to(line, line->length); break;
    case CONTROL('w'): remove_to(line, word_start(line)); break;
    case CONSOLE_KEY_UP: recall(line, line->recalled + 1); break;
    case CONSOLE_KEY_DOWN: recall(line, line->recalled - (line->recalled > 0)); break;
    default:
        if (key >= ' ' && key < 0x100)
            insert(line, (char)key);
    }
}

enum line_event line_key(struct line *line, uint32_t key)
{
    switch (key) {
    case '\n': return finish(line, LINE_DONE, "\n");
    case CONTROL('c'): return finish(line, LINE_CANCELLED, "^C\n");
    case CONTROL('d'):
        if (line->length == 0)
            return finish(line, LINE_END_OF_INPUT, "\n");
        edit(line, CONSOLE_KEY_DELETE);
        return LINE_GOES_ON;
    default:
        edit(line, key);
        return LINE_GOES_ON;
    }
}
