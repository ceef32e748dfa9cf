/* Loads a program from its boot module: every field of the ELF file that is used is checked first. */
#include <elf.h>

#include "service.h"

#define SEGMENTS_MAX 16u

struct file { /* a boot module, mapped read-only */
    const struct boot_module *module;
    const uint8_t *bytes;
    uint32_t pages;
};

static bool lies_within(uint32_t first, uint32_t bytes, uint32_t end)
{
    return first <= end && bytes <= end - first;
}

static const char *check_header(const Elf32_Ehdr *header, uint32_t size)
{
    if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "is no ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_386)
        return "is not for 32-bit x86";
    if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT ||
        header->e_ehsize != sizeof(*header) || header->e_phentsize != sizeof(Elf32_Phdr))
        return "has an ELF header of another version";
    if (header->e_type != ET_EXEC)
        return "is not statically linked at a fixed address";
    if (header->e_phnum == 0 || header->e_phnum > SEGMENTS_MAX || header->e_phoff % 4 != 0 ||
        !lies_within(header->e_phoff, header->e_phnum * sizeof(Elf32_Phdr), size))
        return "has a bad table of segments";
    return NULL;
}

static const char *check_segment(const Elf32_Phdr *segment, uint32_t size)
{
    if (segment->p_type == PT_INTERP || segment->p_type == PT_DYNAMIC)
        return "is dynamically linked";
    if (segment->p_type != PT_LOAD)
        return NULL;
    if (segment->p_filesz > segment->p_memsz || !lies_within(segment->p_offset, segment->p_filesz, size))
        return "has a segment outside the file";
    if (segment->p_vaddr < PROGRAM_BOTTOM || !lies_within(segment->p_vaddr, segment->p_memsz, ALLOCATION_BOTTOM))
        return "has a segment outside the range for programs";
    if ((segment->p_vaddr - segment->p_offset) % PAGE_SIZE != 0)
        return "has a segment whose address and place in the file differ within a page";
    if ((segment->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X)) || !(segment->p_flags & (PF_R | PF_W | PF_X)))
        return "has a segment with unknown flags";
    if ((segment->p_flags & PF_W) && (segment->p_flags & PF_X))
        return "has a segment that is writable and executable";
    return NULL;
}

static bool contains_entry(const Elf32_Phdr *segment, uint32_t entry)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && entry - segment->p_vaddr < segment->p_memsz;
}

static const char *check_file(const Elf32_Ehdr *header, uint32_t size)
{
    const char *wrong = check_header(header, size);
    if (wrong)
        return wrong;
    const Elf32_Phdr *segments = (const Elf32_Phdr *)((const uint8_t *)header + header->e_phoff);
    bool entry_found = false;
    for (uint32_t i = 0; i < header->e_phnum && !wrong; i++) {
        wrong = check_segment(&segments[i], size);
        entry_found |= contains_entry(&segments[i], header->e_entry);
    }
    return wrong || entry_found ? wrong : "has its entry point outside the executable segments";
}

/* ---- mapping ---- */

static uint32_t protection_of(const Elf32_Phdr *segment)
{
    return (segment->p_flags & PF_R ? PROTECT_READ : 0) | (segment->p_flags & PF_W ? PROTECT_WRITE : 0) |
           (segment->p_flags & PF_X ? PROTECT_EXECUTE : 0);
}

/* What cannot be written is the same for every process that runs the program, and needs no copy. */
static bool can_be_shared(const Elf32_Phdr *segment)
{
    return !(segment->p_flags & PF_W) && segment->p_filesz == segment->p_memsz;
}

/* Fills a new memory object through a window of our own. */
static status_t copy_segment(const struct file *file, const Elf32_Phdr *segment, uint32_t lead, uint32_t pages,
                             handle_t memory)
{
    uint32_t window = address_reserve(pages);
    if (window == 0)
        return E_NO_MEMORY;
    status_t status = process_map(self_process(), memory, window, PROTECT_READ | PROTECT_WRITE, 0, pages);
    if (status == OK) {
        memcpy((uint8_t *)window + lead, file->bytes + segment->p_offset, segment->p_filesz);
        process_unmap(self_process(), window, pages);
    }
    address_release(window, pages);
    return status;
}

static status_t map_copy(const struct file *file, handle_t process, const Elf32_Phdr *segment, uint32_t lead,
                         uint32_t pages)
{
    handle_t memory;
    status_t status = memory_create(pages, 0, &memory);
    if (status != OK)
        return status;
    status = copy_segment(file, segment, lead, pages, memory);
    if (status == OK)
        status = process_map(process, memory, segment->p_vaddr - lead, protection_of(segment), 0, pages);
    handle_close(memory);
    return status;
}

static status_t map_segment(const struct file *file, handle_t process, const Elf32_Phdr *segment)
{
    uint32_t lead = segment->p_vaddr % PAGE_SIZE;
    uint32_t pages = (lead + segment->p_memsz + PAGE_SIZE - 1) / PAGE_SIZE;
    if (pages == 0)
        return OK;
    if (!can_be_shared(segment))
        return map_copy(file, process, segment, lead, pages);
    return process_map(process, file->module->memory, segment->p_vaddr - lead, protection_of(segment),
                       segment->p_offset / PAGE_SIZE, pages);
}

static status_t map_segments(const struct file *file, struct service *service)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file->bytes;
    const Elf32_Phdr *segments = (const Elf32_Phdr *)(file->bytes + header->e_phoff);
    status_t status = OK;
    for (uint32_t i = 0; i < header->e_phnum && status == OK; i++) {
        if (segments[i].p_type != PT_LOAD)
            continue;
        status = map_segment(file, service->process, &segments[i]);
        if (contains_entry(&segments[i], header->e_entry)) {
            service->text_start = segments[i].p_vaddr;
            service->text_end = segments[i].p_vaddr + segments[i].p_memsz;
        }
    }
    return status;
}

/* ---- the file ---- */

static status_t file_open(struct file *file, const struct boot_module *module)
{
    file->module = module;
    file->pages = (module->size + PAGE_SIZE - 1) / PAGE_SIZE;
    uint32_t address = address_reserve(file->pages);
    if (address == 0)
        return E_NO_MEMORY;
    file->bytes = (const uint8_t *)address;
    status_t status = process_map(self_process(), module->memory, address, PROTECT_READ, 0, file->pages);
    if (status != OK)
        address_release(address, file->pages);
    return status;
}

static void file_close(const struct file *file)
{
    process_unmap(self_process(), (uint32_t)file->bytes, file->pages);
    address_release((uint32_t)file->bytes, file->pages);
}

const char *program_load(struct service *service, uint32_t *entry)
{
    struct file file;
    if (service->program->size == 0)
        return "is empty";
    status_t status = file_open(&file, service->program);
    if (status != OK)
        return status_text(status);
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file.bytes;
    const char *wrong = check_file(header, service->program->size);
    if (!wrong) {
        *entry = header->e_entry;
        status = map_segments(&file, service);
        wrong = status == OK ? NULL : status_text(status);
    }
    file_close(&file);
    return wrong;
}
