#!/usr/bin/python3
"""Counts the instructions that each entry into the kernel executes with interrupts off, by kind of entry: the guest suite and
the benchmarks run under a QEMU plugin (perf/plugins/entries.c). Prints what was longest, and writes all as JSON."""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile
import time

import bench
from bench import ROOT, Failure, boot
from results import save

LIMIT = 5000            # instructions
VECTORS, CALL, TIMERS, LINES = 256, 250, (32, 48), range(33, 48)
EXCEPTIONS = {7: "exception/fpu", 14: "exception/page"}     # by vector; all others are one kind
# What is booted: options of tools/boot.py.
BOOTS = {"tests": dict(list="tests/system.toml"), "perf": dict(list="perf/system.toml")}


def symbols(kernel):
    lines = subprocess.run(["nm", kernel], capture_output=True, text=True, check=True).stdout.splitlines()
    return {fields[2]: int(fields[0], 16) for fields in (line.split() for line in lines) if len(fields) == 3}


def text_section(kernel):
    for line in subprocess.run(["readelf", "-SW", kernel], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.replace("[ ", "[").split()
        if len(fields) > 5 and fields[1] == ".text":
            return int(fields[3], 16), int(fields[3], 16) + int(fields[5], 16)
    raise Failure(f"{kernel} has no section .text")


def entry_names():
    """{symbol: name of the kind of entry that begins there}"""
    names = {"int250": "int250", "sysenter_entry": "sysenter", "sysenter_entry_unarmed": "sysenter",
             "task_debug": "exception/other", "task_nmi": "nmi"}
    for vector in range(VECTORS):
        kind = "timer" if vector in TIMERS else "line" if vector in LINES else EXCEPTIONS.get(vector, "exception/other")
        if vector not in (CALL, 1, 2):
            names[f"vector_{vector}"] = kind
    return names


def write_places(path, kernel):
    """What the plugin is to look at, as it reads it."""
    known = symbols(kernel)
    missing = [name for name in entry_names() if name not in known]
    if missing:
        raise Failure(f"{kernel} has no symbol {missing[0]}: entry_names() does not fit this kernel")
    lines = [f"{known[symbol]:#x} entry {name}" for symbol, name in entry_names().items()]
    lines += [f"{address:#x} part {name[4:]}" for name, address in known.items() if name.startswith("sys_") and "." not in name]
    lines.append(f"{known['sysenter_dispatch']:#x} part through-c")
    path.write_text("\n".join(lines) + "\n")


def read_output(path, kinds):
    for line in path.read_text().splitlines():
        name, instructions, times = line.split()
        kinds[name][int(instructions)] += int(times)


def measure(options, what, kinds):
    """Boots once, and adds what was counted to {kind: {instructions: times}}."""
    began, kernel = time.monotonic(), options.build / options.elf
    print(f"booting {what} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="postern-") as name:
        folder = pathlib.Path(name)
        write_places(folder / "places", kernel)
        begin, end = text_section(kernel)
        plugin = f"{options.plugin},begin={begin:#x},end={end:#x},places={folder}/places,output={folder}/output"
        settings = dict(memory=options.memory, cpu=options.cpu, arguments=options.arguments, icount=True, timeout=options.timeout,
                        qemu=options.qemu, machine=options.machine, build=str(options.build), elf=options.elf,
                        extra=["-plugin", plugin])
        settings |= BOOTS[what]
        settings["list"] = str(ROOT / settings["list"])
        result = boot.run(**settings)
        if not result.ok:
            raise Failure(f"{what} {'did not end in time' if result.timed_out else f'ended with code {result.code}'}; the last "
                          f"lines were:\n{result.serial[-1000:]}\n{result.log}")
        read_output(folder / "output", kinds)
    print(f"  {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def percentile(times, percent):
    wanted, seen = percent / 100 * sum(times.values()), 0
    for instructions in sorted(times):
        seen += times[instructions]
        if seen >= wanted:
            return instructions
    raise AssertionError("no sample")


def row(name, times):
    figures = {f"p{percent}": percentile(times, percent) for percent in (50, 90, 99)}
    return {"name": f"entry/{name}", "unit": "instructions", "n": sum(times.values()), "warmup": 0, "overhead": 0,
            "min": min(times), **figures, "max": max(times)}


def good(rows):
    return bool(rows) and all(figures["max"] <= LIMIT for figures in rows)


def print_table(rows):
    print(f"{'instructions with interrupts off':<40}{'n':>12}{'p50':>8}{'p99':>8}{'max':>10}")
    for figures in rows:
        bad = "  EXCEEDED" if figures["max"] > LIMIT else ""
        print(f"{figures['name']:<40}{figures['n']:>12,}{figures['p50']:>8,}{figures['p99']:>8,}{figures['max']:>10,}{bad}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="folder with kernel and modules")
    parser.add_argument("--elf", default="kernel.elf", help="the kernel in that folder, default %(default)s")
    parser.add_argument("--plugin", type=pathlib.Path, default=ROOT / "build" / "plugins" / "entries.so")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "entries.json")
    parser.add_argument("--boots", nargs="+", choices=BOOTS, default=list(BOOTS), help="only these; default: all")
    parser.add_argument("--arguments", default="", help='for the test program, such as "only=memory"')
    bench.add_machine_arguments(parser, memory=64)
    parser.add_argument("--check", action="store_true", help=f"exit 1 when an entry takes more than {LIMIT:,} instructions")
    return parser.parse_args()


def main():
    options = parse_arguments()
    options.build = options.build.resolve()
    boot.exit_on_termination()
    if not options.plugin.exists():
        sys.exit(f"entries: {options.plugin} is not there: make interrupts-off builds it")
    kinds = collections.defaultdict(collections.Counter)
    try:
        for what in options.boots:
            measure(options, what, kinds)
    except Failure as failure:
        sys.exit(f"entries: {failure}")
    rows = sorted((row(name, times) for name, times in kinds.items()), key=lambda figures: -figures["max"])
    machine = {"accel": "tcg", "cpu": options.cpu, "smp": 1, "build": options.build.name}
    save(options.output, machine=machine, results=rows)
    print_table(rows)
    verdict = "ok" if good(rows) else "EXCEEDED"
    print(f"\nat most {LIMIT:,} instructions with interrupts off: {verdict}; written to {options.output}")
    sys.exit(1 if options.check and not good(rows) else 0)


if __name__ == "__main__":
    main()
