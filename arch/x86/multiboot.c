/* Reads what a multiboot 1 loader (GRUB, QEMU's -kernel) left, and copies what would not survive. */
#include "log.h"
#include "x86.h"

#define LOADER_MAGIC 0x2BADB002u
#define HAS_COMMAND_LINE 0x04u
#define HAS_MODULES 0x08u
#define HAS_MAP 0x40u
#define MIB_FRAMES 256u
#define LEAST_MIB 8u

struct information {
    uint32_t flags, lower_kib, upper_kib, boot_device, command_line, module_count, modules, symbols[4];
    uint32_t map_length, map;
};

struct module {
    uint32_t start, end, line, reserved;
};

struct map_entry {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type; /* 1: usable */
} __attribute__((packed));

extern const char kernel_end[];

static const void *at(uint32_t physical)
{
    return (const void *)(physical + KERNEL_BASE);
}

/* The loader's strings lie in memory that the kernel will hand out: they are copied. */
static void copy_line(char to[BOOT_COMMAND_LINE], const char *from)
{
    for (uint32_t i = 0; i < BOOT_COMMAND_LINE - 1 && from[i]; i++)
        to[i] = from[i];
}

static bool is_word_end(char character)
{
    return character == '\0' || character == ' ' || character == '\t';
}

/* First word of a module's line, without directories. */
static void module_name(const char *line, char name[BOOT_NAME])
{
    uint32_t length = 0;
    for (; !is_word_end(*line); line++) {
        if (*line == '/')
            length = 0;
        else if (length < BOOT_NAME - 1)
            name[length++] = *line;
    }
    name[length] = '\0';
}

static void add_region(struct boot_data *boot, uint64_t first, uint64_t end)
{
    if (first >= end || boot->region_count == BOOT_REGIONS)
        return;
    boot->regions[boot->region_count++] = (struct boot_region){ (uint32_t)first, (uint32_t)end };
    if (end > boot->frames_end)
        boot->frames_end = (uint32_t)end;
}

static void read_map(const struct information *information, struct boot_data *boot)
{
    uint32_t end = information->map + information->map_length;
    for (uint32_t p = information->map; p < end; p += ((const struct map_entry *)at(p))->size + 4) {
        const struct map_entry *entry = at(p);
        if (entry->type == 1)
            add_region(boot, (entry->base + PAGE_SIZE - 1) >> PAGE_SHIFT, (entry->base + entry->length) >> PAGE_SHIFT);
    }
}

static void read_modules(const struct information *information, struct boot_data *boot)
{
    const struct module *modules = at(information->modules);
    if (information->module_count > BOOT_MODULES)
        panic("%u boot modules, and only %u are supported", information->module_count, BOOT_MODULES);
    for (uint32_t i = 0; i < information->module_count; i++) {
        struct boot_file *file = &boot->modules[i];
        file->first_frame = modules[i].start >> PAGE_SHIFT;
        file->size = modules[i].end - modules[i].start;
        file->data = modules[i].end <= LOWMEM_FRAMES_MAX << PAGE_SHIFT ? at(modules[i].start) : NULL;
        module_name(at(modules[i].line), file->name);
        if (modules[i].start % PAGE_SIZE)
            panic("the boot loader did not align module %s to a page", file->name);
    }
    boot->module_count = information->module_count;
}

void multiboot_read(uint32_t magic, uint32_t physical, struct boot_data *boot)
{
    const struct information *information = at(physical);
    if (magic != LOADER_MAGIC)
        panic("not started by a multiboot loader (magic 0x%08x)", magic);
    if (information->flags & HAS_MAP)
        read_map(information, boot);
    else
        add_region(boot, 0x100, 0x100 + information->upper_kib / 4);
    if (information->flags & HAS_COMMAND_LINE)
        copy_line(boot->command_line, at(information->command_line));
    boot->lowmem_end = boot->frames_end < LOWMEM_FRAMES_MAX ? boot->frames_end : LOWMEM_FRAMES_MAX;
    boot->reserved_end = ((uint32_t)kernel_end - KERNEL_BASE) >> PAGE_SHIFT;
    uint32_t mib = (boot->lowmem_end + MIB_FRAMES - 1) / MIB_FRAMES; /* firmware keeps a few frames at the top */
    if (mib < LEAST_MIB)
        panic("%u MiB of memory are too few: Postern needs at least %u (-m)", mib, LEAST_MIB);
    if (information->flags & HAS_MODULES)
        read_modules(information, boot);
}
