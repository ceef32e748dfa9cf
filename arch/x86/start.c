/* The order in which the machine comes up, from the first C instruction to the first user thread. */
#include "arch.h"
#include "x86.h"

_Noreturn void arch_start(uint32_t magic, uint32_t information);
_Noreturn void leave_boot(void);

_Noreturn void arch_start(uint32_t magic, uint32_t information)
{
    static struct boot_data boot;
    serial_start();
    cpu_start();
    multiboot_read(magic, information, &boot);
    paging_start(&boot);
    descriptors_start();
    interrupts_start();
    timer_start();
    fpu_start();
    kernel_main(&boot);
    leave_boot();
}
