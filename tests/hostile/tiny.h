/* Programs of a few bytes, made in memory: one segment with the whole file in it. */
#ifndef TINY_H
#define TINY_H

#include <elf.h>
#include <server.h>

#define TINY_ADDRESS 0x00200000u

struct tiny {
    Elf32_Ehdr header;
    Elf32_Phdr segment;
    uint8_t code[16];
};

#define TINY_EXIT_CODE 7
/* mov eax, SYS_process_destroy; xor ebx, ebx; mov ecx, 7; int 250 */
#define TINY_EXIT { 0xB8, SYS_process_destroy, 0, 0, 0, 0x31, 0xDB, 0xB9, TINY_EXIT_CODE, 0, 0, 0, 0xCD, 0xFA }
#define TINY_FAULT { 0x0F, 0x0B }             /* ud2 */
#define TINY_LOOP { 0xF3, 0x90, 0xEB, 0xFC }  /* pause; jmp back */

/* Writes the headers; the code is the caller's. */
static inline void tiny_finish(struct tiny *tiny)
{
    tiny->header = (Elf32_Ehdr){
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
        .e_entry = TINY_ADDRESS + offsetof(struct tiny, code), .e_phoff = offsetof(struct tiny, segment),
        .e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
    };
    tiny->segment = (Elf32_Phdr){
        .p_type = PT_LOAD, .p_vaddr = TINY_ADDRESS, .p_filesz = sizeof(*tiny), .p_memsz = sizeof(*tiny), .p_flags = PF_R | PF_X,
    };
}

#endif
