; Entry through the IDT (INT 250, exceptions, interrupts) and the ways out of the kernel.
;
; One kernel stack per CPU. It ends where struct cpu begins, and tss.esp0 == SYSENTER_ESP == &cpu for ever, so the words
; that the CPU pushes lie right below cpu->current:
;
;       &cpu + 0    current thread          esp + 20 after an INT from user mode
;       &cpu - 4    user SS                 esp + 16
;       &cpu - 8    user ESP                esp + 12
;       &cpu - 12   user EFLAGS             esp + 8
;       &cpu - 16   user CS                 esp + 4
;       &cpu - 20   user EIP                esp
;
; Entry moves the user's registers into current->frame and leaves ESP at &cpu - 4: from there C runs. The kernel never
; blocks, so nothing on this stack outlives one entry; leaving means loading the frame of whatever thread is current now.

bits 32
%include "offsets.inc"
%include "abi/postern.inc"

USER_DATA equ 0x23          ; flat, DPL 3: good for the kernel too, and it leaves nothing to restore on the way out
VECTOR_NO_FPU equ 7
VECTOR_GENERAL_PROTECTION equ 13
VECTOR_CALL equ 250

extern syscall_table
extern trap
extern kernel_trap
extern scheduler_leave
extern kernel_stack_end
extern sysenter_fast_begin
extern sysenter_fast_end
extern sysenter_null_segment

global vector_entries
global smap_patches
global trap_from_task
global leave_kernel
global leave_boot

; CLAC where the CPU has SMAP; until cpu.c has put it there, a NOP of the same length.
%macro clac_if_smap 0
%%here: nop dword [eax]
    section .rodata
    dd %%here
    section .text
%endmacro

; Into the frame of EBP, whose EBP is there already.
%macro store_registers 0
    mov [ebp + THREAD_EAX], eax
    mov [ebp + THREAD_EBX], ebx
    mov [ebp + THREAD_ECX], ecx
    mov [ebp + THREAD_EDX], edx
    mov [ebp + THREAD_ESI], esi
    mov [ebp + THREAD_EDI], edi
%endmacro

; What C relies on: direction, data segments, and no AC where it would open user pages.
%macro enter_c 0
    cld
    clac_if_smap
    mov ecx, USER_DATA
    mov ds, ecx
    mov es, ecx
%endmacro

section .rodata
align 4
smap_patches:               ; addresses that clac_if_smap was used at, ended by 0 (at the end of this file)

section .text

; ---- INT 250: the main gate ------------------------------------------------------------------------------------------
; In:  EAX call number, EBX ECX EDX ESI EDI arguments.
; Out: EAX status, EBX result; every other register as it was.
align 16
int250:
    push ebp
    mov ebp, [esp + 24]             ; cpu->current
    pop dword [ebp + THREAD_EBP]
    pop dword [ebp + THREAD_EIP]
    add esp, 4                      ; CS of a user frame never changes
    pop dword [ebp + THREAD_EFLAGS]
    pop dword [ebp + THREAD_ESP]
    store_registers
    enter_c
    cmp eax, SYSCALL_COUNT
    jae .no_such_call
    mov edx, [syscall_table + eax * 4]
    mov eax, ebp
    call edx                        ; status_t handler(struct thread *)
.done:
    cmp [esp + 4 + CPU_CURRENT], ebp
    jne leave_kernel                ; the thread blocked or was switched away: its status is set by what ends that
    mov [ebp + THREAD_EAX], eax
    cmp byte [esp + 4 + CPU_RESCHEDULE], 0
    jne leave_by_iret
    lea esp, [ebp + THREAD_FRAME]
    popad
    iretd
.no_such_call:
    mov eax, E_BAD_CALL
    jmp .done

; ---- exceptions and interrupts ---------------------------------------------------------------------------------------
%assign vector 0
%rep 256
%if vector != VECTOR_CALL
vector_ %+ vector:
%if vector == VECTOR_GENERAL_PROTECTION
    ; A null DS, ES, FS or GS that the user left shows when the SYSENTER path uses it: see sysenter/entry.asm.
    cmp dword [esp + 4], sysenter_fast_begin
    jb .general_protection
    cmp dword [esp + 4], sysenter_fast_end
    jb sysenter_null_segment
.general_protection:
%elif vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 14 && vector != 17 && vector != 21
    push dword 0                    ; the CPU pushes no error code for this vector
%endif
    push dword vector
    jmp common_entry
%endif
%assign vector vector + 1
%endrep

; Stack: vector, error code, EIP, CS, EFLAGS, and from user mode ESP, SS.
align 16
common_entry:
    test byte [esp + 12], 3
    jz from_kernel
    push ebp
    mov ebp, [esp + 32]             ; cpu->current
    pop dword [ebp + THREAD_EBP]
    store_registers
    pop eax                         ; vector
    pop edx                         ; error code
    pop dword [ebp + THREAD_EIP]
    add esp, 4
    pop dword [ebp + THREAD_EFLAGS]
    pop dword [ebp + THREAD_ESP]
    or dword [ebp + THREAD_FLAGS], FLAG_RESUME_BY_IRET
    enter_c
    call trap                       ; trap(vector, error)
leave_kernel:                       ; ESP = &cpu - 4
    cmp byte [esp + 4 + CPU_RESCHEDULE], 0
    je resume
    xor eax, eax                    ; what the entry did was long enough
.reschedule:
    call scheduler_leave            ; bool scheduler_leave(bool may_work)
    test al, al
    jnz let_interrupts_in

; The boot code is done with the stack: the first thread starts, or idle waits.
leave_boot:
    mov esp, kernel_stack_end - 4

; Leaves to the current thread, by the gate that it came in by.
resume:
    mov ebp, [esp + 4 + CPU_CURRENT]
    test dword [ebp + THREAD_FLAGS], FLAG_RESUME_BY_IRET | FLAG_SINGLE_STEP
    jz resume_by_sysexit
    and dword [ebp + THREAD_FLAGS], ~(FLAG_RESUME_BY_IRET | FLAG_SINGLE_STEP)
    lea esp, [ebp + THREAD_FRAME]
    popad
    iretd

; The current thread came in by INT 250 and may be preempted now.
leave_by_iret:
    or dword [ebp + THREAD_FLAGS], FLAG_RESUME_BY_IRET
    jmp leave_kernel

resume_by_sysexit:
    test dword [ebp + THREAD_FLAGS], FLAG_NEVER
    jnz idle
    push dword 2                    ; AC would travel from whoever came in: INT does not clear it
    popfd
    mov eax, [ebp + THREAD_EAX]
    mov ebx, [ebp + THREAD_EBX]
    mov esi, [ebp + THREAD_ESI]
    mov edi, [ebp + THREAD_EDI]
    mov ecx, [ebp + THREAD_ESP]
    mov edx, [ebp + THREAD_EIP]
    xor ebp, ebp
    sti                             ; adjacent: the CPU takes no interrupt between the two
    sysexit

; Nothing is ready. The interrupt that ends the HLT does not come back here: it leaves through `resume`.
idle:
    sti
    hlt
    jmp idle

; There is more to do for the kernel. An interrupt that waits comes behind the NOP; it leaves by the usual way, and so comes here.
let_interrupts_in:
    sti
    nop
    cli
    mov eax, 1
    jmp leave_kernel.reschedule

; Two things may happen at CPL 0. An interrupt out of the two above, where ESP was &cpu - 4; and an NMI while C saves or restores
; the FPU: it comes and goes by task switches, which deny the FPU.
from_kernel:
    cmp dword [esp], VECTOR_NO_FPU
    je .allow_fpu
    cmp dword [esp + 8], idle
    jb .unexpected
    cmp dword [esp + 8], from_kernel
    jae .unexpected
    pop eax
    pop edx
    add esp, 12
    call trap
    jmp leave_kernel
.allow_fpu:
    clts
    add esp, 8
    iretd
.unexpected:
    pushad
    mov eax, esp
    call kernel_trap                ; kernel_trap(struct kernel_trap_frame *), never returns

; The #DB task continues here with the user's registers in current->frame: EAX = vector, EDX = error code, ESP = &cpu.
trap_from_task:
    sub esp, 4
    mov ebp, [esp + 4 + CPU_CURRENT]
    or dword [ebp + THREAD_FLAGS], FLAG_RESUME_BY_IRET
    call trap
    jmp leave_kernel

section .rodata
    dd 0                            ; ends smap_patches

align 4
vector_entries:
%assign vector 0
%rep 256
%if vector == VECTOR_CALL
    dd int250
%else
    dd vector_ %+ vector
%endif
%assign vector vector + 1
%endrep
