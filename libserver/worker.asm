; The worker loop: waits, calls the handler, replies. A variant for each gate, and for pools that take handles or count requests.
;
; A worker waits with ESP = its struct worker_block (pool.h) and comes back there after every request, so the same few
; cache lines serve for ever. Between the two gates the SYSENTER loop has 14 instructions, four of them the handler's
; when it is `return reply(rq->word);`. Every one of them counts: see perf/README.md.
;
;       received:   EAX badge (< 0: an error of the wait)   EBX word   ESI method   EDI handle
;       handler:    reply_t handler(const request_t *): EAX word, EDX service status

bits 32
%include "abi/postern.inc"

HANDLE equ 0                    ; struct worker_block
METHOD_COUNT equ 4
REPLY_HANDLE equ 8
RECEIVED equ 12
ENDPOINT equ 16
POOL equ 20
METHODS equ 24
STATISTICS_CALLS equ 0x21000    ; struct startup_statistics
REQUEST equ 16                  ; request_t without its handle, and the pointer to it: on the stack while a handler runs

extern worker_first_request
extern server_unknown_method

global worker_start
global worker_become
global worker_received_sysenter
global worker_received_sysenter_handles
global worker_received_sysenter_counted
global worker_received_sysenter_handles_counted
global worker_received_int
global worker_received_int_counted
global worker_reply_with_handle

section .text

%macro count_request 0
    inc dword [STATISTICS_CALLS]
%endmacro

%macro store_handle 0
    mov [esp + HANDLE], edi
%endmacro

; Builds request_t from its last member but one to its first, and the argument that points at it. The last, the handle, is the
; block's own word: it stays 0 in a pool whose endpoint takes no handles.
%macro push_request 0
    push eax
    push esi
    push ebx
    push esp
%endmacro

; %1: label. Then what the pool does for each request. Where to receive was said to the kernel once, by the wait.
%macro sysenter_loop 1-3
align 64
%1:
    cmp esi, [esp + METHOD_COUNT]
    jae worker_unusual
    %2
    %3
    push_request
    call [esp + esi * 4 + REQUEST + METHODS]
    mov ebx, eax
    mov esi, edx
    or eax, OP_REPLY_WAIT
    sysenter
%endmacro

%macro int_loop 1-2
align 64
%1:
    cmp esi, [esp + METHOD_COUNT]
    jae worker_unusual
    %2
    store_handle
    push_request
    call [esp + esi * 4 + REQUEST + METHODS]
    add esp, REQUEST
    xor edi, edi
%endmacro

; ESP = the block. A cancelled wait is begun again. Any other error means that there is nothing left to serve, and ends the
; thread.
%macro wait_for_request 0
%%again:
    mov eax, SYS_wait
    mov ecx, [esp + ENDPOINT]
    mov edx, [esp + RECEIVED]
    int 250
    cmp eax, E_CANCELLED
    je %%again
    test eax, eax
    js finished
%endmacro

sysenter_loop worker_received_sysenter
sysenter_loop worker_received_sysenter_counted, count_request
sysenter_loop worker_received_sysenter_handles, store_handle
sysenter_loop worker_received_sysenter_handles_counted, store_handle, count_request
int_loop worker_received_int_counted, count_request
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
    store_handle
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
    wait_for_request
    push eax
    push dword [esp + 4 + POOL]
    call worker_first_request
    add esp, 4
    pop eax
    jmp [esp + RECEIVED]

wait_again:
    wait_for_request
    jmp [esp + RECEIVED]

finished:
    mov eax, SYS_thread_exit
    int 250

section .note.GNU-stack noalloc noexec nowrite progbits
