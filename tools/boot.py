#!/usr/bin/python3
"""Boots Postern under QEMU or Bochs, collects its serial output, and says how it ended.

Used by hand, by `make run`, by perf/bench.py and by the test harness."""

import argparse
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SYSTEM_LIST = pathlib.Path(__file__).resolve().parent / "system_list"
EXIT_PORT = "isa-debug-exit,iobase=0xf4,iosize=4"
OVMF_64 = "/usr/share/ovmf/OVMF.fd"
OVMF_32 = "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd"
OVMF_32_VARIABLES = "/usr/share/OVMF/OVMF32_VARS_4M.fd"
# Debian's OVMF for 32 bits is made for secure boot, and so for flash chips and system management mode.
FIRMWARE = {
    "bios": [],
    "uefi32": ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_32}",
               "-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={OVMF_32_VARIABLES}"],
    "uefi64": ["-bios", OVMF_64],
}
FIRMWARE_FILES = {"bios": [], "uefi32": [OVMF_32, OVMF_32_VARIABLES], "uefi64": [OVMF_64]}
BOCHS_SHARE = pathlib.Path("/usr/share/bochs")
BOCHS_CONFIG = """\
megs: {memory}
cpu: model={cpu}, count=1, ips=50000000, reset_on_triple_fault=0
romimage: file={share}/BIOS-bochs-latest
vgaromimage: file={share}/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
display_library: term
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
clock: sync=none, time0=946681200
plugin_ctrl: sb16=0, es1370=0, speaker=0, unmapped=1, biosdev=1
"""


@dataclasses.dataclass
class Result:
    serial: str          # what the guest wrote to COM1
    code: int            # the guest's exit code; -1 when it did not end by itself
    timed_out: bool
    log: str             # what the emulator itself said

    @property
    def ok(self):
        return self.code == 0 and not self.timed_out


def prepare_list(listing, build, target, arguments=""):
    """A system list as init reads it: a copy, or what a TOML file compiles to; the essential program gets further arguments.
    Returns its path."""
    if pathlib.Path(listing).suffix != ".toml":
        shutil.copy(listing, target)
    elif subprocess.run([SYSTEM_LIST, "--programs", f"{build}/modules", "--output", target, listing]).returncode != 0:
        sys.exit(f"boot: {listing} has mistakes")
    if arguments:
        text = pathlib.Path(target).read_text()
        pathlib.Path(target).write_text(re.sub(r"^(.* essential=yes.*)$", rf"\1 {arguments}", text, flags=re.M))
    return str(target)


def direct_modules(kernel, build, listing):
    """Arguments for QEMU's own multiboot loader: the kernel, init, the system list, names for fault reports, every program."""
    if listing is None:
        return ["-kernel", kernel]
    programs = sorted(p for p in (pathlib.Path(build) / "modules").iterdir() if p.name != "init")
    symbols = [f"{build}/symbols symbols"] if (pathlib.Path(build) / "symbols").exists() else []
    modules = [f"{build}/modules/init init", f"{listing} system.list", *symbols] + [f"{p} {p.name}" for p in programs]
    return ["-kernel", kernel, "-initrd", ",".join(modules)]


def image_arguments(image):
    """Arguments for QEMU to boot an image: as a CD, or as a USB stick, to which nothing is written."""
    if image.endswith(".iso"):
        return ["-cdrom", image, "-boot", "d"]
    return ["-drive", f"file={image},format=raw,if=none,id=stick,snapshot=on",
            "-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0"]


def qemu_command(options, serial):
    command = [options.qemu, "-M", options.machine, "-cpu", options.cpu, "-m", str(options.memory), "-smp", str(options.smp),
               "-display", "none", "-monitor", "none", "-net", "none", "-no-reboot", "-device", EXIT_PORT,
               "-serial", serial, *FIRMWARE[options.firmware]]
    command += ["-accel", options.accel] if options.accel == "kvm" else ["-accel", "tcg"]
    if options.icount:
        command += ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
    if options.iso:
        command += image_arguments(options.iso)
    elif options.kernel:
        command += ["-kernel", options.kernel]
    else:
        command += direct_modules(f"{options.build}/{options.elf}", options.build, options.list)
    return command + options.extra


def terminal_command(options):
    """With serial line and monitor on this terminal: Ctrl-A C changes between them, Ctrl-A X ends QEMU."""
    command = qemu_command(options, "mon:stdio")
    at = command.index("-monitor")
    return command[:at] + command[at + 2:]


def default_options(**changes):
    options = argparse.Namespace(emulator="qemu", qemu="qemu-system-i386", machine="pc", cpu="max", memory=64, smp=1,
                                 firmware="bios", accel="tcg", icount=False, iso=None, build="build/release",
                                 list="servers/system.toml", kernel=None, elf="kernel.elf", arguments="", timeout=60,
                                 extra=[])
    for name, value in changes.items():
        if not hasattr(options, name):
            raise TypeError(f"boot.run has no option {name}")
        setattr(options, name, value)
    return options


def end(process):
    """Ends the process, with the group that it leads."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(process, timeout):
    """True when the process ended by itself. It does not outlive this program, however that ends."""
    try:
        process.wait(timeout)
        return True
    except subprocess.TimeoutExpired:
        end(process)
        return False
    except BaseException:
        end(process)
        raise


def exit_on_termination():
    """SIGTERM is an exit like any other, so that the emulator is ended too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def give_up_without(program):
    sys.exit(f"boot: there is no program {program}: set QEMU= (config.mk), or install it (tools/packages run)")


def run_command(command, timeout, output, environment=None):
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, env=environment)
    except FileNotFoundError:
        give_up_without(command[0])
    return wait(process, timeout), process.returncode


def read(path):
    return path.read_text(errors="replace").replace("\r", "") if path.exists() else ""


def run_qemu(options, folder):
    serial, log = folder / "serial", folder / "emulator"
    with log.open("w") as output:
        ended, status = run_command(qemu_command(options, f"file:{serial}"), options.timeout, output)
    text = read(serial)
    # isa-debug-exit ends QEMU with (code << 1) | 1, where the written byte is the code; QEMU's own failures are 1 as well.
    by_guest = ended and status & 1 and (status > 1 or exit_code_in(text) == 0)
    return Result(text, status >> 1 if by_guest else -1, not ended, read(log))


def run_bochs(options, folder):
    serial, log, config, commands = folder / "serial", folder / "bochs.log", folder / "bochsrc", folder / "commands"
    config.write_text(BOCHS_CONFIG.format(memory=options.memory, cpu=options.cpu, share=BOCHS_SHARE, serial=serial,
                                          iso=options.iso, log=log) + "".join(f"{line}\n" for line in options.extra))
    commands.write_text("c\nq\n")
    # Debian's Bochs has the debugger built in, and its text display needs a terminal: script(1) makes one.
    command = ["script", "-qfc", f"bochs -q -f {config} -rc {commands}", "/dev/null"]
    with (folder / "emulator").open("w") as output:
        ended, _ = run_command(command, options.timeout, output, dict(os.environ, TERM="vt100"))
    text = read(serial)
    return Result(text, exit_code_in(text) if ended else -1, not ended, read(log))


def exit_code_in(text):
    """What init prints as its last line; -1 without one."""
    for line in reversed(text.splitlines()):
        if line.startswith("machine exit: code "):
            return int(line.split()[-1])
    return -1


def run(**changes):
    """Boots once and returns a Result; the options are those of default_options()."""
    options = default_options(**changes)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-"))
    try:
        if options.list and not options.iso:
            # Known by its file's name.
            options.list = prepare_list(options.list, options.build, folder / "system.list", options.arguments)
        return (run_bochs if options.emulator == "bochs" else run_qemu)(options, folder)
    finally:
        shutil.rmtree(folder)


def run_without_modules(**changes):
    """Boots the bare kernel."""
    options = default_options(**changes)
    options.iso = None
    return run(**{**vars(options), "list": None})


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = default_options()
    parser.add_argument("--emulator", choices=["qemu", "bochs"], default="qemu")
    for name in ("qemu", "machine", "cpu", "build", "list"):
        parser.add_argument(f"--{name}", default=getattr(defaults, name), help="default: %(default)s")
    parser.add_argument("--firmware", choices=list(FIRMWARE), default="bios", help="uefi32, uefi64: OVMF; they need --iso")
    parser.add_argument("--iso", help="boot this image through GRUB: .iso as a CD, any other as a USB stick; "
                        "without it QEMU loads the kernel directly")
    parser.add_argument("--elf", default=defaults.elf,
                        help="the kernel in the build folder, default %(default)s; audit.elf checks itself")
    parser.add_argument("--arguments", default="", help='for the essential program of the list, such as "only=call"')
    parser.add_argument("--memory", type=int, default=64, help="MiB, default 64")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="tcg")
    parser.add_argument("--icount", action="store_true", help="the guest's time stamp counter counts instructions")
    parser.add_argument("--timeout", type=float, default=60, help="seconds, default 60; ignored with --interactive")
    parser.add_argument("--interactive", action="store_true", help="serial line on this terminal; Ctrl-A X ends QEMU")
    parser.add_argument("--gdb", action="store_true", help="wait for gdb on port 1234 (QEMU)")
    parser.add_argument("--print", action="store_true", help="print what --interactive runs, for a shell")
    parser.add_argument("extra", nargs="*", help="further QEMU arguments, or lines for Bochs, after --")
    parser.set_defaults(kernel=defaults.kernel)
    return parser.parse_args(arguments)


def check_files(options):
    if options.emulator == "bochs" and not options.iso:
        sys.exit("boot: Bochs starts from an image: make iso builds them, --iso names one")
    for path in [options.iso] if options.iso else [f"{options.build}/{options.elf}", f"{options.build}/modules", options.list]:
        if not os.path.exists(path):
            sys.exit(f"boot: {path} is not there: run make (make iso for images), or name another")


def check_firmware(options):
    name = options.firmware
    if name != "bios" and (options.emulator == "bochs" or not options.iso):
        sys.exit(f"boot: {name} starts from an image, under QEMU: make iso builds one, --iso names it")
    if name == "uefi32" and not options.machine.startswith(("q35", "pc-q35")):
        sys.exit("boot: uefi32 runs on q35 alone: --machine q35 (make run: MACHINE=q35)")
    if name == "uefi64" and options.qemu.endswith("i386"):
        sys.exit("boot: uefi64 needs a CPU of 64 bits: --qemu qemu-system-x86_64 (make run: QEMU=qemu-system-x86_64)")
    for path in FIRMWARE_FILES[name]:
        if not os.path.exists(path):
            sys.exit(f"boot: {path} is not there: install OVMF (tools/packages uefi)")


def main():
    options = parse(sys.argv[1:])
    exit_on_termination()
    check_files(options)
    check_firmware(options)
    if (options.print or options.interactive) and not options.iso:
        options.list = prepare_list(options.list, options.build, pathlib.Path(options.build) / "system.list", options.arguments)
    if options.gdb:
        options.extra += ["-S", "-gdb", "tcp:127.0.0.1:1234"]
    if options.print:
        print(shlex.join(terminal_command(options)))
        return 0
    if options.interactive:
        command = terminal_command(options)
        if not shutil.which(command[0]):
            give_up_without(command[0])
        status = subprocess.run(command).returncode
        return status >> 1 if status & 1 else status
    began = time.monotonic()
    names = ("emulator", "qemu", "machine", "cpu", "memory", "smp", "firmware", "accel", "icount", "iso", "build", "elf",
             "list", "arguments", "timeout", "extra")
    result = run(**{name: getattr(options, name) for name in names})
    sys.stdout.write(result.serial)
    if result.code != 0:
        sys.stderr.write(result.log)
        how = "was ended after its time limit" if result.timed_out else f"ended with code {result.code}"
        print(f"boot: the guest {how} ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    return 124 if result.timed_out else result.code & 0xFF


if __name__ == "__main__":
    sys.exit(main())
