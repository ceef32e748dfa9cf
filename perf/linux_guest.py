"""The Linux that Postern is compared with: what it is called, and how it is booted for one program."""

import pathlib
import sys

import bench

TITLES = {"postern": "Postern", "linux": "Linux", "linux-off": "Linux, mitigations=off"}
# Only emergencies on the serial line; a panic ends QEMU, which does not reboot. Fixed priorities may use all of the time.
LINE = "console=ttyS0 rdinit=/init loglevel=1 panic=-1 sysctl.kernel.sched_rt_runtime_us=-1"
# The same random numbers and the same date in every boot, or two runs would not count the same.
REPEATABLE = ["-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]


def add_arguments(parser, initramfs):
    parser.add_argument("--linux-kernel", type=pathlib.Path, default=pathlib.Path("libraries/linux/vmlinuz"))
    parser.add_argument("--linux-programs", type=pathlib.Path, default=pathlib.Path(initramfs))


def release(options):
    """The version of the kernel, which perf/linux/kernel.py wrote beside it."""
    return options.linux_kernel.with_name("release").read_text().strip()


def run(options, system, program, names, icount, extra=()):
    """Boots the system, whose init runs the program; figures, which must bear these names, and facts."""
    print(f"{TITLES[system]}: ", end="", file=sys.stderr)
    line = f"{LINE} {'mitigations=off ' if system == 'linux-off' else ''}-- {program}"
    command = ["-initrd", str(options.linux_programs), "-append", line, *REPEATABLE, *extra]
    results, facts = bench.boot_guest(options, names, icount, kernel=str(options.linux_kernel), list=None, extra=command)
    bench.check_complete(results, facts, names)
    return results, facts
