/* All that the kernel asks of the CPU and the PC; arch/x86 provides it. The kernel itself reads no CPU register. */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include <postern.h>

struct thread;
struct boot_data;

/* ---- physical memory; a frame is a 4 KiB page, named by its number so that 4 GiB and more fit ---- */
typedef uint32_t frame_t;

/* Kernel address of a frame in lowmem (below the direct map's limit), NULL otherwise. */
void *arch_lowmem(frame_t frame);
frame_t arch_lowmem_frame(const void *address);
/* Copies of single pages and words by frame number; they reach high memory through a window. */
void arch_page_clear(frame_t frame);
/* [offset, offset + bytes) lies within the page. */
void arch_page_copy_in(frame_t to, uint32_t offset, const void *kernel_source, uint32_t bytes);
uint32_t arch_frame_read_word(frame_t frame, uint32_t offset);

/* ---- address spaces ---- */
#define ARCH_PORT_PAGES 3u      /* pages that the first port of a space takes */
#define ARCH_SPACE_PAGES 1u     /* pages that an empty space takes */
#define ARCH_TABLE_PAGES 512u   /* pages that one table maps */
struct address_space {
    uint32_t root;          /* what CR3 takes */
    uint64_t *tables;       /* arch's own bookkeeping */
    uint32_t freed;         /* entries of directories that arch_space_destroy() is done with */
    void *ports[ARCH_PORT_PAGES];   /* NULL until a port is granted: a table, and a bitmap in which a clear bit allows */
};

/* Takes frames through kernel_frame_allocate(). False when out of memory, with nothing kept. */
bool arch_space_create(struct address_space *space);
/* Describes the kernel's own space, which holds no user mapping: idle runs in it. */
void arch_kernel_space(struct address_space *space);
/* Frees some more of tables and bitmap; all user mappings must be gone, and the space must not be loaded. True: that was all. */
bool arch_space_destroy(struct address_space *space);
/* An address, near the first of the range, for which a table is missing; 0: none is, so arch_map_pages() may be called. */
uint32_t arch_space_missing(struct address_space *space, uint32_t address, uint32_t pages);
/* Makes one page of tables towards that address. False when out of memory. */
bool arch_space_extend(struct address_space *space, uint32_t address);
/* Sets or replaces `count` entries of one table, and flushes them from the TLB if the space is loaded. The frames are those of
 * `list`, or without one `first` and those behind it. protection: PROTECT_*. */
void arch_map_pages(struct address_space *space, uint32_t address, uint32_t count, const frame_t *list, frame_t first,
                    uint32_t protection, bool device);
void arch_unmap_pages(struct address_space *space, uint32_t address, uint32_t count);
/* Frame mapped at a user address; false when none is. */
bool arch_translate(struct address_space *space, uint32_t address, frame_t *frame);

/* Takes the pages for the first port of a space. False when out of memory. */
bool arch_ports_create(struct address_space *space);
/* Allows ports to a space that has them. */
void arch_ports_allow(struct address_space *space, uint32_t first, uint32_t count);

/* ---- arrays of the kernel that grow in place, page by page; what is not there yet reads as zero ---- */
#define ARCH_ARRAY_PAGES 8u
/* NULL: none is free. */
void *arch_array_create(void);
/* Puts a cleared page there. False when out of memory. */
bool arch_array_extend(void *array, uint32_t page);
void arch_array_destroy(void *array);

/* ---- threads ---- */
bool arch_thread_init(struct thread *thread, uint32_t entry, uint32_t stack, uint32_t argument);
/* Called when the C path makes `next` the current thread of the CPU: address space, FPU, segments, SYSENTER MSR. */
void arch_thread_switch(struct thread *previous, struct thread *next);
/* The thread is going away: forget its FPU state. */
void arch_thread_release(struct thread *thread);
uint32_t arch_eflags_sanitise(uint32_t eflags);
/* For a handler of INT 250 that is not done, and returns what this returns: the current thread executes the same instruction
 * once more, with the registers that it had, after whatever interrupts wait. */
status_t arch_call_again(struct thread *thread);
#define CALL_AGAIN 1 /* what a function returns to such a handler */
/* A thread in a SYSENTER call has only the results, EIP and ESP in its frame, and a worker that idles there not even these two;
 * this fills in the rest of it, so that the thread can leave by either gate. Cold, as deadlock_refuses() is. */
void arch_frame_complete(struct thread *thread) __attribute__((cold));

/* To be called when the current thread has got or lost the FPU registers, or a trace begins or ends: while either is so, SYSENTER
 * enters through a stub that hands everything to C, and the fast path pays nothing for them. */
void arch_choose_entry(void);

/* ---- time; ticks are those of the time stamp counter, or of the PIT scaled where there is no TSC ---- */
uint64_t arch_time(void);
uint64_t arch_microseconds_to_ticks(uint64_t microseconds);
uint64_t arch_ticks_to_microseconds(uint64_t ticks);
/* One interrupt -> timer_interrupt() at or soon after `when` (arch_time ticks); replaces an earlier one. */
void arch_timer_set(uint64_t when);

/* ---- interrupts ---- */
uint32_t arch_irq_count(void);
/* Not the clock's, and a line that can interrupt at all. */
bool arch_irq_usable(uint32_t line);
void arch_irq_mask(uint32_t line);
void arch_irq_unmask(uint32_t line);

/* ---- the rest ---- */
void arch_log_write(char character);
uint32_t arch_system_info(uint32_t which); /* the INFO_* facts that are the machine's */
/* Any of the frames. */
bool arch_frames_are_ram(frame_t first, uint32_t count);
/* Prints what the stack holds, stops the machine (isa-debug-exit, Bochs, halt). Interrupts are off for good. */
_Noreturn void arch_halt(void);

/* ---- what arch calls in the kernel ---- */
void kernel_main(const struct boot_data *boot);             /* boot.c: interrupts off, memory mapped; returns to resume */
void kernel_exception(struct thread *thread, uint32_t vector, uint32_t error, uint32_t address); /* fault.c */
void kernel_interrupt(uint32_t line);                       /* irq.c: masked and acknowledged already */
void timer_interrupt(void);                                 /* timer.c */
void *kernel_frame_allocate(void);                          /* kernel_frames.c: one lowmem frame, cleared; NULL when out */
status_t kernel_frame_stock(uint32_t wanted);               /* clears one for later: CALL_AGAIN; OK: so many are there */
void *kernel_frame_take(void);                              /* with whatever is in it */
void kernel_frame_free(void *address);

#endif
