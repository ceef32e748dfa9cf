/* What init's endpoint offers. Programs use most of it through server.h. */
#ifndef INIT_H
#define INIT_H

#include <server.h>

/* A name travels as its hash, because a call carries one DWORD. init refuses a list in which two names have the same
 * hash, and answers a look-up with a second, independent hash of the name that it found, so that a name that is not in
 * the list is never taken for one that is. */
#define INIT_METHODS(METHOD) \
    /* hash: name_hash(name, NAME_HASH_ASK); answer: name_hash(name, NAME_HASH_ANSWER). E_BUSY: not announced yet, ask again;
       E_PEER_DIED: it has ended or could not be started; E_NO_RIGHT: the list does not say that the caller calls or uses it;
       E_NOT_FOUND */ \
    METHOD(INIT_FIND, init_find, WORD(uint32_t, hash), WORD_AND_HANDLE(uint32_t, answer, endpoint)) \
    /* An endpoint with these properties (ENDPOINT_* flags | cap << INIT_CAP_SHIFT), from now on the caller's in place of its
       first. E_BAD_STATE: announced already */ \
    METHOD(INIT_ENDPOINT, init_ask_endpoint, WORD(uint32_t, properties), HANDLE(endpoint)) \
    /* The caller serves now. */ \
    METHOD(INIT_ANNOUNCE, init_announce, NOTHING, NOTHING) \
    /* E_NO_RIGHT unless the system list says control = true. */ \
    METHOD(INIT_MACHINE_EXIT, init_machine_exit, WORD(uint32_t, code), NOTHING) \
    /* The number of a new child, and the handle of init's endpoint that the child gets; also the supervisor for its
       process_create. E_BUSY: no number is free, the caller has four that no process has been adopted for, or its service and
       their children have 64 */ \
    METHOD(INIT_CHILD, init_child, NOTHING, WORD_AND_HANDLE(uint32_t, number, init)) \
    /* Through that handle; the child's process (RIGHT_READ | RIGHT_CONTROL), which init watches and forgets when it ends. The
       child may look up what its parent may. HANDLE_NONE: the child will not be, its number is given back. E_BAD_STATE: known
       already */ \
    METHOD(INIT_ADOPT, init_adopt, HANDLE(process), NOTHING) \
    /* A read-only handle of the memory that holds struct process_table. */ \
    METHOD(INIT_TABLE, init_ask_table, NOTHING, HANDLE(memory)) \
    /* Brings the table's figures up to now. */ \
    METHOD(INIT_REFRESH, init_refresh, NOTHING, NOTHING) \
    /* E_NO_RIGHT unless the system list says control = true (children inherit it); E_NOT_FOUND */ \
    METHOD(INIT_KILL, init_kill, WORD(uint32_t, number), NOTHING) \
    /* Size in bytes and a read-only memory handle of the n-th boot module, whose name stands in the table. E_NO_RIGHT unless the
       list says modules = true; E_NOT_FOUND */ \
    METHOD(INIT_MODULE, init_module, WORD(uint32_t, n), WORD_AND_HANDLE(uint32_t, size, memory)) \
    /* A device goes on writing into memory when its driver has died, and what it is told by memory that was given away in the
       meantime could be anything. So init keeps what devices reach, until they are quiet. E_NO_RIGHT unless the list gives the
       caller devices (pci = [...]).
       Memory that the caller's devices will reach stays in being when the caller dies. E_NO_MEMORY: there is too much */ \
    METHOD(INIT_DMA_KEEP, init_dma_keep, HANDLE(memory), WORD(uint32_t, number)) \
    /* No device reaches that memory any more. E_NOT_FOUND */ \
    METHOD(INIT_DMA_DROP, init_dma_drop, WORD(uint32_t, number), NOTHING) \
    /* The caller has reset its devices: what its earlier lives left behind may go. */ \
    METHOD(INIT_DMA_QUIET, init_dma_quiet, NOTHING, NOTHING) \
    /* A handle for trace_create. E_NO_RIGHT unless the system list says trace = true (children inherit it) */ \
    METHOD(INIT_TRACE, init_trace, NOTHING, HANDLE(authority)) \
    /* Who waits for whom, as text: its size, and a read-only handle of memory with it, which the next who asks changes. */ \
    METHOD(INIT_WAITS, init_waits, NOTHING, WORD_AND_HANDLE(uint32_t, bytes, memory))
METHODS_DECLARE(INIT_METHODS)

#define INIT_CAP_SHIFT 8
#define INIT_CAP_MAX 0xFFu

#define PROCESSES_MAX 160u  /* services and children */

enum process_state { PROCESS_FREE, PROCESS_STARTING, PROCESS_RUNNING, PROCESS_WAITING /* for its restart */, PROCESS_ENDED };

struct process_entry {
    uint32_t number;        /* 0: free */
    uint32_t parent;        /* number; 0: init */
    char name[20];
    uint32_t state, restarts;
    uint32_t threads, quota_kib, used_kib;
    uint32_t cpu_microseconds; /* modulo 2^32: what services did for it included, what it did for clients not */
    /* of its own endpoint; 0 for programs that serve nobody */
    uint32_t workers, idle, busy_high, queue, queue_high, waits, refusals;
    uint32_t calls;         /* requests handled, for services that count them */
};

struct process_table {
    uint32_t module_count;
    struct { char name[BOOT_NAME]; uint32_t size; } modules[BOOT_MODULES];
    struct process_entry entries[PROCESSES_MAX];
};

/* Maps init's table, read-only. INIT_REFRESH brings its figures up to now. */
status_t init_table(const struct process_table **table);

#define NAME_HASH_ASK 0x811C9DC5u
#define NAME_HASH_ANSWER 0x9747B28Cu

/* FNV-1a, begun at `seed`. */
static inline uint32_t name_hash(const char *name, uint32_t seed)
{
    uint32_t hash = seed;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

#endif
