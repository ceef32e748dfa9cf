/* Program files: every field that is used is checked before anything is mapped. */
#include "image.h"

#define SEGMENTS_MAX 16u

static bool lies_within(uint32_t first, uint32_t bytes, uint32_t end)
{
    return first <= end && bytes <= end - first;
}

static const char *check_header(const Elf32_Ehdr *header, uint32_t size)
{
    if (size == 0)
        return "is empty";
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

bool image_contains_entry(const Elf32_Phdr *segment, uint32_t entry)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && entry - segment->p_vaddr < segment->p_memsz;
}

const char *image_check(const void *bytes, uint32_t size)
{
    const Elf32_Ehdr *header = bytes;
    const char *wrong = check_header(header, size);
    if (wrong)
        return wrong;
    const Elf32_Phdr *segments = image_segments(header);
    bool entry_found = false;
    for (uint32_t i = 0; i < header->e_phnum && !wrong; i++) {
        wrong = check_segment(&segments[i], size);
        entry_found |= image_contains_entry(&segments[i], header->e_entry);
    }
    return wrong || entry_found ? wrong : "has its entry point outside the executable segments";
}
