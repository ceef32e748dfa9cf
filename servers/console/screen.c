/* The VGA text screen, 80 x 25, with the ANSI sequences that programs need and lines to scroll back to. */
#include "internal.h"

#define MEMORY_PAGES 8u         /* 0xB8000 to 0xBFFFF */
#define CELL_BLANK 0x0720u      /* light grey on black */
#define KEPT_LINES 500u
#define PARAMETERS 4u
#define CRTC_INDEX 0x3D4
#define CRTC_DATA 0x3D5
#define CURSOR_HIGH 14u
#define CURSOR_LOW 15u
#define TAB 8u

enum { TEXT, AFTER_ESCAPE, IN_SEQUENCE };

static uint16_t cells[KEPT_LINES][COLUMNS]; /* a ring; the screen's first line is `top` */
static volatile uint16_t *memory;
static uint32_t top, kept;      /* kept: lines above the screen that can be scrolled to */
static uint32_t row, column;
static uint32_t back;           /* lines scrolled back */
static uint16_t colours = CELL_BLANK & 0xFF00;
static uint32_t state, parameter_count;
static uint32_t parameters[PARAMETERS];

/* ---- the lines ---- */

static uint16_t *line_at(uint32_t which)
{
    return cells[(top + which) % KEPT_LINES];
}

static void blank(uint16_t *line, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        line[i] = (uint16_t)(colours | ' ');
}

static void new_line(void)
{
    if (row + 1 < ROWS) {
        row++;
        return;
    }
    top = (top + 1) % KEPT_LINES;
    kept = kept + ROWS < KEPT_LINES ? kept + 1 : kept;
    blank(line_at(ROWS - 1), 0, COLUMNS);
}

static void put(char letter)
{
    if (column == COLUMNS) {
        column = 0;
        new_line();
    }
    line_at(row)[column++] = (uint16_t)(colours | (uint8_t)letter);
}

static void back_one(void)
{
    if (column > 0) {
        column--;
    } else if (row > 0) {
        row--;
        column = COLUMNS - 1;
    }
}

/* ---- ANSI sequences ---- */

static uint32_t parameter(uint32_t which, uint32_t otherwise)
{
    return which < parameter_count && parameters[which] ? parameters[which] : otherwise;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void set_colour(uint32_t code)
{
    static const uint8_t vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 }; /* ANSI counts red first, VGA blue */
    if (code == 0)
        colours = CELL_BLANK & 0xFF00;
    else if (code == 1)
        colours |= 0x0800;
    else if (code == 7)
        colours = (uint16_t)((colours & 0x0700) << 4 | (colours & 0x7000) >> 4);
    else if (code >= 30 && code <= 37)
        colours = (uint16_t)((colours & 0xF800) | vga[code - 30] << 8);
    else if (code >= 40 && code <= 47)
        colours = (uint16_t)((colours & 0x0F00) | vga[code - 40] << 12);
}

static void clear_lines(uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        blank(line_at(i), 0, COLUMNS);
}

static void clear_screen(uint32_t how)
{
    if (how == 2) {
        clear_lines(0, ROWS);
    } else if (how == 0) {
        blank(line_at(row), smaller(column, COLUMNS), COLUMNS);
        clear_lines(row + 1, ROWS);
    }
}

static void clear_line(uint32_t how)
{
    uint32_t at = smaller(column, COLUMNS);
    blank(line_at(row), how == 0 ? at : 0, how == 1 ? smaller(at + 1, COLUMNS) : COLUMNS);
}

static void finish_sequence(char letter)
{
    switch (letter) {
    case 'A': row -= smaller(row, parameter(0, 1)); break;
    case 'B': row = smaller(row + parameter(0, 1), ROWS - 1); break;
    case 'C': column = smaller(column + parameter(0, 1), COLUMNS - 1); break;
    case 'D': column -= smaller(column, parameter(0, 1)); break;
    case 'H':
        row = smaller(parameter(0, 1) - 1, ROWS - 1);
        column = smaller(parameter(1, 1) - 1, COLUMNS - 1);
        break;
    case 'J': clear_screen(parameter(0, 0)); break;
    case 'K': clear_line(parameter(0, 0)); break;
    case 'm':
        for (uint32_t i = 0; i < parameter_count; i++)
            set_colour(parameters[i]);
        break;
    default: break;
    }
}

static void sequence(char letter)
{
    if (letter >= '0' && letter <= '9') {
        parameters[parameter_count - 1] = parameters[parameter_count - 1] * 10 + (uint32_t)(letter - '0');
    } else if (letter == ';') {
        parameter_count = smaller(parameter_count + 1, PARAMETERS);
        parameters[parameter_count - 1] = 0;
    } else if (letter != '?') {
        finish_sequence(letter);
        state = TEXT;
    }
}

static void text(char letter)
{
    switch (letter) {
    case '\n': column = 0; new_line(); break;
    case '\r': column = 0; break;
    case '\b': back_one(); break;
    case '\t':
        do
            put(' ');
        while (column % TAB);
        break;
    case ESCAPE: state = AFTER_ESCAPE; break;
    default:
        if ((uint8_t)letter >= ' ')
            put(letter);
    }
}

/* ---- the screen ---- */

static void show_cursor(void)
{
    uint32_t at = row * COLUMNS + smaller(column, COLUMNS - 1);
    port_write(CRTC_INDEX, CURSOR_HIGH);
    port_write(CRTC_DATA, (uint8_t)(at >> 8));
    port_write(CRTC_INDEX, CURSOR_LOW);
    port_write(CRTC_DATA, (uint8_t)at);
}

static void show(void)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint16_t *line = line_at(i + KEPT_LINES - back);
        for (uint32_t j = 0; j < COLUMNS; j++)
            memory[i * COLUMNS + j] = line[j];
    }
    show_cursor();
}

void screen_write(const char *from, uint32_t bytes)
{
    if (!memory)
        return;
    for (uint32_t i = 0; i < bytes; i++) {
        if (state == TEXT) {
            text(from[i]);
        } else if (state == IN_SEQUENCE) {
            sequence(from[i]);
        } else {
            state = from[i] == '[' ? IN_SEQUENCE : TEXT;
            parameter_count = 1;
            parameters[0] = 0;
        }
    }
    back = 0;
    show();
}

void screen_scroll(int lines)
{
    if (!memory)
        return;
    if (lines > 0)
        back = smaller(back + (uint32_t)lines, kept);
    else
        back -= smaller(back, (uint32_t)-lines);
    show();
}

bool screen_start(void)
{
    void *address;
    handle_t device = startup_handle("device-memory");
    clear_lines(0, KEPT_LINES);
    if (device == HANDLE_NONE || pages_map(device, MEMORY_PAGES, PROTECT_READ | PROTECT_WRITE, &address) != OK)
        return false;
    memory = address;
    show();
    return true;
}
