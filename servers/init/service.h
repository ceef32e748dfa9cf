/* What init knows about each line of the system list, and what its files ask of each other. */
#ifndef SERVICE_H
#define SERVICE_H

#include <server.h>
#include <startup.h>

#define SERVICES_MAX 64u

enum service_state { SERVICE_STARTING, SERVICE_ANNOUNCED, SERVICE_ENDED };

struct service {
    char name[STARTUP_NAME];
    uint32_t line;                      /* of the list, for messages */
    const char *words, *words_end;      /* its keys in the text of the list */
    const struct boot_module *program;
    uint32_t quota_kib, priority;
    uint32_t highest;                   /* priority that it may give: highest=, at least its own */
    bool faults_end_thread;             /* faults=thread: the process outlives a thread that faults */
    bool essential;                     /* essential=yes: the machine ends with it */
    enum service_state state;
    handle_t process, endpoint;
    uint32_t text_start, text_end;      /* executable range, for fault reports */
};

extern struct service services[SERVICES_MAX];
extern uint32_t service_count;

/* A client's badge is its place in the list, counted from 1. */
static inline uint32_t service_badge(const struct service *service) { return (uint32_t)(service - services) + 1; }
/* NULL: no service has this badge. */
struct service *service_of_badge(uint32_t badge);

static inline const struct boot_info *boot_info(void) { return (const struct boot_info *)BOOT_INFO_ADDRESS; }
/* NULL: no boot module of this name. */
const struct boot_module *module_find(const char *name, uint32_t length);

/* ---- list.c ---- */
struct word {
    const char *text;
    uint32_t length;
};
/* Next word of a line, false at its end or at a comment. */
bool next_word(const char **cursor, const char *end, struct word *word);
/* Cuts key=value in two; false when it is no such thing. */
bool split_word(const struct word *word, struct word *key, struct word *value);
bool word_equals(const struct word *word, const char *text);
/* A decimal or 0x number of at most 32 bits; false for anything else. */
bool parse_number(const struct word *word, uint32_t *number);
/* "first-last", with first <= last. */
bool parse_range(const struct word *word, uint32_t *first, uint32_t *last);
/* Fills `services`; prints one line for each mistake and returns how many there are. */
uint32_t list_read(const char *text, uint32_t size);

/* ---- program.c ---- */
/* Maps the program of the service into its process; NULL and *entry, or what is wrong with the file. */
const char *program_load(struct service *service, uint32_t *entry);

/* ---- start.c ---- */
void service_start(struct service *service, handle_t init, handle_t deaths);
void service_end(struct service *service);

/* ---- methods.c, fault.c, machine.c ---- */
extern const method_t init_methods[];
void machine_prepare(void);
_Noreturn void machine_end(uint32_t code);

#endif
