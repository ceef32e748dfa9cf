/* The end: what the stack holds, then the emulators' exits, then nothing. */
#include "arch.h"
#include "io.h"
#include "log.h"
#include "x86.h"

#define QEMU_EXIT 0xF4      /* isa-debug-exit */
#define EXIT_PANIC 0xFD
#define BOCHS_EXIT 0x8900

extern const char kernel_text_start[], kernel_text_end[];

/* Return addresses without frame pointers: every word of the stack that points into the text. tools/symbolize names them. */
static void print_stack(void)
{
    uint32_t here;
    log_print("stack:\n");
    for (const uint32_t *word = &here; word < (const uint32_t *)&cpu_area.cpu && word >= (const uint32_t *)cpu_area.stack; word++)
        if (*word >= (uint32_t)kernel_text_start && *word < (uint32_t)kernel_text_end)
            log_print("  0x%08x\n", *word);
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
