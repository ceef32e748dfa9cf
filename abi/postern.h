/* The application binary interface: all that the kernel and its users share, declarations only.
 *
 * Calls stand once in syscalls.def and errors once in errors.def; both are read by C (here) and by NASM (postern.inc).
 * Status and payload never share a register, so all 2^32 payloads are legal. */
#ifndef POSTERN_H
#define POSTERN_H

#include <stdint.h>

typedef int32_t status_t;   /* 0 or a negative E_* */
typedef uint32_t handle_t;  /* index and generation in the table of one process; bit 31 is never set */

enum {
#define ERROR(number, name, text) name = number,
#include "errors.def"
#undef ERROR
};

enum syscall_number {
#define SYSCALL(number, name, arguments, results, text) SYS_##name = number,
#include "syscalls.def"
#undef SYSCALL
    SYSCALL_COUNT
};

/* SYSENTER: EAX is a handle (>= 0) for a call, or one of these. The registers are in sysenter/README.md. */
#define OP_REPLY_WAIT (-1)
#define OP_NULL (-2)

#define HANDLE_NONE 0u /* names nothing */
/* SYS_call, bit 0 of the handle argument: a handle in the reply is welcome. Without it none arrives, so that a service
 * cannot fill its clients' tables. Attached handles move: the sender's is closed when the message is delivered. */
#define HANDLE_ACCEPT 1u
#define TIMEOUT_NEVER 0xFFFFFFFFu
#define PAGE_SIZE 4096u
#define PAGE_SHIFT 12
#define PRIORITIES 32

/* User space is [USER_BOTTOM, USER_TOP): no mapping may leave it. */
#define USER_BOTTOM 0x00001000u
#define USER_TOP 0xBFE00000u

enum object_type {
    TYPE_NONE,
    TYPE_PROCESS,
    TYPE_THREAD,
    TYPE_BUDGET,
    TYPE_ENDPOINT,
    TYPE_MEMORY,
    TYPE_NOTIFICATION,
    TYPE_IRQ,
    TYPE_IOPORT,
    TYPE_TRACE,
    TYPE_COUNT
};

/* Rights. A right means the same for each type that knows it. */
#define RIGHT_READ 0x01u      /* map readable, wait on, read registers and facts */
#define RIGHT_WRITE 0x02u     /* map writable, signal, write registers */
#define RIGHT_EXECUTE 0x04u   /* map executable */
#define RIGHT_CALL 0x08u      /* call the endpoint */
#define RIGHT_SERVE 0x10u     /* wait on the endpoint as a worker */
#define RIGHT_CONTROL 0x20u   /* create in, destroy, start, stop, bind, derive, revoke */
#define RIGHT_DMA 0x40u       /* learn physical addresses */
#define RIGHT_TRANSFER 0x80u  /* attach to a request or a reply, give to another process */
#define RIGHTS_ALL 0xFFu

/* Protection of a mapping: the low bits of the address argument. Read is always among them, since x86 cannot
 * withhold it; write and execute never go together. */
#define PROTECT_READ 1u
#define PROTECT_WRITE 2u
#define PROTECT_EXECUTE 4u

/* Flags of memory_create. What a client offers to a service must be irrevocable, or the client could pull the pages from
 * under the service. */
#define MEMORY_CONTIGUOUS 1u  /* physically contiguous, for DMA */
#define MEMORY_IRREVOCABLE 2u /* memory_revoke is E_BAD_STATE: who has mapped it keeps it */

enum memory_info_index {
    MEMORY_INFO_PAGES,
    MEMORY_INFO_FLAGS,      /* those of memory_create; 0 for memory of devices and boot modules */
    MEMORY_INFO_COUNT
};

/* Flags of endpoint_create. A call that attaches a handle is refused (E_NO_RIGHT) where none is taken, so that clients cannot
 * fill the table of a service that would not close it. */
#define ENDPOINT_NO_QUEUE 1u      /* E_BUSY instead of waiting for a worker */
#define ENDPOINT_TAKES_HANDLES 2u /* with any method; a supervisor's must, since each fault report brings one */
#define ENDPOINT_METHODS_WITH_HANDLES 16u
#define ENDPOINT_TAKES_HANDLE(method) (0x10000u << (method)) /* with this method, which is less than that */
#define ENDPOINT_TAKES_HANDLE_MASK 0xFFFF0000u

enum register_index { /* thread_read_register; marked * are read-only */
    REGISTER_EAX,
    REGISTER_EBX,
    REGISTER_ECX,
    REGISTER_EDX,
    REGISTER_ESI,
    REGISTER_EDI,
    REGISTER_EBP,
    REGISTER_ESP,
    REGISTER_EIP,
    REGISTER_EFLAGS,
    REGISTER_FAULT_VECTOR,  /* * */
    REGISTER_FAULT_ERROR,   /* * error code of the exception */
    REGISTER_FAULT_ADDRESS, /* * CR2 of a page fault */
    REGISTER_COUNT
};

enum system_info_index {
    INFO_SYSENTER,          /* 1: the SYSENTER gate may be used */
    INFO_TSC_KHZ,           /* time stamp counter, ticks per millisecond; 0: the CPU has none */
    INFO_CPU_FEATURES,      /* CPU_FEATURE_* in use */
    INFO_CPU_SIGNATURE,     /* EAX of CPUID 1: family, model, stepping */
    INFO_UPTIME_MS,         /* milliseconds since boot, modulo 2^32 */
    INFO_FRAMES_TOTAL,      /* physical frames managed */
    INFO_FRAMES_FREE,       /* physical frames free */
    INFO_THREADS_CREATED,   /* threads ever created: calls do not change it */
    INFO_THREADS_ALIVE,     /* threads not yet destroyed */
    INFO_PROCESSES_ALIVE,   /* processes not yet destroyed */
    INFO_SWITCHES,          /* thread switches made by the C path */
    INFO_INTERRUPTS,        /* hardware interrupts taken */
    INFO_BUILD_RELEASE,     /* 1: built with BUILD=release */
    INFO_BOOT_TICKS,        /* time stamp counter when the kernel began, modulo 2^32 */
    INFO_COUNT
};

#define CPU_FEATURE_SEP 0x01u /* in INFO_CPU_FEATURES */
#define CPU_FEATURE_NX 0x02u
#define CPU_FEATURE_SMEP 0x04u
#define CPU_FEATURE_SMAP 0x08u
#define CPU_FEATURE_UMIP 0x10u
#define CPU_FEATURE_PGE 0x20u
#define CPU_FEATURE_APIC 0x40u
#define CPU_FEATURE_FXSR 0x80u
#define CPU_FEATURE_PAE 0x100u
#define CPU_FEATURE_TSC 0x200u

enum process_info_index {
    PROCESS_ALIVE,          /* 0 once it has ended */
    PROCESS_EXIT_CODE,      /* of process_destroy */
    PROCESS_QUOTA_LIMIT,    /* bytes */
    PROCESS_QUOTA_USED,     /* bytes */
    PROCESS_THREADS,        /* threads alive */
    PROCESS_CPU,            /* microseconds of CPU time on its threads' own budgets, lent time included, modulo 2^32 */
    PROCESS_INFO_COUNT
};

enum endpoint_info_index {
    ENDPOINT_WORKERS,       /* threads that serve it */
    ENDPOINT_IDLE,          /* workers waiting for a request */
    ENDPOINT_QUEUE,         /* callers waiting for a worker */
    ENDPOINT_QUEUE_HIGH,    /* most callers ever waiting at once */
    ENDPOINT_WAITS,         /* calls that had to wait for a worker */
    ENDPOINT_REFUSALS,      /* calls refused with E_BUSY or E_DEADLOCK */
    ENDPOINT_INFO_COUNT
};

/* Method of the request by which the kernel tells a supervisor of a fault. The badge is that of process_create, the
 * word the exception vector, the handle names the faulted thread. Reply status 0: the thread goes on with its registers
 * as they are now; anything else: the thread is destroyed. */
#define METHOD_FAULT 0xFFFFFFFFu

/* What trace_create fills its memory with. Threads have numbers that no other ever has; 0 is the CPU's idling. The number of a
 * process is the badge of its fault reports, as ps shows it; 0 is init, and whoever has no supervisor. */
enum trace_kind {           /* thread, peer; first, second */
    TRACE_CALL = 1,         /* a caller, an idle worker, which runs from now on; method, word */
    TRACE_SERVE,            /* a caller out of the queue, the worker that takes its request; method, word */
    TRACE_REPLY,            /* a worker, its caller, which runs from now on; service status, word */
    TRACE_CUT,              /* a caller that leaves its call, the worker that goes on with nobody to reply to */
    TRACE_END,              /* a caller whose call has ended without a reply; status */
    TRACE_SWITCH,           /* who ran, who runs; 0: the first waits for a request, 1: is stopped, 2: is ready, 3: is in a queue,
                               4: waits for a notification, 6: has ended; the owner of the budget from now on */
    TRACE_BUDGET,           /* who runs, the owner of the budget from now on */
    TRACE_WAKE,             /* who runs, who may run now */
    TRACE_INTERRUPT,        /* who ran; line */
    TRACE_CLOCK,            /* who ran: an interrupt of the clock */
    TRACE_FAULT             /* who faulted; vector, address */
};

struct trace_record {
    uint64_t time;                  /* of the time stamp counter */
    uint32_t kind;
    uint32_t thread, process;       /* whom it is about, and the process that belongs to */
    uint32_t peer, peer_process;    /* whom else */
    uint32_t owner;                 /* thread whose budget is running */
    uint32_t first, second;
};

/* The oldest record is overwritten: of `count` the last `capacity` are there, record n at n modulo capacity. */
struct trace_ring {
    uint64_t count;
    uint32_t capacity, padding;
    struct trace_record records[];
};

/* What the kernel hands to init: mapped read-only at BOOT_INFO_ADDRESS, one page. */
#define BOOT_INFO_ADDRESS 0x00010000u
#define BOOT_INFO_MAGIC 0x50535452u /* "PSTR" */
#define BOOT_MODULES 48
#define BOOT_NAME 32
#define BOOT_COMMAND_LINE 256

struct boot_module {
    handle_t memory;       /* RIGHT_READ | RIGHT_EXECUTE | RIGHT_TRANSFER | RIGHT_CONTROL */
    uint32_t size;         /* bytes */
    char name[BOOT_NAME];  /* first word of the module's line, without directories */
};

struct boot_info {
    uint32_t magic;
    handle_t process;       /* init itself, every right */
    handle_t ioports;       /* authority over ports 0 to 65535 */
    handle_t irqs;          /* authority over all lines */
    handle_t device_memory; /* authority over physical memory that is not RAM */
    handle_t trace;         /* authority to trace */
    uint32_t module_count;
    char command_line[BOOT_COMMAND_LINE]; /* of the kernel */
    struct boot_module modules[BOOT_MODULES];
};

#endif
