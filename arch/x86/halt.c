/* The end: what the stack holds, then the emulators' exits, then nothing. */
#include "arch.h"
#include "io.h"
#include "log.h"
#include "x86.h"

#define QEMU_EXIT 0xF4      /* isa-debug-exit */
#define EXIT_PANIC 0xFD
#define BOCHS_EXIT 0x8900
#define STACK_LINES 24u

extern const char kernel_text_start[], kernel_text_end[];

/* Of the kernel stack, all that lies above ESP. A task gate runs on a stack of its own and left the ESP in the main TSS. */
static const uint32_t *stack_top(const uint32_t *here)
{
    const uint32_t *first = (const uint32_t *)cpu_area.stack, *last = (const uint32_t *)&cpu_area.cpu;
    if (here < first || here >= last)
        here = (const uint32_t *)(main_tss->esp & ~3u);
    return here < first || here >= last ? first : here;
}

/* Return addresses without frame pointers: every word of the stack that points into the text. tools/symbolize names them. */
static void print_stack(void)
{
    uint32_t here, lines = 0;
    log_print("stack:\n");
    for (const uint32_t *word = stack_top(&here); word < (const uint32_t *)&cpu_area.cpu && lines < STACK_LINES; word++)
        if (*word >= (uint32_t)kernel_text_start && *word < (uint32_t)kernel_text_end) {
            log_print("  0x%08x\n", *word);
            lines++;
        }
}

_Noreturn void arch_halt(void)
{
    print_stack();
    serial_drain();
    port_write(QEMU_EXIT, EXIT_PANIC);
    for (const char *byte = "Shutdown"; *byte; byte++)
        port_write(BOCHS_EXIT, (uint8_t)*byte);
    for (;;)
        __asm__ volatile("cli; hlt");
}
