/* The saved registers of a thread, in the order in which POPAD and IRETD take them back.
 *
 * A thread's frame is the truth whenever the CPU is in the kernel: entry stores into it, C reads arguments and writes
 * results there, and leaving means "point ESP at the frame of the current thread, POPAD, IRETD". Nothing is copied. */
#ifndef ARCH_X86_FRAME_H
#define ARCH_X86_FRAME_H

#include <stdint.h>

struct frame {
    union { uint32_t edi, handle; };    /* IPC: an attached handle */
    union { uint32_t esi, method; };    /* IPC: method of a request, service status of a reply */
    uint32_t ebp;
    uint32_t popad_skips;               /* POPAD does not load ESP */
    union { uint32_t ebx, word; };      /* IPC: the DWORD; other calls: first argument and result */
    uint32_t edx;
    uint32_t ecx;
    union { uint32_t eax, status; };    /* call number in, status out; a worker gets the badge */
    uint32_t eip, cs, eflags, esp, ss;
};

#endif
