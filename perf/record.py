#!/usr/bin/python3
"""The regression gate: perf/record.toml holds the exact figures of a release build, and none grows unless the record is changed.

With the compiler, assembler and emulator that made the record, figures must be at most what it says. With others, those that
are all assembly (perf/figures.toml says which) must be too; the rest may exceed it by 3 %, for no two compilers agree. Some vary
with any change of the boot, by as much as perf/figures.toml says."""

import argparse
import dataclasses
import math
import pathlib
import sys
import tomllib

import results
from figures import FIGURES, is_time

RECORD = pathlib.Path(__file__).resolve().parent / "record.toml"
TOLERANCE = 0.03
UNITS = ("instructions", "bytes")
TOOLS = ("gcc", "nasm", "qemu")
HEADING = ("# The exact figures of a release build (medians), which test_bench.py lets none exceed. Written by\n"
           "# `make record`; see perf/README.md.\n")
CHANGE = "if that is meant, run `make record` and commit perf/record.toml with the change"


@dataclasses.dataclass
class Judgement:
    faults: list        # what is wrong, in words
    lower: list         # what the record could be lowered to
    notes: list


def unit_of(name):
    """In the exact run."""
    return "instructions" if is_time(name) else FIGURES[name].unit


def recorded_names():
    return {unit: [name for name, figure in FIGURES.items() if figure.recorded and unit_of(name) == unit] for unit in UNITS}


def figures_of(measured, unit):
    return {name: row for name, row in measured.exact[unit].items() if name in recorded_names()[unit]}


def load(path=RECORD):
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise results.Failure(f"{path} is not there: make record writes it") from None
    except tomllib.TOMLDecodeError as error:
        raise results.Failure(f"{path} cannot be read ({error}): make record writes a new one") from None


def as_toml(measured):
    lines = [HEADING, "[made-with]"] + [f'{tool} = "{measured.machine[tool]}"' for tool in TOOLS]
    for unit in UNITS:
        lines += ["", f"[{unit}]"] + [f'"{name}" = {row["p50"]}' for name, row in sorted(figures_of(measured, unit).items())]
    return "\n".join(lines) + "\n"


def check_recordable(measured):
    if measured.machine["build"] != "release":
        raise results.Failure("the record is of release builds: make record BUILD=release")
    missing = [name for unit, names in recorded_names().items() for name in names if name not in measured.exact[unit]]
    if missing:
        raise results.Failure("not measured: " + ", ".join(missing))


def allowed(name, recorded, same_tools):
    figure = FIGURES.get(name)
    share = figure.varies if figure else 0
    if not same_tools and not (figure and figure.assembly):
        share = max(share, TOLERANCE)
    return math.ceil(recorded * (1 + share))


def judge_unit(unit, record, rows, same_tools):
    """(faults, lower) of one table of the record."""
    faults = [f"{name}: not in the record: {CHANGE}" for name in rows if name not in record]
    faults += [f"{name}: in the record, but not measured: {CHANGE}" for name in record if name not in rows]
    both = [(name, record[name], row["p50"]) for name, row in rows.items() if name in record]
    for name, recorded, measured in both:
        limit = allowed(name, recorded, same_tools)
        if measured > limit:
            within = f" (at most {limit:,} are allowed)" if limit != recorded else ""
            faults.append(f"{name}: {measured:,} {unit}, recorded are {recorded:,}{within}: it grew; {CHANGE}")
    lower = [f"{name}: {measured:,} {unit}, recorded are {recorded:,}"
             for name, recorded, measured in both if measured < recorded]
    return faults, lower


def judge(record, measured):
    others = [f"{tool} {measured.machine[tool]} in place of {record['made-with'].get(tool)}" for tool in TOOLS
              if measured.machine[tool] != record["made-with"].get(tool)]
    judgement = Judgement([], [], [f"made with {', '.join(others)}: figures that are not all assembly may exceed the record by "
                                   f"{TOLERANCE:.0%}"] if others else [])
    for unit in UNITS:
        faults, lower = judge_unit(unit, record.get(unit, {}), figures_of(measured, unit), not others)
        judgement.faults += faults
        judgement.lower += lower if not others else []
    return judgement


def changes(record, measured):
    """Each line of the record that is another now."""
    for unit in UNITS:
        before, after = record.get(unit, {}), {name: row["p50"] for name, row in figures_of(measured, unit).items()}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield f"  {name}: {before.get(name, 'new')} -> {after.get(name, 'gone')} {unit}"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=pathlib.Path, default=pathlib.Path("build/bench.json"), help="default: %(default)s")
    parser.add_argument("--record", type=pathlib.Path, default=RECORD, help="default: perf/record.toml")
    parser.add_argument("--write", action="store_true", help="make these figures the record, and print what changed")
    return parser.parse_args()


def write(path, measured):
    check_recordable(measured)
    old = load(path) if path.exists() else {}
    path.write_text(as_toml(measured))
    print("\n".join(changes(old, measured)) or "no figure changed")
    print(f"written to {path}")


def main():
    options = parse_arguments()
    try:
        measured = results.load(options.figures)
        if options.write:
            write(options.record, measured)
            return
        judgement = judge(load(options.record), measured)
    except results.Failure as failure:
        sys.exit(f"record: {failure}")
    for text in judgement.notes + [f"could be lowered: {text}" for text in judgement.lower] + judgement.faults:
        print(text)
    sys.exit(1 if judgement.faults else 0)


if __name__ == "__main__":
    main()
