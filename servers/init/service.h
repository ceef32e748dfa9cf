/* What init knows about the system list and about each process, and what its files ask of each other. */
#ifndef SERVICE_H
#define SERVICE_H

#include <server.h>
#include <startup.h>

#include <init.h>

#define SERVICES_MAX 64u

struct word {
    const char *text;
    uint32_t length;
};

struct service {                        /* a line of the system list */
    uint32_t line;                      /* its number, for messages */
    const char *words, *words_end;      /* its keys in the text of the list */
    const struct boot_module *program;
    uint32_t quota_kib, priority;
    uint32_t highest;                   /* priority that it may give: highest=, at least its own */
    bool faults_end_thread;             /* faults=thread: the process outlives a thread that faults */
    bool essential;                     /* essential=yes: the machine ends with it */
    bool control;                       /* control=yes: it and its children may end any process, and the machine */
    bool modules;                       /* modules=yes: it may read the boot modules */
    bool traces;                        /* trace=yes: it and its children may trace the machine */
    bool pci;                           /* pci=yes: it has devices, which reach memory */
    bool restarts;                      /* restart=always, restart=at-once */
    bool at_once;                       /* restart=at-once: without delay, as often as it takes */
    struct word uses;                   /* names that it may look up: a,b,c; with * among them all */
    uint32_t endpoint_properties;       /* as in the word of INIT_ENDPOINT */
    uint32_t due;                       /* PROCESS_WAITING: uptime in milliseconds when it may start */
    uint32_t lately, lately_since;      /* restarts within a minute, and the uptime of the first of them */
};

/* Behind the entry of the same index in the table, where number, name and state stand. Services come first, in the order of
 * the list; children of programs behind them. */
struct process {
    handle_t handle;                    /* HANDLE_NONE: none now; to the kernel that would be ourselves */
    handle_t endpoint;                  /* its own, which outlives it; HANDLE_NONE: it serves nobody */
    const struct service *service;      /* its line, or that of the service it descends from */
};

extern struct service services[SERVICES_MAX];
extern uint32_t service_count;
extern struct process processes[PROCESSES_MAX];
extern struct process_table *table;
/* Guards all of these: workers run at their callers' priorities, and may lose the CPU anywhere. */
extern struct lock state_lock;
extern handle_t self_endpoint; /* ours */
extern handle_t events;        /* signalled when a process ends, or is announced */

static inline struct process_entry *entry_of(const struct process *process) { return &table->entries[process - processes]; }
static inline bool is_service(const struct process *process) { return process < &processes[service_count]; }
/* The process with this number, which is also its badge; of a service, the place in the list counted from 1. NULL: none. */
struct process *process_of_number(uint32_t number);

static inline const struct boot_info *boot_info(void) { return (const struct boot_info *)BOOT_INFO_ADDRESS; }
/* NULL: no boot module of this name. */
const struct boot_module *module_find(const char *name, uint32_t length);
static inline uint32_t module_pages(const struct boot_module *module) { return (module->size + PAGE_SIZE - 1) / PAGE_SIZE; }

/* ---- list.c ---- */
/* Next word of a line, false at its end or at a comment. */
bool next_word(const char **cursor, const char *end, struct word *word);
/* Cuts key=value in two; false when it is no such thing. */
bool split_word(const struct word *word, struct word *key, struct word *value);
bool word_equals(const struct word *word, const char *text);
/* A decimal or 0x number of at most 32 bits; false for anything else. */
bool parse_number(const struct word *word, uint32_t *number);
/* "first-last", with first <= last. */
bool parse_range(const struct word *word, uint32_t *first, uint32_t *last);
/* Whether the service, or a child of it, may look up this name. */
bool may_look_up(const struct service *service, const char *name);
/* Fills `services`; prints one line for each mistake and returns how many there are. */
uint32_t list_read(const char *text, uint32_t size);

/* ---- supervise.c ---- */
/* Numbers the services of the list; none has started. */
void services_prepare(void);
/* Starts what may start, in order. Microseconds until there will be more to do, TIMEOUT_NEVER: until an event. */
uint32_t services_start(void);
/* Notes which processes have ended, and what follows from that; or that this one has. */
void processes_collect(void);
void process_collect(struct process *process);

/* ---- start.c ---- */
/* Brings the service to life. NULL, or why it cannot be. */
const char *service_start(struct process *process);

/* ---- children.c: each answers a method of init.h ---- */
reply_t serve_init_child(const request_t *rq);
reply_t serve_init_adopt(const request_t *rq);
reply_t serve_init_kill(const request_t *rq);
/* What init forgets when a process ends: its children that never came to life, and itself unless it is a service. */
void children_forget(struct process *parent);
void child_forget(struct process *child);

/* ---- table.c ---- */
/* E_NO_MEMORY. */
status_t table_create(void);
reply_t serve_init_ask_table(const request_t *rq);
reply_t serve_init_refresh(const request_t *rq);
reply_t serve_init_module(const request_t *rq);
/* Replies with a handle through which the memory can be read, and nothing else. */
reply_t give_readable(uint32_t word, handle_t memory);
/* ENDPOINT_*, of the endpoint that the process has. */
uint32_t endpoint_fact(const struct process *process, uint32_t which);

/* ---- waits.c ---- */
reply_t serve_init_waits(const request_t *rq);

/* ---- dma.c: each answers a method of init.h ---- */
reply_t serve_init_dma_keep(const request_t *rq);
reply_t serve_init_dma_drop(const request_t *rq);
reply_t serve_init_dma_quiet(const request_t *rq);

/* ---- report.c: what init tells of faults and ends ---- */
/* E_NO_MEMORY. */
status_t report_prepare(void);
/* From here on, what is told is gathered, with the state locked; report_print() shows it as one block, which no other output gets
 * into. */
#define REPORT_NEXT "  then:        "
void report_begin(void);
void report_add(const char *format, ...) __attribute__((format(printf, 1, 2))); /* nothing happens outside a report */
void report_print(void);
/* One line: part of the report that is being made, or by itself. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- symbols.c ---- */
/* Finds the table among the boot modules. Without a good one nothing has a name. */
void symbols_prepare(void);
/* The function that an address lies in, NULL: unknown. */
const char *symbol_find(uint32_t address, uint32_t *offset);

/* ---- methods.c, fault.c, machine.c ---- */
/* Locks the state, unless nobody waits for the request any more: false. */
bool begin_request(void);
/* Whether the caller, or the service that it descends from, has control=yes. */
bool may_control(const request_t *rq);
/* Tells of the end of a process, and what its exit code means. */
void tell_end(const struct process *process, uint32_t code);
extern const method_t init_methods[];
void machine_prepare(void);
_Noreturn void machine_end(uint32_t code);

#endif
