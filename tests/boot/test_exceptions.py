"""What the emulator saw at CPL 0 while the guest suite ran: interrupts end the idle loop, and a few exceptions are part of
the SYSENTER path (sysenter/entry.asm says why). Anything else is a defect, even if every case passed."""

import bisect
import pathlib
import re
import subprocess

import pytest

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCEPTION = re.compile(r"v=([0-9a-f]{2}) e=[0-9a-f]{4} i=\d cpl=(\d) IP=[0-9a-f]{4}:([0-9a-f]+)")
DEBUG, NMI, NO_FPU, GENERAL_PROTECTION, FIRST_INTERRUPT, TIMER = 1, 2, 7, 13, 32, 48
FAST_PATH = 61         # instructions of sysenter/entry.asm before which an NMI may come
USER_SIDE = 75          # at least
ALLOWED = {                                  # vector: where at CPL 0
    DEBUG: {"sysenter_entry", "sysenter_entry_single_step_end", "sysenter_entry_unarmed"},
    GENERAL_PROTECTION: {"sysenter_fast_begin", "sysenter_reply_wait"},
}


class Symbols:
    def __init__(self, program):
        lines = subprocess.run(["nm", "-n", program], capture_output=True, text=True, check=True).stdout.splitlines()
        parts = [line.split() for line in lines if len(line.split()) == 3]
        self.addresses = [int(address, 16) for address, _, _ in parts]
        self.names = [name for _, _, name in parts]

    def at(self, address):
        """The last symbol at or before the address that is no local label."""
        i = bisect.bisect_right(self.addresses, address) - 1
        while i >= 0 and "." in self.names[i]:
            i -= 1
        return self.names[i] if i >= 0 else "?"


def is_allowed(vector, place):
    """Behind an NMI the FPU is denied to whoever was using it: arch/x86/fpu.c alone, at CPL 0."""
    waits = place in ("idle", "let_interrupts_in")
    return vector in (NMI, NO_FPU) or (vector >= FIRST_INTERRUPT and waits) or place in ALLOWED.get(vector, ())


def unexpected(log, symbols):
    seen = ((int(vector, 16), int(level), int(address, 16)) for vector, level, address in EXCEPTION.findall(log))
    return sorted({f"vector {vector} in {symbols.at(address)} at 0x{address:08x}" for vector, level, address in seen
                   if level == 0 and address >= 0xC0000000 and not is_allowed(vector, symbols.at(address))})


def instructions(program, first, last=None):
    """Addresses of the instructions between two symbols, or of one function, without the filling between functions."""
    symbols = Symbols(program)
    start = symbols.addresses[symbols.names.index(first)]
    end = symbols.addresses[symbols.names.index(last)] if last else \
        min(address for address, name in zip(symbols.addresses, symbols.names) if address > start and not name.startswith(first))
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={start}", f"--stop-address={end}", program],
                          capture_output=True, text=True, check=True).stdout
    found = {int(address, 16): what.strip() for address, what in re.findall(r"^([0-9a-f]+):\t(.*)$", text, re.M)}
    return {address: what for address, what in found.items() if what != "nop" and not re.match(r"lea +0x0\(%esi,", what)}


def untouched(log, vector, level, places):
    """Those of the instructions before which this exception or interrupt never came."""
    hit = {int(address, 16) for seen, at, address in EXCEPTION.findall(log) if (int(seen, 16), int(at)) == (vector, level)}
    return {f"0x{address:08x} {what}" for address, what in places.items() if address not in hit}


def fast_path(kernel):
    """The instructions of the SYSENTER path before which an NMI may come; SYSEXIT is in the shadow of STI."""
    return {address: what for address, what in instructions(kernel, "sysenter_entry", "sysenter_fast_end").items()
            if what != "sysexit"}


def untouched_by_nmi(log, kernel):
    return untouched(log, NMI, 0, fast_path(kernel))


def user_side(programs):
    """Where the timer may come: a client's way through the gate, and the worker loops of both its services."""
    client = instructions(programs / "tests.elf", "raw_sysenter")
    loads = {address for address, what in client.items() if re.match(r"mov +%ecx,%[defg]s", what)}  # of segments: other cases'
    loops = [instructions(programs / name, loop, f"{loop}_counted")  # the pool in tests.elf takes handles
             for name, loop in (("tests.elf", "worker_received_sysenter_handles"), ("echo.elf", "worker_received_sysenter"))]
    return {address: what for places in [client] + loops for address, what in places.items() if address not in loads}


@pytest.fixture(scope="module", params=[("release", "max"), ("release", "n270"), ("debug", "max")], ids="-".join)
def logged(request, tmp_path_factory):
    build, cpu = request.param
    log, folder = tmp_path_factory.mktemp("exceptions") / "log", ROOT / "build" / build
    result = boot.run(build=str(folder), list=str(ROOT / "tests" / "system.toml"), cpu=cpu, icount=True, timeout=240,
                      extra=["-d", "int,cpu_reset,guest_errors", "-D", str(log)])
    return tap.judge(result.serial, result.code), log.read_text(), folder


def test_nothing_unexpected_at_cpl_0(logged, record_guest_cases):
    verdict, log, folder = logged
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert len(EXCEPTION.findall(log)) > 10000, "the emulator has logged no exceptions"
    assert unexpected(log, Symbols(folder / "kernel.elf")) == []


def test_an_nmi_came_at_every_instruction_of_the_fast_path(logged):
    _, log, folder = logged
    assert len(fast_path(folder / "kernel.elf")) == FAST_PATH
    assert untouched_by_nmi(log, folder / "kernel.elf") == set()


def test_the_timer_and_an_nmi_came_at_every_instruction_around_the_gate(logged):
    _, log, folder = logged
    places = user_side(folder / "programs")
    assert len(places) > USER_SIDE
    assert untouched(log, TIMER, 3, places) == untouched(log, NMI, 3, places) == set()


def test_an_unexpected_one_is_seen():
    symbols = Symbols(ROOT / "build" / "release" / "kernel.elf")
    address = symbols.addresses[symbols.names.index("int250")]
    line = f"     1: v=0e e=0000 i=0 cpl=0 IP=0008:{address:08x} pc={address:08x} SP=0010:c0120bfc"
    assert unexpected(line, symbols) == [f"vector 14 in int250 at 0x{address:08x}"]
    assert unexpected(line.replace("cpl=0", "cpl=3"), symbols) == []
