#!/usr/bin/python3
"""Compares file access on Postern and on Linux: the same program, disk, emulator and machine; prints both and writes JSON.

Yardsticks: `instructions` under QEMU's -icount (idle time taken out), and `ticks` of the time stamp counter under TCG, which
is the emulator's time and never hardware time."""

import argparse
import pathlib
import sys

import bench
import linux_guest
from bench import Failure, boot, number, ratio
from linux_guest import TITLES
from results import save

READS = {"4k": 4 << 10, "64k": 64 << 10, "1m": 1 << 20}
# What moves data, and how many bytes one sample moves.
BYTES = {f"file/read/{size}/{state}": count for state in ("cached", "uncached") for size, count in READS.items()}
BYTES["file/write/1m/synced"] = 1 << 20
NAMES = ["overhead/sample", "file/open", "file/stat", "file/fstat", "file/read/1", *BYTES]
# What each system counts. Linux: how often the caller went away, and came back.
LINUX_COUNTERS = {"switches": "switches: "}
POSTERN_COUNTERS = {"calls": "calls: ", "switches": "switches by C path: "}
COUNTERS = {"postern": POSTERN_COUNTERS, "linux": LINUX_COUNTERS, "linux-off": LINUX_COUNTERS}


def disk(options):
    """The same disk for all; what is written to it is forgotten."""
    return ["-drive", f"file={options.disk},if=none,id=files,format=raw,snapshot=on", "-device", "virtio-blk-pci,drive=files"]


def run(options, system, icount):
    if system != "postern":
        return linux_guest.run(options, system, "files", NAMES, icount, disk(options))
    print("Postern: ", end="", file=sys.stderr)
    results, facts = bench.boot_guest(options, NAMES, icount, build=str(options.build), list=str(options.list),
                                      extra=disk(options))
    bench.check_complete(results, facts, NAMES)
    return results, facts


def speed(name, results, facts):
    """MiB in a second of the emulator's time."""
    seconds = results[name]["p50"] / (facts["ticks_per_millisecond"] * 1000)
    return BYTES[name] / (1 << 20) / seconds


def print_figures(unit, runs):
    """Minimum, median and 90th percentile of each system, and how often the first one's median fits into the second's."""
    systems = [system for system, run_unit in runs if run_unit == unit]
    first, second = systems[0], systems[1] if len(systems) > 1 else None
    print(f"\n{unit:<24}{'n':>5}" + "".join(f"{TITLES[system]:>33}" for system in systems))
    print(" " * 29 + f"{'min':>11}{'median':>11}{'p90':>11}" * len(systems) + ("  ratio" if second else ""))
    for name in NAMES:
        rows = [runs[system, unit][0][name] for system in systems]
        figures = "".join(f"{number(row[key]):>11}" for row in rows for key in ("min", "p50", "p90"))
        times = ratio(rows[1]["p50"], rows[0]["p50"]) if second else ""
        print(f"{name:<24}{rows[0]['n']:>5}{figures}{times}")
    if second:
        print(f"ratio: median of {TITLES[second]} over that of {TITLES[first]}")


def print_speeds(runs):
    systems = [system for system, unit in runs if unit == "ticks"]
    print(f"\n{'MiB/s, emulator time':<24}" + "".join(f"{TITLES[system]:>25}" for system in systems))
    for name in BYTES:
        print(f"{name:<24}" + "".join(f"{speed(name, *runs[system, 'ticks']):>25,.1f}" for system in systems))


def print_counters(runs):
    """What one operation costs in calls of services and in switches."""
    columns = [(system, what) for system, unit in runs if unit == "instructions" for what in COUNTERS[system]]
    print(f"\n{'per operation':<24}" + "".join(f"{COUNTERS[system][what] + TITLES[system]:>33}" for system, what in columns))
    for name in NAMES[1:]:
        row = ""
        for system, what in columns:
            results, facts = runs[system, "instructions"]
            row += f"{facts[f'{what}/{name}'] / results[name]['n']:>33.2f}"
        print(f"{name:<24}{row}")


def write_json(options, runs):
    rows = []
    for (system, unit), (results, facts) in runs.items():
        for name in NAMES:
            row = {"system": system, "name": name, "unit": unit, **results[name]}
            if unit == "ticks" and name in BYTES:
                row["emulator_mib_per_second"] = round(speed(name, results, facts), 1)
            rows.append({**row, "calls": facts[f"calls/{name}"], "switches": facts[f"switches/{name}"]})
    machine = {"accel": "tcg", "cpu": options.cpu, "machine": options.machine, "memory": options.memory}
    save(options.output, machine=machine, results=rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", choices=TITLES, default=list(TITLES), help="what to boot, in this order")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="folder with kernel.elf")
    parser.add_argument("--list", type=pathlib.Path, default=bench.ROOT / "perf/files/files.toml", help="Postern's system list")
    linux_guest.add_arguments(parser, "build/release/linux/files.initramfs")
    parser.add_argument("--disk", type=pathlib.Path, default=pathlib.Path("build/files.img"), help="made by perf/files/disk.py")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/files.json"))
    bench.add_unit_argument(parser)
    bench.add_machine_arguments(parser, memory=256)  # with 64, Linux reclaims pages meanwhile
    parser.set_defaults(accel="tcg")
    return parser.parse_args()


def check_files(options):
    needed = [options.disk] + ([options.list, options.build / "kernel.elf"] if "postern" in options.systems else [])
    if set(options.systems) - {"postern"}:
        needed += [options.linux_kernel, options.linux_programs]
    for path in needed:
        if not path.exists():
            sys.exit(f"files: {path} is not there: make bench-files (or bench-linux) makes it")


def main():
    options = parse_arguments()
    check_files(options)
    boot.exit_on_termination()
    units = ["instructions"] if options.unit == "instructions" else ["instructions", "ticks"]
    try:
        runs = {(system, unit): run(options, system, unit == "instructions") for unit in units for system in options.systems}
    except Failure as failure:
        sys.exit(f"files: {failure}")
    write_json(options, runs)
    print(f"\nFile access on {options.machine}, {options.cpu}, {options.memory} MiB, virtio-blk, ext2 with blocks of 4 KiB")
    print("instructions: executed by the guest, idle time taken out. ticks: TCG time, never hardware time.")
    for unit in units:
        print_figures(unit, runs)
    if "ticks" in units:
        print_speeds(runs)
    print_counters(runs)
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
