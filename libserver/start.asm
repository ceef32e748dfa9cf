; Where the threads of a program begin.

bits 32
%include "abi/postern.inc"

extern startup_main

global _start
global thread_entry

section .text

; The first thread. Whoever started it gave it a stack and nothing else.
_start:
    call startup_main               ; never returns

; A thread of thread_spawn(). EBX = struct spawned *, at the top of its stack: function, argument, finished.
thread_entry:
    push dword [ebx + 4]
    call [ebx]
    mov dword [ebx + 8], 1          ; from here on the stack may be unmapped by anybody, so it is not touched
    mov eax, SYS_thread_exit
    int 250

section .note.GNU-stack noalloc noexec nowrite progbits
