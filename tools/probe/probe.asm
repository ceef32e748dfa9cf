; A tiny guest that tells whether an accelerator can run us: one INT and one SYSENTER round trip from ring 3, then exit
; code 0x2A on QEMU's exit port. Flat segments, no paging.

bits 32

KERNEL_CODE equ 0x08
KERNEL_DATA equ 0x10
USER_CODE equ 0x18 | 3
USER_DATA equ 0x20 | 3
TASK equ 0x28
VECTOR equ 250
EXIT_PORT equ 0xF4
EXIT_CODE equ 0x2A

section .multiboot progbits alloc noexec nowrite align=4
    dd 0x1BADB002, 0, -0x1BADB002

section .text
global _start
_start:
    cli
    mov esp, stack_end
    lgdt [gdt_pointer]
    jmp KERNEL_CODE:.segments
.segments:
    mov ax, KERNEL_DATA
    mov ss, ax
    mov ds, ax
    mov es, ax
    mov eax, task                   ; the descriptor's base, in its three pieces
    mov [gdt + TASK + 2], ax
    shr eax, 16
    mov [gdt + TASK + 4], al
    mov [gdt + TASK + 7], ah
    mov ax, TASK
    ltr ax
    mov eax, interrupt
    mov [idt + VECTOR * 8], ax
    mov word [idt + VECTOR * 8 + 2], KERNEL_CODE
    mov word [idt + VECTOR * 8 + 4], 0xEE00
    shr eax, 16
    mov [idt + VECTOR * 8 + 6], ax
    lidt [idt_pointer]
    xor edx, edx
    mov ecx, 0x174
    mov eax, KERNEL_CODE
    wrmsr
    inc ecx
    mov eax, stack_end
    wrmsr
    inc ecx
    mov eax, sysenter_target
    wrmsr
    push USER_DATA
    push user_stack_end
    push 0x3002                     ; IOPL 3: the probe itself writes the exit port
    push USER_CODE
    push user
    iretd

interrupt:
    iretd

sysenter_target:
    sti
    sysexit

user:
    int VECTOR
    mov ecx, esp
    mov edx, .back
    sysenter
.back:
    mov ax, USER_DATA
    mov ds, ax
    mov al, EXIT_CODE
    out EXIT_PORT, al
    jmp $

section .data
align 8
gdt:
    dq 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF, 0x0000890000000067
gdt_pointer:
    dw $ - gdt - 1
    dd gdt
idt_pointer:
    dw 256 * 8 - 1
    dd idt
task:
    dd 0, stack_end, KERNEL_DATA
    times 22 dd 0
    dw 0, 104

section .bss
alignb 16
idt: resb 256 * 8
resb 1024
stack_end:
resb 1024
user_stack_end:
