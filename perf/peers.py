#!/usr/bin/python3
"""Compares Postern's calls with what Linux has between processes: the same emulator and machine; prints both and writes JSON.

Yardsticks: `instructions` under QEMU's -icount, and `ticks` of the time stamp counter under TCG, which is the emulator's time
and never hardware time: only ratios within one unit mean anything."""

import argparse
import json
import pathlib
import sys

import bench
import linux_guest
from bench import Failure, boot, number, ratio
from linux_guest import TITLES
from results import save

POSTERN_NAMES = ["overhead/loop", "gate/null/int", "gate/null/sysenter", "rtt/same/int", "rtt/same/sysenter", "notify/roundtrip",
                 "rtt/cross/int", "rtt/cross/sysenter"]
# What perf/linux/ipc.c does for one round trip; all of it by SYSENTER.
MECHANISMS = {
    "futex": "the word lies in shared memory; each side takes it, or sleeps by FUTEX_WAIT, and wakes the other by FUTEX_WAKE",
    "eventfd": "two counters; write adds the word to one, read takes it and leaves 0 (8 bytes, as eventfd wants it)",
    "pipe": "two pipes; write and read of 4 bytes",
    "unix-seqpacket": "a pair of Unix sockets that keep the bounds of messages; write and read of 4 bytes",
    "unix-stream": "a pair of Unix sockets without bounds; write and read of 4 bytes",
}
SCHEDULERS = ["", "/fifo"]
ROUND_TRIPS = [f"rtt/{space}/{way}{scheduler}" for space in ("same", "cross") for way in MECHANISMS for scheduler in SCHEDULERS]
LINUX_NAMES = ["overhead/loop", "gate/null/int", "gate/null/sysenter", *ROUND_TRIPS]
NAMES = {"postern": POSTERN_NAMES, "linux": LINUX_NAMES, "linux-off": LINUX_NAMES}
LEGEND = """\
times INT, times SYSENTER: this median over Postern's of the same kind (gate/null, rtt/same or rtt/cross) by that gate.
All: two threads of one process (same) or of two (cross) on one processor; the word of 32 bits goes there and comes back, and is
compared; the loop is part of the figure. Each way takes at least one wake-up and one switch of thread.
Postern: two kernel entries, and a switch straight to the worker that waits, which goes on with the caller's budget; no scheduler.
notify/roundtrip is what it has for signals: no word, four entries by INT 250, both ways through its scheduler.
Linux: four system calls, and its scheduler both ways. As programs are by default, and with fixed priorities (/fifo).
gate/null: OP_NULL, which does nothing; Linux, getppid, by INT 0x80 and by the kernel's own stub for SYSENTER."""


def recorded(options):
    """Postern's figures by unit, as `make bench` wrote them; none if the image is newer, or the CPU another one."""
    image = options.build / "postern-perf.iso"
    if not options.bench.exists() or options.bench.stat().st_mtime < image.stat().st_mtime:
        return {}
    data = json.loads(options.bench.read_text())
    if (data["machine"]["accel"], data["machine"]["cpu"]) != ("tcg", options.cpu):
        return {}
    runs = {}
    for row in data["results"]:
        runs.setdefault(row["unit"], {})[row["name"]] = {key: row[key] for key in bench.RESULT_KEYS}
    return runs


def postern(options, unit):
    """Figures and facts."""
    found = recorded(options).get(unit)
    if found:
        print(f"Postern: taken from {options.bench}, which is newer than the image", file=sys.stderr)
        return found, {}
    print("Postern: ", end="", file=sys.stderr)
    return bench.run(options, unit == "instructions")


def linux(options, system, unit):
    """The same for Linux; --repeat boots it again, which must not change a figure that is exact."""
    exact = unit == "instructions"
    first = linux_guest.run(options, system, "ipc", LINUX_NAMES, exact)
    for _ in range(1, options.repeat if exact else 1):
        if linux_guest.run(options, system, "ipc", LINUX_NAMES, exact) != first:
            raise Failure(f"two runs of {TITLES[system]} count differently")
    return first


def run(options, system, unit):
    return postern(options, unit) if system == "postern" else linux(options, system, unit)


def kind(name):
    """What it is compared with: the beginning of the names of Postern's two gates."""
    return "rtt/same" if name == "notify/roundtrip" else "/".join(name.split("/")[:2])


def over(name, results, ours, gate):
    return ratio(results[name]["p50"], bench.value(ours, f"{kind(name)}/{gate}"))


def switches(name, facts):
    """Of the caller, for one call: away and back."""
    return f"{facts[f'switches/{name}'] / facts[f'calls/{name}']:10.2f}" if f"switches/{name}" in facts else ""


def print_system(system, figures, ours):
    results, facts = figures
    print(TITLES[system])
    for name in NAMES[system]:
        if name in results:
            row = "".join(f"{number(results[name][key]):>12}" for key in ("n", "min", "p50", "p90", "p99", "max"))
            times = "".join(f"{over(name, results, ours, gate):>10}" for gate in bench.GATES)
            print(f"  {name:<28}{row}{times}{switches(name, facts)}")


def print_figures(unit, runs):
    ours = runs["postern", unit][0]
    head = "".join(f"{word:>12}" for word in ("n", "min", "median", "p90", "p99", "max"))
    print(f"\n{unit:<30}{head} times INT  SYSENTER  switches")
    for system, run_unit in runs:
        if run_unit == unit:
            print_system(system, runs[system, unit], ours)


def print_legend():
    print(f"\n{LEGEND}")
    for way, text in MECHANISMS.items():
        print(f"  {way:<16}{text}")


def write_json(options, runs):
    rows = [{"system": system, "name": name, "unit": unit, **{key: results[name][key] for key in bench.RESULT_KEYS}}
            for (system, unit), (results, _) in runs.items() for name in NAMES[system] if name in results]
    machine = {"accel": "tcg", "cpu": options.cpu, "machine": options.machine, "memory": options.memory,
               "linux": linux_guest.release(options)}
    save(options.output, machine=machine, results=rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", choices=["linux", "linux-off"], default=["linux", "linux-off"],
                        help="what to boot beside Postern")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="folder with postern-perf.iso")
    parser.add_argument("--bench", type=pathlib.Path, default=pathlib.Path("build/bench.json"),
                        help="figures of make bench, used in place of a boot when newer than the image and of the same CPU")
    linux_guest.add_arguments(parser, "build/release/linux/ipc.initramfs")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/peers.json"))
    parser.add_argument("--repeat", type=int, default=1,
                        help="count Linux's instructions this often, and fail unless the figures are identical")
    bench.add_unit_argument(parser)
    bench.add_machine_arguments(parser, memory=64)
    parser.set_defaults(accel="tcg")
    return parser.parse_args()


def check_files(options):
    kernel = options.linux_kernel
    for path in (options.build / "postern-perf.iso", kernel, kernel.with_name("release"), options.linux_programs):
        if not path.exists():
            sys.exit(f"peers: {path} is not there: make bench-peers makes it")


def main():
    options = parse_arguments()
    check_files(options)
    boot.exit_on_termination()
    units = ["instructions"] if options.unit == "instructions" else ["instructions", "ticks"]
    try:
        runs = {(system, unit): run(options, system, unit) for unit in units for system in ["postern", *options.systems]}
    except Failure as failure:
        sys.exit(f"peers: {failure}")
    write_json(options, runs)
    print(f"\nOne word there and back: Postern, and Linux {linux_guest.release(options)}, on {options.machine}, {options.cpu}, "
          f"{options.memory} MiB")
    print("instructions: executed by the guest. ticks: TCG time, never hardware time.")
    for unit in units:
        print_figures(unit, runs)
    print_legend()
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
