/* From the boot loader's data to the first user process: memory, idle thread, and init with all authority. */
#include "boot.h"

#include <elf.h>

#include "arch.h"
#include "frames.h"
#include "log.h"
#include "memory.h"
#include "notification.h"
#include "process.h"
#include "thread.h"
#include "trace.h"

#define INIT_PRIORITY 24
#define INIT_STACK_PAGES 8u
#define INIT_STACK_TOP (USER_TOP - PAGE_SIZE)
#define KERNEL_RESERVE (512u * 1024u) /* bytes that the kernel keeps for itself */

static struct process kernel_process; /* pays for init, owns the idle thread; has no address space of its own */

/* ---- physical memory ---- */

static uint32_t module_end(const struct boot_file *module)
{
    return module->first_frame + (module->size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* The bitmap goes behind everything that the boot loader has put into memory. */
static frame_t bitmap_place(const struct boot_data *boot, uint32_t pages)
{
    frame_t place = boot->reserved_end;
    for (uint32_t i = 0; i < boot->module_count; i++)
        if (module_end(&boot->modules[i]) > place)
            place = module_end(&boot->modules[i]);
    for (uint32_t i = 0; i < boot->region_count; i++)
        if (place >= boot->regions[i].first && place + pages <= boot->regions[i].end)
            return place;
    panic("no room for the frame bitmap behind the boot modules: give the machine more memory (-m)");
}

static void frames_start(const struct boot_data *boot)
{
    uint32_t pages = (frame_pool_bitmap_size(boot->frames_end) + PAGE_SIZE - 1) / PAGE_SIZE;
    frame_t place = bitmap_place(boot, pages);
    frame_pool_init(&frames, arch_lowmem(place), boot->frames_end, boot->lowmem_end);
    for (uint32_t i = 0; i < boot->region_count; i++)
        frame_pool_add(&frames, boot->regions[i].first, boot->regions[i].end);
    frame_pool_reserve(&frames, 0, boot->reserved_end);
    frame_pool_reserve(&frames, place, place + pages);
    for (uint32_t i = 0; i < boot->module_count; i++)
        frame_pool_reserve(&frames, boot->modules[i].first_frame, module_end(&boot->modules[i]));
}

/* ---- the kernel's own process ---- */

static void kernel_process_start(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t bytes = (uint64_t)frames.free * PAGE_SIZE - KERNEL_RESERVE;
    kernel_process.object.type = TYPE_PROCESS;
    kernel_process.object.references = 1;
    kernel_process.quota.limit = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    kernel_process.alive = true;
    list_init(&kernel_process.threads);
    list_init(&kernel_process.children);
    list_init(&kernel_process.mappings);
    list_init(&kernel_process.watchers);
    list_init(&kernel_process.watching);
    arch_kernel_space(&kernel_process.space);
    cpu->kernel = &kernel_process;
    queue_init(&cpu->ready);
    queue_init(&cpu->work);
    thread_init();
}

/* ---- init ---- */

static struct memory *must_have_memory(struct process *process, uint32_t pages)
{
    struct memory *memory = memory_create(process, pages, 0);
    bool good = memory != NULL;
    while (good && memory->made < pages)
        good = memory_make_page(memory);
    if (!good)
        panic("out of memory while loading init: give the machine more (-m)");
    return memory;
}

static void must_map(struct process *process, struct memory *memory, uint32_t address, uint32_t protection)
{
    status_t status;
    do
        status = process_map(process, memory, address, protection, protection, 0, memory->pages, process);
    while (status == CALL_AGAIN);
    if (status != OK)
        panic("init cannot be mapped at 0x%08x: error %d", address, status);
    object_release(&memory->object); /* the mapping holds it */
}

static void load_segment(struct process *init, const struct boot_file *file, const Elf32_Phdr *segment)
{
    uint32_t lead = segment->p_vaddr % PAGE_SIZE;
    if (segment->p_filesz > segment->p_memsz || segment->p_offset > file->size ||
        segment->p_filesz > file->size - segment->p_offset || segment->p_memsz > USER_TOP)
        panic("init: a segment lies outside the file");
    struct memory *memory = must_have_memory(init, (lead + segment->p_memsz + PAGE_SIZE - 1) / PAGE_SIZE);
    for (uint32_t done = 0; done < segment->p_filesz;) {
        uint32_t at = (lead + done) % PAGE_SIZE;
        uint32_t bytes = PAGE_SIZE - at < segment->p_filesz - done ? PAGE_SIZE - at : segment->p_filesz - done;
        arch_page_copy_in(memory_frame(memory, (lead + done) / PAGE_SIZE), at, file->data + segment->p_offset + done, bytes);
        done += bytes;
    }
    uint32_t protection = (segment->p_flags & PF_R ? PROTECT_READ : 0) | (segment->p_flags & PF_W ? PROTECT_WRITE : 0) |
                          (segment->p_flags & PF_X ? PROTECT_EXECUTE : 0);
    must_map(init, memory, segment->p_vaddr - lead, protection);
}

static uint32_t load_program(struct process *init, const struct boot_file *file)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file->data;
    if (!file->data || file->size < sizeof(*header) || header->e_ident[0] != ELFMAG0 || header->e_ident[1] != 'E' ||
        header->e_ident[2] != 'L' || header->e_ident[3] != 'F' || header->e_machine != EM_386 ||
        header->e_phentsize != sizeof(Elf32_Phdr) || header->e_phoff > file->size ||
        header->e_phnum > (file->size - header->e_phoff) / sizeof(Elf32_Phdr))
        panic("the boot module \"init\" is not a 32-bit x86 ELF program");
    const Elf32_Phdr *segments = (const Elf32_Phdr *)(file->data + header->e_phoff);
    for (uint32_t i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_memsz)
            load_segment(init, file, &segments[i]);
    return header->e_entry;
}

static handle_t must_give(struct process *init, struct object *object, uint32_t rights)
{
    handle_t handle = process_handle_add(init, object, rights, 0);
    if (handle == HANDLE_NONE)
        panic("out of memory while giving init its handles");
    return handle;
}

/* The creator's reference of an object that init's handle now holds. */
static handle_t must_give_new(struct process *init, void *created, uint32_t rights)
{
    if (!created)
        panic("out of memory while giving init its authorities");
    handle_t handle = must_give(init, created, rights);
    object_release(created);
    return handle;
}

static void *authority_over(struct process *init, enum object_type type, uint32_t count)
{
    struct range *range = object_create(type, init);
    if (range)
        range->count = count;
    return range;
}

static void describe_module(struct process *init, const struct boot_file *file, struct boot_module *module)
{
    struct memory *memory = memory_create_borrowed(init, file->first_frame, module_end(file) - file->first_frame, false);
    module->memory = must_give_new(init, memory, RIGHT_READ | RIGHT_EXECUTE | RIGHT_TRANSFER | RIGHT_CONTROL);
    module->size = file->size;
    __builtin_memcpy(module->name, file->name, sizeof(module->name));
}

/* Everything that init is told, on one page. */
static void give_boot_info(struct process *init, const struct boot_data *boot)
{
    static struct boot_info info;
    _Static_assert(sizeof(info) <= PAGE_SIZE, "init is told on one page");
    info.magic = BOOT_INFO_MAGIC;
    info.process = must_give(init, &init->object, RIGHTS_ALL);
    info.ioports = must_give_new(init, authority_over(init, TYPE_IOPORT, 0x10000), RIGHTS_ALL);
    info.irqs = must_give_new(init, authority_over(init, TYPE_IRQ, arch_irq_count()), RIGHTS_ALL);
    info.device_memory = must_give_new(init, memory_create_borrowed(init, 0, 0, true), RIGHTS_ALL);
    info.trace = must_give_new(init, object_create(TYPE_TRACE, init), RIGHTS_ALL);
    info.module_count = boot->module_count;
    __builtin_memcpy(info.command_line, boot->command_line, sizeof(info.command_line));
    for (uint32_t i = 0; i < boot->module_count; i++)
        describe_module(init, &boot->modules[i], &info.modules[i]);
    struct memory *page = must_have_memory(init, 1);
    arch_page_copy_in(memory_frame(page, 0), 0, &info, sizeof(info));
    must_map(init, page, BOOT_INFO_ADDRESS, PROTECT_READ);
}

static void start_init(const struct boot_data *boot)
{
    if (boot->module_count == 0)
        panic("no boot module named \"init\": the boot menu or -initrd must load it first (tools/boot.py and tools/image do)");
    struct process *init = process_create(&kernel_process, kernel_process.quota.limit - KERNEL_RESERVE);
    if (!init)
        panic("out of memory while creating init: give the machine more (-m)");
    init->highest = PRIORITIES - 1;
    uint32_t entry = load_program(init, &boot->modules[0]);
    must_map(init, must_have_memory(init, INIT_STACK_PAGES), INIT_STACK_TOP - INIT_STACK_PAGES * PAGE_SIZE,
             PROTECT_READ | PROTECT_WRITE);
    give_boot_info(init, boot);
    struct thread *thread = thread_create(init, entry, INIT_STACK_TOP, 0, INIT_PRIORITY);
    if (!thread)
        panic("out of memory while creating init's thread: give the machine more (-m)");
    thread_start(thread);
    object_release(&thread->object);
    object_release(&init->object);
}

void kernel_main(const struct boot_data *boot)
{
    frames_start(boot);
    kernel_process_start();
    log_print("postern: %u MiB, %u boot modules\n", frames.free / 256, boot->module_count);
    start_init(boot);
    this_cpu()->reschedule = true;
    scheduler_preempt(false);
}
