; The second gate: a one-DWORD call and its reply in registers alone.
;
; On SYSENTER the CPU loads CS, SS, EIP and ESP = &cpu and clears IF and VM; everything else is as the user left it. The
; fast path below runs the common case: the caller and the worker both came in by SYSENTER, a worker is idle, no one is
; queued. It checks first; whatever does not fit goes, with nothing changed, to sysenter_slow and from there to the same C
; code as INT 250. After the point of no return nothing can fail.
;
; What is not checked here is arranged elsewhere:
;  - FPU state in registers, tracing: while the current thread needs care, the SYSENTER MSR points at
;    sysenter_entry_unarmed (arch_choose_entry).
;  - Ports: the I/O bitmap is mapped per address space, CR3 brings it along (arch/x86/ports.c).
;  - Bad type, right or generation of a handle, a busy pool, a client thread that replies: null_endpoint and null_thread
;    stand there, whose flags are not zero.
;  - Null selectors: a hostile client could hand DS = 0 to the worker. The checks below go through DS, ES, FS and GS once
;    each, so the hardware itself refuses a null one with #GP, and its handler lands in sysenter_null_segment. User code
;    segments are execute-only, so null and flat are the only values a user can load.
;  - The budget is cpu->budget and stays there: lending costs nothing.
;
; Ideas: checks, point of no return, commit are seL4's fastpath.c; the register contract is Pistachio's style.

bits 32
%include "offsets.inc"
%include "abi/postern.inc"

USER_DATA equ 0x23
UNUSUAL_FLAGS equ 0x00244500        ; ID, AC, NT, DF, TF: SYSENTER clears none of them
CURRENT equ 4                       ; [esp + CURRENT] is cpu->current once EFLAGS is pushed

extern leave_kernel
extern sysenter_dispatch

global sysenter_entry
global sysenter_entry_single_step_end
global sysenter_entry_unarmed
global sysenter_entry_stepped
global sysenter_fast_begin
global sysenter_fast_end
global sysenter_null_segment

section .text

;       call, in    EAX endpoint handle   EBX message  ESI method          ECX user ESP  EDX user EIP
;       worker gets EAX badge             EBX message  ESI method          ECX its ESP   EDX its EIP   EDI EBP 0
;       reply, in   EAX OP_REPLY_WAIT     EBX reply    ESI service status
;       caller gets EAX 0                 EBX reply    ESI service status  ECX its ESP   EDX its EIP   EDI EBP 0
align 64
sysenter_entry:
    pushfd                          ; [esp] EFLAGS, [esp + 4] cpu->current
sysenter_entry_single_step_end:     ; with TF set, #DB comes before or after the first instruction, never later
    test dword [esp], UNUSUAL_FLAGS
    jnz sysenter_unusual_flags
    mov ebp, [esp + CURRENT]
    cmp eax, OP_REPLY_WAIT
    je sysenter_reply_wait

sysenter_fast_begin:
    mov [ebp + THREAD_EIP], edx
    mov [ebp + THREAD_ESP], ecx
    mov edi, [ebp + THREAD_LAST_ENTRY]
    cmp [edi + ENTRY_VALUE], eax            ; the whole handle: covers range, generation and closed handles
    jne .look_up
.found:
    mov ecx, [es:edi + ENTRY_ENDPOINT]      ; null_endpoint unless it may be called
    mov edx, [fs:ecx + ENDPOINT_IDLE_TOP]   ; null_thread unless a worker waits
    cmp dword [gs:edx + THREAD_FLAGS], 0    ; the worker leaves by SYSEXIT and is otherwise usual
    jne sysenter_slow
    ; --- point of no return ---
    mov eax, [edi + ENTRY_BADGE]
    mov edi, [edx + THREAD_LINK]
    mov [ecx + ENDPOINT_IDLE_TOP], edi      ; pop the worker
    mov [edx + THREAD_LINK], ebp            ; worker -> caller
    mov [ebp + THREAD_CALLEE], edx          ; caller -> worker
    mov [esp + CURRENT], edx
    mov ecx, [edx + THREAD_ROOT]
    cmp ecx, [ebp + THREAD_ROOT]
    je .same_space
    mov cr3, ecx
.same_space:
    mov ecx, [edx + THREAD_WAIT_ESP]
    mov edx, [edx + THREAD_WAIT_EIP]
    xor edi, edi
    xor ebp, ebp
    sti                                     ; adjacent: the CPU takes no interrupt between the two
    sysexit

; Not the handle of this thread's last call: a miss takes nine instructions more than a hit, two of them for OP_NULL.
.look_up:
    cmp eax, OP_NULL
    je sysenter_null
    mov edi, eax
    and edi, [ebp + THREAD_HANDLE_MASK]
    add edi, [ebp + THREAD_HANDLES]
    cmp [edi + ENTRY_VALUE], eax
    jne sysenter_slow
    mov [ebp + THREAD_LAST_ENTRY], edi
    jmp .found

; Where this worker receives its next request is in wait_eip and wait_esp since it waited; its frame becomes stale.
align 16
sysenter_reply_wait:
    mov edx, [ebp + THREAD_LINK]            ; the caller; null_thread if there is none
    mov edi, [ebp + THREAD_ENDPOINT]
    mov eax, [edx + THREAD_FLAGS]           ; the caller leaves by SYSEXIT and is otherwise usual
    or eax, [es:edi + ENDPOINT_WAITING]     ; and nobody waits for this worker
    jnz sysenter_reply_slow
    mov ecx, [fs:edi + ENDPOINT_IDLE_TOP]   ; EAX is 0 from here on: the caller's status
    ; --- point of no return, once GS has turned out not to be null ---
    mov [gs:edx + THREAD_CALLEE], eax
    mov [ebp + THREAD_LINK], ecx            ; push this worker; the link to the caller is overwritten
    mov [edi + ENDPOINT_IDLE_TOP], ebp
    mov [esp + CURRENT], edx
    mov ecx, [edx + THREAD_ROOT]
    cmp ecx, [ebp + THREAD_ROOT]
    je .same_space
    mov cr3, ecx
.same_space:
    mov ecx, [edx + THREAD_ESP]
    mov edx, [edx + THREAD_EIP]
    xor edi, edi
    xor ebp, ebp
    sti
    sysexit

sysenter_null:                              ; ECX and EDX still hold what SYSEXIT wants
    xor edi, edi
    xor ebp, ebp
    sti
    sysexit
sysenter_fast_end:

; The reply has lost its EAX to the checks.
sysenter_reply_slow:
    mov eax, OP_REPLY_WAIT

; Nothing has been changed but current->frame.eip and .esp, and those not for a reply: C takes them from wait_eip and wait_esp.
; EBP = current thread, EAX EBX ESI as the user gave them, EFLAGS clean, ESP = &cpu - 4.
sysenter_slow:
    mov [ebp + THREAD_EAX], eax
    mov [ebp + THREAD_EBX], ebx
    mov [ebp + THREAD_ESI], esi
    mov ecx, USER_DATA
    mov ds, ecx
    mov es, ecx
    mov eax, ebp
    call sysenter_dispatch                  ; status_t sysenter_dispatch(struct thread *)
    cmp [esp + CURRENT], ebp
    jne .switched
    mov [ebp + THREAD_EAX], eax
    jmp leave_kernel
.switched:
    and dword [ebp + THREAD_FLAGS], ~FLAG_RESUME_BY_IRET    ; it leaves by the gate that it came in by
    jmp leave_kernel

; Flags that would hurt the kernel or travel to the next thread are dropped; only C may continue from here.
sysenter_unusual_flags:
    push dword 2
    popfd
sysenter_through_c:
    mov ebp, [esp + CURRENT]
    mov [ebp + THREAD_EIP], edx
    mov [ebp + THREAD_ESP], ecx
    jmp sysenter_slow

; Where the MSR points while the current thread must not take the fast path.
align 16
sysenter_entry_unarmed:
    pushfd
    jmp sysenter_unusual_flags

; The #DB task sends a call that was made with TF set here, with TF cleared and ESP = &cpu. The thread leaves by IRET,
; which gives it TF back.
sysenter_entry_stepped:
    pushfd
    mov ebp, [esp + CURRENT]
    or dword [ebp + THREAD_FLAGS], FLAG_SINGLE_STEP
    jmp sysenter_unusual_flags

; #GP from one of the accesses above. The CPU has pushed error code, EIP, CS, EFLAGS below ESP = &cpu - 4; no check had
; passed for good, and EBX ESI are still the user's; so is EAX, but for a reply's.
sysenter_null_segment:
    cmp dword [esp + 4], sysenter_reply_wait
    jb .is_call
    mov eax, OP_REPLY_WAIT
.is_call:
    add esp, 16
    mov ecx, USER_DATA
    mov ds, ecx
    mov es, ecx
    mov fs, ecx
    mov gs, ecx
    mov ebp, [esp + CURRENT]
    jmp sysenter_slow
