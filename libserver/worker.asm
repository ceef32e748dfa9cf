; The worker loop: waits, calls the handler, replies. A variant for each gate, and for pools that count their requests.
;
; A worker waits with ESP = its struct worker_block (pool.h) and comes back there after every request, so the same few
; cache lines serve for ever. Between the two gates the SYSENTER loop has 17 instructions, four of them the handler's
; when it is `return reply(rq->word);`. Every one of them counts: see perf/README.md.
;
;       received:   EAX badge (< 0: an error of the wait)   EBX word   ESI method   EDI handle
;       handler:    reply_t handler(const request_t *): EAX word, EDX service status

bits 32
%include "abi/postern.inc"

METHOD_COUNT equ 0              ; struct worker_block
REPLY_HANDLE equ 4
RECEIVED equ 8
ENDPOINT equ 12
POOL equ 16
METHODS equ 20
STATISTICS_CALLS equ 0x21000    ; struct startup_statistics
REQUEST equ 20                  ; request_t and the pointer to it, on the stack while a handler runs

extern worker_first_request
extern server_unknown_method

global worker_start
global worker_become
global worker_received_sysenter
global worker_received_int
global worker_received_sysenter_counted
global worker_received_int_counted
global worker_reply_with_handle

section .text

; Builds request_t from its last member to its first, and the argument that points at it.
%macro push_request 0
    push edi
    push eax
    push esi
    push ebx
    push esp
%endmacro

; %1: label. %2: what a pool that counts does for each request.
%macro sysenter_loop 1-2
align 64
%1:
    cmp esi, [esp + METHOD_COUNT]
    jae worker_unusual
    %2
    push_request
    call [esp + esi * 4 + REQUEST + METHODS]
    mov ebx, eax
    mov esi, edx
    or eax, OP_REPLY_WAIT
    lea ecx, [esp + REQUEST]
    mov edx, %1
    sysenter
%endmacro

%macro int_loop 1-2
align 64
%1:
    cmp esi, [esp + METHOD_COUNT]
    jae worker_unusual
    %2
    push_request
    call [esp + esi * 4 + REQUEST + METHODS]
    add esp, REQUEST
    xor edi, edi
%endmacro

sysenter_loop worker_received_sysenter
sysenter_loop worker_received_sysenter_counted, {inc dword [STATISTICS_CALLS]}
int_loop worker_received_int_counted, {inc dword [STATISTICS_CALLS]}
    jmp reply_by_int
int_loop worker_received_int
reply_by_int:
    mov ebx, eax
    mov esi, edx
    mov eax, SYS_reply_wait
    int 250
    jmp [esp + RECEIVED]

; The method is out of the table's range. With an error of the wait it always is: 0xFFFFFFFF.
worker_unusual:
    test eax, eax
    js wait_again
    push_request
    call server_unknown_method
    add esp, REQUEST
    xor edi, edi
    jmp reply_by_int

; reply_handle() sends handlers back here instead of to the loop.
worker_reply_with_handle:
    add esp, REQUEST
    mov edi, [esp + REPLY_HANDLE]
    jmp reply_by_int

; void worker_become(struct worker_block *)
worker_become:
    mov esp, [esp + 4]
worker_start:
    call wait_for_request
    push eax
    push dword [esp + 4 + POOL]
    call worker_first_request
    add esp, 4
    pop eax
    jmp [esp + RECEIVED]

wait_again:
    call wait_for_request
    jmp [esp + RECEIVED]

; A cancelled wait is begun again. Any other error means that there is nothing left to serve, and ends the thread.
wait_for_request:
    mov eax, SYS_wait
    mov ecx, [esp + 4 + ENDPOINT]
    int 250
    cmp eax, E_CANCELLED
    je wait_for_request
    test eax, eax
    js .finished
    ret
.finished:
    mov eax, SYS_thread_exit
    int 250

section .note.GNU-stack noalloc noexec nowrite progbits
