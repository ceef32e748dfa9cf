/* Reads the system list, as tools/system_list writes it. That tool has checked it: here it only must do no harm, whatever the
 * text is. */
#include "service.h"

#define QUOTA_KIB 1024u
#define QUOTA_KIB_MIN 32u
#define QUOTA_KIB_MAX (2u * 1024u * 1024u)
#define PRIORITY 16u

static uint32_t mistakes;

static void mistake(uint32_t line, const struct word *word)
{
    char text[64];
    uint32_t length = word->length < sizeof(text) ? word->length : sizeof(text) - 1;
    memcpy(text, word->text, length);
    text[length] = '\0';
    print("system.list:%u: \"%s\" is not understood\n", line, text);
    mistakes++;
}

/* ---- words ---- */

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

bool next_word(const char **cursor, const char *end, struct word *word)
{
    while (*cursor < end && is_blank(**cursor))
        (*cursor)++;
    word->text = *cursor;
    if (*cursor < end && **cursor == '#')
        *cursor = end;
    while (*cursor < end && !is_blank(**cursor))
        (*cursor)++;
    word->length = (uint32_t)(*cursor - word->text);
    return word->length > 0 && *word->text != '#';
}

bool split_word(const struct word *word, struct word *key, struct word *value)
{
    uint32_t length = 0;
    while (length < word->length && word->text[length] != '=')
        length++;
    *key = (struct word){ word->text, length };
    if (length == 0 || length + 1 >= word->length)
        return false;
    *value = (struct word){ word->text + length + 1, word->length - length - 1 };
    return true;
}

bool word_equals(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}

/* ---- numbers ---- */

static uint32_t digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0');
    if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
        return (uint32_t)((digit | 0x20) - 'a') + 10;
    return UINT32_MAX;
}

bool parse_number(const struct word *word, uint32_t *number)
{
    bool hexadecimal = word->length > 2 && word->text[0] == '0' && (word->text[1] | 0x20) == 'x';
    uint32_t base = hexadecimal ? 16 : 10;
    uint64_t value = 0;
    for (uint32_t i = hexadecimal ? 2 : 0; i < word->length; i++) {
        uint32_t digit = digit_value(word->text[i]);
        if (digit >= base)
            return false;
        value = value * base + digit;
        if (value > UINT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return word->length > 0;
}

bool parse_range(const struct word *word, uint32_t *first, uint32_t *last)
{
    uint32_t length = 0;
    while (length < word->length && word->text[length] != '-')
        length++;
    if (length == word->length)
        return false;
    const struct word low = { word->text, length }, high = { word->text + length + 1, word->length - length - 1 };
    return parse_number(&low, first) && parse_number(&high, last) && *first <= *last;
}

/* ---- keys ---- */

static bool read_number(const struct word *value, uint32_t low, uint32_t high, uint32_t *number)
{
    return parse_number(value, number) && *number >= low && *number <= high;
}

static bool read_flag(const struct word *value, const char *set, bool *flag)
{
    *flag = word_equals(value, set);
    return *flag;
}

static bool read_restart(const struct word *value, struct service *service)
{
    service->at_once = word_equals(value, "at-once");
    service->restarts = service->at_once || word_equals(value, "always");
    return service->restarts || word_equals(value, "never");
}

/* What init does not know is the program's own; what start.c hands over is looked at there. */
static bool read_key(struct service *service, const struct word *key, const struct word *value)
{
    if (word_equals(key, "quota"))
        return read_number(value, QUOTA_KIB_MIN, QUOTA_KIB_MAX, &service->quota_kib);
    if (word_equals(key, "priority"))
        return read_number(value, 1, PRIORITIES - 1, &service->priority);
    if (word_equals(key, "highest"))
        return read_number(value, 1, PRIORITIES - 1, &service->highest);
    if (word_equals(key, "faults"))
        return read_flag(value, "thread", &service->faults_end_thread) || word_equals(value, "process");
    if (word_equals(key, "essential"))
        return read_flag(value, "yes", &service->essential);
    if (word_equals(key, "control"))
        return read_flag(value, "yes", &service->control);
    if (word_equals(key, "modules"))
        return read_flag(value, "yes", &service->modules);
    if (word_equals(key, "trace"))
        return read_flag(value, "yes", &service->traces);
    if (word_equals(key, "pci"))
        return read_flag(value, "yes", &service->pci);
    if (word_equals(key, "restart"))
        return read_restart(value, service);
    if (word_equals(key, "uses"))
        service->uses = *value;
    return true;
}

bool may_look_up(const struct service *service, const char *name)
{
    const char *end = service->uses.text + service->uses.length;
    for (struct word used = { service->uses.text, 0 }; used.text < end; used.text += used.length + 1, used.length = 0) {
        while (used.text + used.length < end && used.text[used.length] != ',')
            used.length++;
        if (word_equals(&used, name) || word_equals(&used, "*"))
            return true;
    }
    return false;
}

/* ---- lines ---- */

static void read_keys(struct service *service)
{
    const char *cursor = service->words;
    struct word word, key, value;
    while (next_word(&cursor, service->words_end, &word))
        if (!split_word(&word, &key, &value) || !read_key(service, &key, &value))
            mistake(service->line, &word);
}

static void read_line(const char *text, const char *end, uint32_t line)
{
    struct word name, program;
    const char *cursor = text;
    if (!next_word(&cursor, end, &name))
        return;
    struct service *service = &services[service_count];
    if (service_count == SERVICES_MAX || name.length >= STARTUP_NAME || !next_word(&cursor, end, &program) ||
        !(service->program = module_find(program.text, program.length))) {
        mistake(line, &name);
        return;
    }
    memcpy(table->entries[service_count].name, name.text, name.length);
    *service = (struct service){ .line = line, .words = cursor, .words_end = end, .program = service->program,
                                 .quota_kib = QUOTA_KIB, .priority = PRIORITY };
    read_keys(service);
    service_count++;
}

uint32_t list_read(const char *text, uint32_t size)
{
    const char *end = text + size;
    for (uint32_t line = 1; text < end; line++) {
        const char *line_end = text;
        while (line_end < end && *line_end != '\n')
            line_end++;
        read_line(text, line_end, line);
        text = line_end + 1;
    }
    return mistakes;
}
