; The first instructions: multiboot header, a look at the CPU, early page tables, and the jump to the high half.
;
; Early tables map physical memory from 0 to 896 MiB at 0xC0000000 and, for the jump, at 0. arch/x86/paging.c replaces
; them. Everything here runs at its physical address until .high.

bits 32

KERNEL_BASE equ 0xC0000000
MULTIBOOT_MAGIC equ 0x1BADB002
MULTIBOOT_FLAGS equ 3               ; page-aligned modules, memory information
LARGE_PAGES equ 448                 ; of 2 MiB: 896 MiB
LARGE_PAGE equ 0x83                 ; present, writable, large
CPUID_WANTED equ 1 << 3 | 1 << 4 | 1 << 6   ; PSE, TSC, PAE
%define physical(symbol) (symbol - KERNEL_BASE)

extern arch_start
extern kernel_stack_end
global start

section .multiboot progbits alloc noexec nowrite align=4
    dd MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

section .boot progbits alloc exec nowrite align=16
; In: EAX = multiboot magic, EBX = physical address of its information, paging off, flat segments.
start:
    cli
    cld
    mov esp, physical(early_stack_end)
    mov ebp, eax
    mov esi, ebx
    call check_cpu
    mov edi, physical(early_tables)
    call build_tables
    mov eax, cr4
    or eax, 1 << 5                  ; PAE
    mov cr4, eax
    mov eax, physical(early_pointers)
    mov cr3, eax
    mov eax, cr0
    or eax, 1 << 31                 ; paging
    mov cr0, eax
    mov ecx, .high
    jmp ecx
.high:
    mov esp, kernel_stack_end
    mov eax, ebp
    mov edx, esi
    call arch_start                 ; arch_start(magic, information), never returns

; Halts with a message unless the CPU has CPUID, large pages, PAE and a time stamp counter.
check_cpu:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, 1 << 21                ; ID: can be changed only where there is CPUID
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    jz .refuse
    mov eax, 1
    cpuid
    and edx, CPUID_WANTED
    cmp edx, CPUID_WANTED
    jne .refuse
    ret
.refuse:
    mov esi, physical(refusal)
    mov edi, 0xB8000
.next:
    lodsb
    test al, al
    jz .stop
    mov ah, 0x4F                    ; white on red
    stosw
    mov bl, al
    mov dx, 0x3FD
.busy:
    in al, dx
    test al, 0x20
    jz .busy
    mov dx, 0x3F8
    mov al, bl
    out dx, al
    jmp .next
.stop:
    mov al, 0xFE
    out 0xF4, al                    ; isa-debug-exit, if the emulator has it
.halt:
    hlt
    jmp .halt

; One page directory serves the lowest GiB and the top one.
build_tables:
    mov ebx, LARGE_PAGE
    mov ecx, LARGE_PAGES
.next:
    mov [edi], ebx
    mov dword [edi + 4], 0
    add ebx, 0x200000
    add edi, 8
    loop .next
    mov eax, physical(early_tables) + 1
    mov [physical(early_pointers)], eax
    mov [physical(early_pointers) + 24], eax
    ret

refusal: db "postern: this CPU lacks PAE, large pages or a time stamp counter; use a Pentium Pro or later", 13, 10, 0

section .bss
alignb 4096
early_tables: resb 4096
early_pointers: resb 32
early_stack: resb 256
early_stack_end:
