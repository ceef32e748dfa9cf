/* From the first instruction to main(), and what the startup page says. */
#include "internal.h"

int main(void);
_Noreturn void startup_main(void);

struct lock library_lock, print_lock;
static const struct startup *startup;

__attribute__((weak)) const struct startup *startup_page(void)
{
    return (const struct startup *)STARTUP_ADDRESS;
}

/* libserver/libc has another one, which reads arguments and opens files first. */
__attribute__((weak)) void program_main(void)
{
    process_exit((uint32_t)main());
}

void startup_main(void)
{
    startup = startup_page();
    if (startup->magic != STARTUP_MAGIC || lock_init(&library_lock) != OK ||
        lock_init(&print_lock) != OK)
        process_exit((uint32_t)E_BAD_STATE);
    gates_init();
    memory_init();
    program_main();
}

void process_exit(uint32_t code)
{
    process_destroy(HANDLE_NONE, code);
    thread_exit();
}

/* The value, if this "key=value" is of the key. */
static const char *value_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    return strncmp(text, key, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

const char *argument(const char *key)
{
    for (const char *text = startup->arguments; *text; text += strlen(text) + 1) {
        const char *value = value_of(text, key);
        if (value)
            return value;
    }
    return NULL;
}

static uint32_t digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0');
    return digit >= 'a' && digit <= 'f' ? (uint32_t)(digit - 'a') + 10 : UINT32_MAX;
}

uint32_t argument_number(const char *key, uint32_t otherwise)
{
    const char *text = argument(key);
    if (!text)
        return otherwise;
    uint32_t number = 0, base = 10;
    if (strncmp(text, "0x", 2) == 0) {
        base = 16;
        text += 2;
    }
    for (; digit_value(*text) < base; text++)
        number = number * base + digit_value(*text);
    return number;
}

handle_t startup_handle_at(const char *key, uint32_t n)
{
    for (uint32_t i = 0; i < STARTUP_RESOURCES && startup->resources[i].key[0]; i++)
        if (strcmp(startup->resources[i].key, key) == 0 && n-- == 0)
            return startup->resources[i].handle;
    return HANDLE_NONE;
}

handle_t startup_handle(const char *key)
{
    return startup_handle_at(key, 0);
}

const char *program_name(void) { return startup->name; }
handle_t self_process(void) { return startup->process; }
handle_t init_endpoint(void) { return startup->init; }
handle_t startup_endpoint(void) { return startup->endpoint; }
uint32_t startup_priority(void) { return startup->priority; }
