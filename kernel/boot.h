/* What the boot loader left, in a form that knows nothing of multiboot: arch/x86/multiboot.c fills it. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <stdint.h>

#include <postern.h>

#define BOOT_REGIONS 64

struct boot_region { /* usable RAM in whole frames, [first, end) */
    uint32_t first, end;
};

struct boot_file { /* a boot module; `data` is a kernel address in lowmem, page aligned, NULL if out of reach */
    const uint8_t *data;
    uint32_t first_frame;
    uint32_t size;
    char name[BOOT_NAME];
};

struct boot_data {
    char command_line[BOOT_COMMAND_LINE];
    uint32_t region_count;
    struct boot_region regions[BOOT_REGIONS];
    uint32_t frames_end;    /* the highest end of them */
    uint32_t lowmem_end;    /* first frame that the direct map does not reach */
    uint32_t reserved_end;  /* frames below this one belong to the BIOS and the kernel image; modules are apart */
    uint32_t module_count;
    struct boot_file modules[BOOT_MODULES];
};

#endif
