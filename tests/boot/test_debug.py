"""gdb on kernel and programs, and what is printed when either goes wrong, with its addresses named."""

import pathlib
import re
import socket
import subprocess

import boot

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "debug"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def debug(*commands):
    """What gdb said, and the serial line with its addresses named."""
    command = [str(ROOT / "tools" / "debug"), "--build", str(BUILD), "--port", free_port(), "--batch"]
    for text in commands:
        command += ["--command", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr, symbolize((BUILD / "debug-serial.txt").read_text())


def symbolize(text):
    return subprocess.run([str(ROOT / "tools" / "symbolize"), "--build", str(BUILD)], input=text, capture_output=True,
                          text=True, check=True).stdout


def test_breakpoints_in_kernel_and_program():
    said, _ = debug("break service_start", "continue", "info symbol $eip", "delete", "break sys_call", "continue", "backtrace 1")
    assert "servers/init/start.c" in said and "init.elf" in said
    assert "sys_call (thread=" in said and "kernel/syscalls.c" in said


def test_kernel_stack_overflow():
    _, serial = debug("break call_service", "continue", "delete", "set var $esp = (unsigned)&cpu_area.stack + 4", "continue")
    assert "panic: double fault: the kernel stack overflowed" in serial
    assert "kernel: call_service call.c" in serial and "stack:" in serial


def test_exception_in_the_kernel():
    _, serial = debug("break sys_call", "continue", "delete", "set var *(short *)$eip = 0x0b0f", "continue")
    assert "panic: exception 6 in the kernel" in serial
    assert "kernel: sys_call syscalls.c" in serial and "kernel: int250.done entry.asm" in serial


def test_init_faults():
    _, serial = debug("break init.c:main", "continue", "delete", "set var $eip = 0", "continue")
    assert "fault: vector 14" in serial and "panic: init failed, and nobody supervises it" in serial


def address_in_init(symbol):
    lines = subprocess.run(["nm", str(BUILD / "programs" / "init.elf")], capture_output=True, text=True, check=True).stdout
    return "0x" + next(line.split()[0] for line in lines.splitlines() if line.endswith(f" {symbol}"))


def test_init_ends():
    _, serial = debug("break init.c:main", "continue", "delete", f"set var $eip = {address_in_init('process_exit')}", "continue")
    assert "panic: init has ended with code" in serial


def test_a_service_faults():
    listing = ROOT / "tests" / "system.toml"
    chosen = BUILD / "hostile.toml"
    chosen.write_text(listing.read_text().replace("essential = true", 'essential = true\narguments = { only = "hostile" }'))
    result = boot.run(build=str(BUILD), list=str(chosen), icount=True)
    serial = symbolize(result.serial)
    assert result.ok, result.serial
    assert "fault: hostile-fault: page fault (vector 14, error 0x6, address 0x00000000)" in serial
    assert "hostile: fault hostile.c" in serial and "then:        hostile-fault ended with code 142" in serial
    # Inside and outside the guest, the address has the same name.
    assert re.search(r"^  where: +0x[0-9a-f]{8} fault\+0x[0-9a-f]+   hostile: fault hostile.c:\d+$", serial, re.M)
