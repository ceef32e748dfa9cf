/* FPU state of threads: see fpu.c. */
#ifndef ARCH_X86_FPU_H
#define ARCH_X86_FPU_H

struct thread;

/* 512 bytes at `state` become those of a thread that never used the FPU. */
void fpu_initialise(void *state);
/* #NM: the current thread wants the registers. */
void fpu_unavailable(struct thread *thread);
/* Saves the registers if the thread owns them. */
void fpu_leave(struct thread *thread);
/* The same without saving. */
void fpu_forget(struct thread *thread);

#endif
