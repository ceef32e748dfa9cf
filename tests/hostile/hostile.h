/* What the hostile partner does on request. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <server.h>

enum hostile_method {
    HOSTILE_ECHO,           /* word -> word */
    HOSTILE_EXIT,           /* ends its process */
    HOSTILE_FAULT,          /* writes to address 0 */
    HOSTILE_UNMAP_STACK,    /* unmaps the stack that it runs on */
    HOSTILE_SILENT,         /* never replies */
    HOSTILE_GARBAGE,        /* word -> word + 1, leaving with flags, segments and registers of kind `word` */
    HOSTILE_BAD_HANDLE,     /* attaches a handle that it does not have */
    HOSTILE_FORGE,          /* another thread replies; -> what that one got */
    HOSTILE_CALL_BACK,      /* calls through the attached handle, by SYSENTER if word is 1; -> how many calls were refused */
    HOSTILE_EAT,            /* uses up its quota and gives it back; -> number of objects */
    HOSTILE_ASK_INIT,       /* calls method `word` & 0xFF of init with `word` >> 8, or looks up echo; -> status */
    HOSTILE_PRINT,          /* prints "word N" and, if bit 31 is set, 300 bytes of what is no text */
    HOSTILE_READ_LOG,       /* -> how many entries of the log are hostile-print's "word N" */
    HOSTILE_LOG_WRONGLY,    /* -> how many bad requests the log has refused: all HOSTILE_LOG_MISTAKES of them */
    HOSTILE_NULL_CALL,      /* calls a null pointer */
    HOSTILE_OVERFLOW,       /* uses up its stack */
    HOSTILE_FAULT_TWICE,    /* writes to address 0, while another thread of its own does so */
    HOSTILE_FORWARD,        /* method `word`, of the last in the chain of partners that begins with next= */
    HOSTILE_METHODS
};

#define HOSTILE_GARBAGE_KINDS 12u
#define HOSTILE_CALLS_BACK 60u

#define HOSTILE_LOG_MISTAKES 9u

/* ---- log.c ---- */
reply_t hostile_print(const request_t *rq);
reply_t hostile_read_log(const request_t *rq);
reply_t hostile_log_wrongly(const request_t *rq);

/* ---- child.c ---- */
/* Starts a child that never ends. */
bool hostile_spawn_tiny(handle_t *process);
/* What it does as a child; returns its exit code. */
int hostile_child(void);

#endif
