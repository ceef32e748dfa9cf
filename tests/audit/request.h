/* How a program asks the audit kernel (tests/audit): process_info with this in place of a process handle, and one of the
 * questions below in place of the fact. Every other kernel answers E_BAD_HANDLE, for bit 31 of a handle is never set. */
#ifndef AUDIT_REQUEST_H
#define AUDIT_REQUEST_H

#define AUDIT_REQUEST 0xA0D17000u

enum audit_question {
    AUDIT_CHECK,        /* -> violations of the invariants; each is a line in the log */
    AUDIT_CHECKS,       /* -> how often that was asked since boot */
    AUDIT_FAILURES,     /* -> allocations that were made to fail since boot */
    AUDIT_FAIL_FIRST    /* + n: of the next allocations the n-th fails (0: the next); AUDIT_FAIL_NONE: none */
};

#define AUDIT_FAIL_NONE 0xFFFFFFFFu

/* The same with this one sets a data breakpoint on the word at that address, in every address space; 0: none. Users of the
 * kernel have no debug registers, but whoever debugs the machine has. */
#define AUDIT_BREAKPOINT 0xA0D18000u

#endif
