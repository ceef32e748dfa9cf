#!/usr/bin/python3
"""What one operation of the benchmark executes and touches: instructions, cache lines, pages, and the instructions that cost
more than others. The benchmark's guest runs under a QEMU plugin (perf/plugins/profile.c), each operation a few times in its
steady state; what is printed is one of them. Exact, and the same in every run."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import bench
import operation
from bench import Failure
from results import save

ROOT = bench.ROOT
MARKS = ("profile_begin", "profile_end")    # perf/guest/profile.c
BATCH_OVERHEAD = 30                         # instructions around the loop of a batch, at most
MEMORY = [("code", "user"), ("data", "user"), ("code", "kernel"), ("data", "kernel")]    # columns of the table


def symbols(program):
    done = subprocess.run(["nm", program], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{program} cannot be read: {done.stderr.strip()}: make builds it")
    return {fields[2]: int(fields[0], 16) for fields in (line.split() for line in done.stdout.splitlines()) if len(fields) == 3}


def record(options, trace):
    """Boots the guest; the plugin writes to `trace`. Gives what the guest measured, facts about it, and [(name, calls)]."""
    known = symbols(options.build / "programs" / "bench.elf")
    missing = [mark for mark in MARKS if mark not in known]
    if missing:
        raise Failure(f"the program bench has no symbol {missing[0]}: build it again (make)")
    plugin = f"{options.plugin},begin={known[MARKS[0]]:#x},end={known[MARKS[1]]:#x},output={trace}"
    result = bench.boot.run(build=str(options.build), elf=options.elf, list=str(ROOT / "perf" / "system.toml"), icount=True,
                            arguments="profile=yes", qemu=options.qemu, machine=options.machine, cpu=options.cpu,
                            memory=options.memory, timeout=options.timeout, extra=["-plugin", plugin])
    if not result.ok:
        how = "did not end in time" if result.timed_out else f"ended with code {result.code}"
        raise Failure(f"the guest {how}; the last lines were:\n{result.serial[-600:]}\n{result.log}")
    measured, facts = bench.parse(result.serial)
    named = [line.split()[1:] for line in result.serial.splitlines() if line.startswith("profile ")]
    return measured, facts, [(name, int(calls)) for name, calls in named]


def check(name, profile, measured):
    """The same operation was measured by the counter, without marks: the two must agree. What takes memory takes it from another
    place each time, a few instructions further."""
    counted = profile["instructions"]["total"] / profile["operations"]
    if not measured["min"] - BATCH_OVERHEAD / measured["batch"] <= counted < measured["p99"] + 1:
        raise Failure(f"{name}: the plugin saw {counted:g} instructions, and the counter says {measured['p50']}: the profile is "
                      "not of what is measured")


def profiles(options):
    """{name: profile} of every operation, and facts about the guest."""
    with tempfile.TemporaryDirectory(prefix="postern-") as folder:
        trace = pathlib.Path(folder) / "trace"
        measured, facts, named = record(options, trace)
        with trace.open() as lines:
            parts = operation.read(lines)
    if len(parts) != len(named):
        raise Failure(f"the guest named {len(named)} operations, and the plugin saw {len(parts)}")
    found = {}
    for (name, calls), part in zip(named, parts):
        found[name] = operation.profile(part, calls)
        if found[name] is None:
            raise Failure(f"{name}: no two of its turns in the steady state are alike")
        check(name, found[name], measured[name])
        if name in options.show:
            show(name, part, symbols(options.build / options.elf))
    return found, facts


def place(address, kernel):
    """The symbol of the kernel's image in front of an address."""
    before = [(at, name) for name, at in kernel.items() if operation.KERNEL_BASE <= at <= address]
    at, name = max(before, default=(0, ""))
    return f"{name}+{address - at:#x}" if before and address - at < 0x1000 else ""


def show(name, part, kernel):
    """The lines of data that one turn touches, in the order of the first access."""
    print(f"{name}: data, by line")
    lines = {}
    for instruction in operation.turns(part)[-1]:
        for access in instruction.accesses:
            line = access.address & -operation.LINE
            lines.setdefault((access.where // operation.LINE, line), []).append("w" if access.store else "r")
    for (_, line), accesses in lines.items():
        print(f"  {line:#010x}  {operation.owner(line):<7}{''.join(accesses):<24}{place(line, kernel)}")
    print()


def events(profile):
    return "  ".join(f"{count} {name}" for name, count in profile["events"].items() if count)


def print_table(found):
    whose = "".join(f"{who:>14}" for who in ("user", "kernel"))
    print(f"{'':<22}{'instructions':>16}{'lines of 64 bytes':>28}{'pages of 4 KiB':>28}{'TLB refills':>14}")
    print(f"{'one of':<22}{'all':>8}{'kernel':>8}{whose}{whose}{'after CR3':>14}")
    print(f"{'':<38}" + f"{'code':>7}{'data':>7}" * 5 + "  events")
    for name, profile in found.items():
        counts, refills = profile["instructions"], profile["tlb-refills"]
        row = f"{name:<22}{counts['total']:>8,}{counts['kernel']:>8,}"
        for what in ("lines", "pages"):
            row += "".join(f"{profile[what][use][who]:>7}" for use, who in MEMORY)
        print(f"{row}{refills['code']:>7}{refills['data']:>7}  {events(profile)}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="folder with kernel and modules")
    parser.add_argument("--elf", default="kernel.elf", help="the kernel in that folder, default %(default)s")
    parser.add_argument("--plugin", type=pathlib.Path, default=ROOT / "build" / "plugins" / "profile.so")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "profile.json")
    parser.add_argument("--show", nargs="+", default=[], metavar="NAME",
                        help="print each line of data that these operations touch")
    bench.add_machine_arguments(parser, memory=64)
    return parser.parse_args()


def main():
    options = parse_arguments()
    options.build = options.build.resolve()
    bench.boot.exit_on_termination()
    if not options.plugin.exists():
        sys.exit(f"profile: {options.plugin} is not there: make profile builds it")
    print("booting under the plugin ...", file=sys.stderr, flush=True)
    try:
        found, facts = profiles(options)
    except Failure as failure:
        sys.exit(f"profile: {failure}")
    machine = {"accel": "tcg", "cpu": options.cpu, "smp": 1, "build": "release" if facts["release"] else "debug"}
    save(options.output, machine=machine, operations=found)
    print_table(found)
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
