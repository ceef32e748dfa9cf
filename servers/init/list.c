/* Reads the system list. Every mistake is reported with its line, and all of them before giving up. */
#include "service.h"

#define QUOTA_KIB 1024u
#define QUOTA_KIB_MIN 32u
#define QUOTA_KIB_MAX (2u * 1024u * 1024u)
#define PRIORITY 16u
#define WORKERS_MAX 64u
#define IRQ_MAX 255u

static uint32_t mistakes;

/* `wrong` is about the word. */
static void mistake(uint32_t line, const struct word *word, const char *wrong)
{
    char text[64];
    uint32_t length = word->length < sizeof(text) ? word->length : sizeof(text) - 1;
    memcpy(text, word->text, length);
    text[length] = '\0';
    print("system.list:%u: \"%s\" %s\n", line, text, wrong);
    mistakes++;
}

static char *name_of(const struct service *service)
{
    return table->entries[service - services].name;
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

/* ---- the keys that init knows; each returns NULL or what is wrong ---- */

static const char *number_between(const struct word *value, uint32_t low, uint32_t high, uint32_t *number,
                                  const char *wrong)
{
    return parse_number(value, number) && *number >= low && *number <= high ? NULL : wrong;
}

static const char *key_quota(struct service *service, const struct word *value)
{
    return number_between(value, QUOTA_KIB_MIN, QUOTA_KIB_MAX, &service->quota_kib, "wants KiB, from 32 to 2097152");
}

static const char *key_priority(struct service *service, const struct word *value)
{
    return number_between(value, 1, PRIORITIES - 1, &service->priority, "wants a priority from 1 to 31");
}

static const char *key_highest(struct service *service, const struct word *value)
{
    return number_between(value, 1, PRIORITIES - 1, &service->highest, "wants a priority from 1 to 31");
}

static const char *key_workers(struct service *service, const struct word *value)
{
    uint32_t workers;
    (void)service;
    return number_between(value, 1, WORKERS_MAX, &workers, "wants a number of workers from 1 to 64");
}

static const char *key_irq(struct service *service, const struct word *value)
{
    uint32_t line;
    (void)service;
    if (word_equals(value, "all"))
        return NULL;
    return number_between(value, 0, IRQ_MAX, &line, "wants all, or the number of an interrupt line");
}

static const char *key_ports(struct service *service, const struct word *value)
{
    uint32_t first, last;
    (void)service;
    return parse_range(value, &first, &last) && last <= 0xFFFF ? NULL : "wants first-last, from 0 to 0xffff";
}

static const char *key_device_memory(struct service *service, const struct word *value)
{
    uint32_t first, last;
    (void)service;
    if (word_equals(value, "all"))
        return NULL;
    return parse_range(value, &first, &last) && first % PAGE_SIZE == 0 && last % PAGE_SIZE == PAGE_SIZE - 1 ?
               NULL : "wants all, or first-last in whole pages";
}

static const char *key_faults(struct service *service, const struct word *value)
{
    service->faults_end_thread = word_equals(value, "thread");
    return service->faults_end_thread || word_equals(value, "process") ? NULL : "wants thread or process";
}

static const char *key_essential(struct service *service, const struct word *value)
{
    service->essential = word_equals(value, "yes");
    return service->essential || word_equals(value, "no") ? NULL : "wants yes or no";
}

static const char *key_control(struct service *service, const struct word *value)
{
    service->control = word_equals(value, "yes");
    return service->control || word_equals(value, "no") ? NULL : "wants yes or no";
}

static const char *key_modules(struct service *service, const struct word *value)
{
    service->modules = word_equals(value, "yes");
    return service->modules || word_equals(value, "no") ? NULL : "wants yes or no";
}

static const struct {
    const char *name;
    const char *(*check)(struct service *service, const struct word *value);
} keys[] = {
    { "quota", key_quota },     { "priority", key_priority },           { "workers", key_workers },
    { "irq", key_irq },         { "ports", key_ports },                 { "device-memory", key_device_memory },
    { "faults", key_faults },   { "essential", key_essential },         { "highest", key_highest },
    { "control", key_control }, { "modules", key_modules },
};

/* A key that init does not know is the program's own. */
static const char *check_key(struct service *service, const struct word *key, const struct word *value)
{
    for (uint32_t i = 0; i < COUNT(keys); i++)
        if (word_equals(key, keys[i].name))
            return keys[i].check(service, value);
    return NULL;
}

/* ---- lines ---- */

static bool given_before(const struct service *service, const char *until, const struct word *key)
{
    const char *cursor = service->words;
    struct word word, earlier, value;
    while (next_word(&cursor, until, &word))
        if (split_word(&word, &earlier, &value) && earlier.length == key->length &&
            memcmp(earlier.text, key->text, key->length) == 0)
            return true;
    return false;
}

/* Ports alone may be given more than once. */
static void read_keys(struct service *service)
{
    const char *cursor = service->words;
    struct word word, key, value;
    while (next_word(&cursor, service->words_end, &word)) {
        if (!split_word(&word, &key, &value) || key.length >= STARTUP_KEY) {
            mistake(service->line, &word, "is not key=value, with a key of at most 15 bytes");
            continue;
        }
        if (!word_equals(&key, "ports") && given_before(service, word.text, &key))
            mistake(service->line, &word, "gives its key a second time");
        const char *wrong = check_key(service, &key, &value);
        if (wrong)
            mistake(service->line, &word, wrong);
    }
    if (service->words_end - service->words > STARTUP_ARGUMENTS - 2)
        mistake(service->line, &(struct word){ name_of(service), strlen(name_of(service)) }, "has too many arguments");
}

/* Two names with one hash could not be told apart by a look-up; equal names are the usual case of it. */
static void check_name_is_new(const struct service *service, const struct word *name)
{
    for (const struct service *other = services; other < service; other++) {
        if (strcmp(name_of(other), name_of(service)) == 0)
            mistake(service->line, name, "is a duplicate name");
        else if (name_hash(name_of(other), NAME_HASH_ASK) == name_hash(name_of(service), NAME_HASH_ASK))
            mistake(service->line, name, "has the hash of an earlier name: rename one");
    }
}

static void read_name(struct service *service, const struct word *name)
{
    uint32_t length = name->length < STARTUP_NAME ? name->length : STARTUP_NAME - 1;
    memcpy(name_of(service), name->text, length);
    if (name->length >= STARTUP_NAME)
        mistake(service->line, name, "is a name of more than 16 bytes");
    check_name_is_new(service, name);
}

static void read_program(struct service *service, const char **cursor, const struct word *name)
{
    struct word program;
    if (!next_word(cursor, service->words_end, &program)) {
        mistake(service->line, name, "has no program: wanted name program key=value ...");
        return;
    }
    service->program = module_find(program.text, program.length);
    if (!service->program)
        mistake(service->line, &program, "is an unknown program: no boot module has this name");
}

static void read_line(const char *text, const char *end, uint32_t line)
{
    struct word name;
    const char *cursor = text;
    if (!next_word(&cursor, end, &name))
        return;
    if (service_count == SERVICES_MAX) {
        mistake(line, &name, "is one service too many (64)");
        return;
    }
    struct service *service = &services[service_count];
    *service = (struct service){ .line = line, .words_end = end, .quota_kib = QUOTA_KIB, .priority = PRIORITY };
    read_name(service, &name);
    read_program(service, &cursor, &name);
    service->words = cursor;
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
