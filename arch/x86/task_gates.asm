; Entry points of the exceptions that are hardware tasks. IRET switches back and leaves EIP behind it, so each loops.

bits 32
extern debug_exception
extern nmi
extern double_fault
extern machine_check
global task_debug
global task_nmi
global task_double_fault
global task_machine_check

section .text
task_debug:
    call debug_exception
    iretd
    jmp task_debug

task_nmi:
    call nmi
    iretd
    jmp task_nmi

task_double_fault:
    jmp double_fault

task_machine_check:
    jmp machine_check
