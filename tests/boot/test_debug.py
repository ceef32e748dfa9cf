"""gdb on kernel and programs, and what is printed when either goes wrong, with its addresses named."""

import pathlib
import re
import socket
import subprocess

import pytest

import boot

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "debug"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run_tool(*options, build=BUILD, commands=()):
    """tools/debug, and gdb in it with these commands."""
    command = [ROOT / "tools" / "debug", "--build", build, "--port", free_port(), "--batch", *options]
    for text in commands:
        command += ["--command", text]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def debug(*commands):
    """What gdb said, and the serial line with its addresses named."""
    done = run_tool(commands=commands)
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


# ---- a call through four processes, stopped in the last ----

MARK = "mark: "
COMMANDS = {
    "chain": ["chain"],
    "threads": ["threads"],
    "endpoints": ["endpoints"],
    "handles": ["handles vfs"],
    "changed": ["p $eip == $before_eip && $esp == $before_esp && $cr3 == $before_cr3"],
    "int": ["delete", "tbreak call_service", "continue", "backtrace"],
    "int entry": ["tbreak *&int250", "continue", "stepi", "backtrace"],
    "sysenter entry": ["tbreak *&sysenter_fast_begin", "continue", "backtrace"],
    "sysenter slow": ["tbreak sysenter_dispatch", "continue", "backtrace"],
    "end": ["delete", "type exit 7", "continue"],
}


def image_of(build, folder):
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", build / "modules", "--output", folder / "disk"], cwd=ROOT,
                   check=True)
    return folder / "disk"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """What gdb says to each of COMMANDS where the block driver is asked to read, and what the serial line says at the end."""
    commands = ["set $before_eip = $eip", "set $before_esp = $esp", "set $before_cr3 = $cr3"]
    for name, those in COMMANDS.items():
        commands += [f"echo {MARK}{name}\\n", *those]
    done = run_tool("--service", "block", "--method", "transfer", "--disk", image_of(BUILD, tmp_path_factory.mktemp("disk")),
                    commands=commands)
    said = dict(part.split("\n", 1) for part in done.stdout.split(MARK)[1:])
    assert said.keys() == COMMANDS.keys(), done.stdout + done.stderr
    return {"stop": done.stdout.split(MARK)[0], "serial": (BUILD / "debug-serial.txt").read_text(), **said}


# Of each process its first line, and functions and lines that can be nothing else, in this order.
BLOCK = (r'block \(process \d+, thread \d+\), asked by ext2 for "transfer": runs', r"\w+ \(rq=0x\w+\) at servers/block/main.c:")
EXT2 = (r'ext2 \(process \d+, thread \d+\), asked by vfs for "lookup": waits for block', "service_call .*libserver/",
        "read_blocks .*servers/ext2/io.c:", r"ext2fs_lookup \(", "names_find .*servers/ext2/names.c:", "operation .*service.c:")
EXT2_ITSELF = (r'ext2 \(process \d+, thread \d+\), asked by vfs for "lookup": runs', "names_find .*servers/ext2/names.c:",
               "operation .*service.c:")
VFS = (r'vfs \(process \d+, thread \d+\), asked by shell for "open": waits for ext2', "service_call .*libserver/",
       "servers/vfs/path.c:", "operation .*servers/vfs/operations.c:")
SHELL = (r"shell \(process \d+, thread \d+\): waits for vfs", "service_call .*libserver/", "open .*libserver/libc/descriptors.c:",
         r"main \(\) at servers/shell/main.c:", r"_start \(\) at libserver/start.asm:")


def assert_chain(said, *wanted):
    """One block of lines for each process, the last that was called first."""
    first, *blocks = said.strip().split("\n\n")
    names = [head.split()[0] for head, *_ in reversed(wanted)]
    assert first == f"{' -> '.join(names)}   (priority 16, on the budget of shell)"
    for block, (head, *frames) in zip(blocks, wanted, strict=True):
        lines = iter(block.splitlines())
        assert re.fullmatch(head, next(lines)), block
        for frame in frames:
            assert any(re.search(frame, line) for line in lines), (frame, block)
        end = list(lines)[-1:]
        assert not end or re.search(r"worker_received\w+ \(\) at libserver/worker.asm:\d+$", end[0]), block


def test_stops_where_a_request_reaches_the_service(stopped):
    assert re.search(r"^Breakpoint \d+, .*transfer\w* \(rq=0x[0-9a-f]+\) at servers/block/main.c:\d+$", stopped["stop"], re.M)


def test_chain(stopped):
    assert_chain(stopped["chain"], BLOCK, EXT2, VFS, SHELL)
    assert stopped["changed"].split()[-1] == "1"        # it leaves the registers as they were


def test_threads(stopped):
    lines = stopped["threads"].splitlines()
    assert [line.split()[2] for line in lines if line.startswith("*")] == ["block"]
    assert re.search(r"^\* +\d+ block +16 lent by shell +for ext2: runs$", stopped["threads"], re.M)
    assert re.search(r"^ +\d+ ext2 +16 lent by shell +for vfs: waits for block$", stopped["threads"], re.M)
    assert re.search(r"^ +\d+ shell +16 +waits for vfs$", stopped["threads"], re.M)
    assert re.search(r"^ +\d+ console +20 +waits for bits 0x3 of a notification \(interrupt 4, interrupt 1\)$",
                     stopped["threads"], re.M)
    assert len(re.findall(r"^ +\d+ vfs +16 +waits for a request$", stopped["threads"], re.M)) == 7


def test_endpoints(stopped):
    facts = {line.split()[0]: line.split()[1:] for line in stopped["endpoints"].splitlines()[1:]}
    for name, workers, client in (("block", 16, "ext2"), ("ext2", 8, "vfs"), ("vfs", 8, "shell")):
        assert facts[name] == [str(workers), str(workers - 1), "0", "0", "0", client], stopped["endpoints"]
    assert facts["pci"][:2] == ["4", "4"] and facts["rtc"][:2] == ["1", "1"]


def test_handles(stopped):
    said = stopped["handles"]
    number = re.match(r"handles of vfs \(process (\d+)\)\n", said)[1]
    assert re.search(r"^ +0x20 +1 +0 process +init +0  all; vfs$", said, re.M)
    for service in ("ext2", "memoryfs", "bootfs"):      # with its own number as the badge
        assert re.search(rf"^ +0x[0-9a-f]+ +\d+ +\d+ endpoint +init +{number}  call-transfer; of {service}$", said, re.M), said
    assert re.search(r"^ +0x[0-9a-f]+ +\d+ +\d+ memory +shell +0  read-write-transfer; 64 pages$", said, re.M), said


def test_backtraces_out_of_the_kernel(stopped):
    """By either gate, in C and at its first instructions."""
    worker = r"#\d+ .* worker_received\w+ \(\) at libserver/worker.asm:\d+\n"
    for name, frames in (("int", r"#0 +call_service .*kernel/call.c(.*\n)+?#\d .* int250 \(\) .*(.*\n)+?#\d .* "
                                 r"service_call_full "),
                         ("int entry", r"#0 +int250 \(\) .*\n#1 .* system_"),
                         ("sysenter entry", r"#0 +sysenter_fast_begin \(\) .*\n#1 .*(gate_call_sysenter|worker_received)"),
                         ("sysenter slow", r"#0 +sysenter_dispatch .*\n#1 .* sysenter_slow \(\) .*\n#2 .* at libserver/")):
        assert re.search(frames, stopped[name]), stopped[name]
    assert re.search(worker, stopped["int"]) and "corrupt" not in stopped["int"] + stopped["sysenter slow"]


def test_goes_on_afterwards(stopped):
    """What was looked at did not notice: the file is shown, and the shell reads what `type` has typed."""
    assert "This file came a long way" in stopped["serial"] and "$ exit 7" in stopped["serial"]


def test_release_build(tmp_path):
    """With another function of the service than that of a request."""
    build = ROOT / "build" / "release"
    done = run_tool("--service", "ext2", "--break", "names_find", "--disk", image_of(build, tmp_path), build=build,
                    commands=[f"echo {MARK}\\n", "chain", f"echo {MARK}\\n", "delete", "tbreak call_service", "continue",
                              "backtrace"])
    parts = done.stdout.split(MARK)
    assert len(parts) == 3, done.stdout + done.stderr
    assert_chain(parts[1], EXT2_ITSELF, VFS, SHELL)
    assert re.search(r"#\d .* int250 \(\) .*(.*\n)+?#\d .* service_call_full .*(.*\n)+#\d+ .* worker_received",
                     parts[2]), parts[2]


@pytest.mark.parametrize("options,says", [
    (["--service", "nosuch"], "there is no service nosuch; there are: init, log, rtc, pci, block, ext2,"),
    (["--service", "block", "--method", "fly"], "block has no method fly; it has: session, units, describe, transfer"),
    (["--method", "read"], "METHOD and BREAK want a SERVICE"),
    (["--qemu", "no-such-qemu"], "there is no program no-such-qemu: install it"),
])
def test_what_is_not_there(options, says):
    done = run_tool(*options)
    assert done.returncode != 0 and says in done.stderr and not done.stdout, done
