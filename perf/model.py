#!/usr/bin/python3
"""Cycles that an operation may be expected to take on CPUs that are not at hand: what it executes and touches, as
perf/profiler.py has written it to build/profile.json, times what others have published (perf/model.toml, each with its source).

Each result is an estimate from published latencies; not measured. Warm: code and data are in the first-level caches. Cold: each
line comes from the farthest cache of which a latency is known, one after the other. Where no cost is published for something
that happens, the estimate is what the rest takes: a lower bound, marked >=. If that is the mode switch, there is none. With a
benchmark run under KVM (build/bench.json), measured cycles stand in the last column."""

import argparse
import collections
import json
import pathlib
import sys
import tomllib

from results import save

ROOT = pathlib.Path(__file__).resolve().parent.parent
LABEL = "estimate from published latencies; not measured"
SHOWN = ("gate/null/int", "gate/null/sysenter", "rtt/same/int", "rtt/same/sysenter", "rtt/cross/int", "rtt/cross/sysenter",
         "chain/4/int", "chain/4/sysenter", "chain/8/int", "chain/8/sysenter", "strategy/pool", "notify/roundtrip", "map/page")

# A cost: under which heading it is summed up, which event it is counted by, how many instructions of the profile it stands for,
# and whether an estimate without it is incomplete.
Kind = collections.namedtuple("Kind", "part event instructions needed", defaults=[True])
KINDS = {
    "sysenter-sysexit": Kind("mode switches", "sysenter", 2),
    "int-iret": Kind("mode switches", "int", 2),
    "load-cr3": Kind("CR3 loads", "load-cr3", 1),
    "tlb-refill": Kind("TLB refills", None, 0),
    "invlpg": Kind("others", "invlpg", 1),
    "wrmsr": Kind("others", "wrmsr", 1),
    "popf": Kind("others", "popf", 1),
    "pushf": Kind("others", "pushf", 1, False),
    "rdtsc": Kind("others", "rdtsc", 1, False),
}
LINES = ("line-l3", "line-l2")      # the farthest first
PARTS = ["mode switches", "CR3 loads", "TLB refills", "others", "instructions"]


class Failure(Exception):
    """No estimate can be made; the text says why and what to do."""


def checked(where, entry, value):
    """An entry of the table of costs, which is a positive number with a source."""
    number, source = entry.get(value), entry.get("source")
    if not isinstance(number, (int, float)) or number <= 0:
        raise Failure(f"model.toml: {where} needs {value}, a positive number")
    if not isinstance(source, str) or not source.strip():
        raise Failure(f"model.toml: {where} has no source: say who published it, where and when, or leave it out")
    return number


def load_costs(path):
    """{name: (title, instructions per cycle, {kind: cycles})}"""
    found = {}
    for name, entry in tomllib.loads(path.read_text()).items():
        costs = entry.get("costs", {})
        unknown = set(costs) - set(KINDS) - set(LINES)
        if unknown:
            raise Failure(f"model.toml: {name} has a cost {sorted(unknown)[0]}; known are {', '.join([*KINDS, *LINES])}")
        found[name] = (entry.get("title", name), checked(f"{name}.instructions", entry.get("instructions", {}), "per_cycle"),
                       {kind: checked(f"{name}.costs.{kind}", cost, "cycles") for kind, cost in costs.items()})
    return found


def counter(name, profile, *path):
    """A counter of a profile, of one operation."""
    value = profile
    for key in path:
        if not isinstance(value, dict) or key not in value:
            raise Failure(f"the profile of {name} has no counter {'/'.join(path)}: make profile writes a new one")
        value = value[key]
    return value / profile["operations"]


def count(name, profile, kind):
    if kind == "tlb-refill":
        return sum(counter(name, profile, "tlb-refills", use) for use in ("code", "data"))
    return counter(name, profile, "events", KINDS[kind].event)


def lines(name, profile):
    return sum(counter(name, profile, "lines", use, who) for use in ("code", "data") for who in ("user", "kernel"))


def rounded(cycles):
    return None if cycles is None else round(cycles)


def estimate(name, profile, per_cycle, costs):
    """What one operation takes, warm and cold, out of what (None: unknown), and the costs that are missing."""
    parts, missing = dict.fromkeys(PARTS, 0.0), []
    others = counter(name, profile, "instructions", "total")
    for kind, what in KINDS.items():
        times = count(name, profile, kind)
        if kind in costs:
            parts[what.part] += times * costs[kind]
            others -= times * what.instructions
        elif times and what.needed:
            missing.append(kind)
            others -= times * what.instructions
    parts["instructions"] = others / per_cycle
    farthest = next((kind for kind in LINES if kind in costs), None)
    from_cache = lines(name, profile) * costs[farthest] if farthest else None
    warm = None if any(KINDS[kind].part == "mode switches" for kind in missing) else sum(parts.values())
    cold = None if warm is None or from_cache is None else warm + from_cache
    unknown = dict.fromkeys(KINDS[kind].part for kind in missing)
    parts = {part: rounded(cycles) for part, cycles in {**parts, **unknown, "lines, cold": from_cache}.items()}
    return {"missing": missing, "warm": rounded(warm), "cold": rounded(cold), "parts": parts}


def read_json(path, how):
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise Failure(f"{path} is not there: {how} writes it") from None
    except json.JSONDecodeError as error:
        raise Failure(f"{path} cannot be read ({error}): {how} writes a new one") from None
    if data.get("schema") != 2:
        raise Failure(f"{path} is of another version: {how} writes a new one")
    return data


def measured_cycles(path):
    """{name: median} of a benchmark that ran under KVM; nothing without one."""
    if not path.exists():
        return {}
    return {row["name"]: row["p50"] for row in read_json(path, "make bench")["results"] if row["unit"] == "cycles"}


def number(value):
    return "-" if value is None else f"{value:,}"


def span(row):
    """What is to be expected: from warm to cold."""
    if row["warm"] is None:
        return "no estimate"
    return (">= " if row["missing"] else "") + number(row["warm"]) + (f" - {number(row['cold'])}" if row["cold"] else "")


def print_table(title, per_cycle, rows):
    print(f"\n{title}: {LABEL}")
    columns = [*PARTS, "lines, cold", "measured"]
    print(f"{'cycles of one':<22}{'warm - cold':>20}" + "".join(f"{part:>14}" for part in columns))
    for row in rows:
        figures = [*row["parts"].values(), row["measured"]]
        print(f"{row['name']:<22}{span(row):>20}" + "".join(f"{number(figure):>14}" for figure in figures))
    missing = sorted({kind for row in rows for kind in row["missing"]})
    print(f"Other instructions at {per_cycle:g} a cycle, which is assumed.")
    if missing:
        print(f"No figure found published for {', '.join(missing)}: what needs one is a lower bound (>=), or not estimated.")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=pathlib.Path, default=ROOT / "build" / "profile.json",
                        help="default: build/profile.json")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "build" / "bench.json",
                        help="measured cycles, if it has any; default: build/bench.json")
    parser.add_argument("--costs", type=pathlib.Path, default=ROOT / "perf" / "model.toml", help="default: perf/model.toml")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "model.json", help="default: build/model.json")
    parser.add_argument("--operations", nargs="+", metavar="NAME",
                        help="print these; default: some of each kind. All are written")
    return parser.parse_args()


def estimates(options):
    """[(title, instructions per cycle, rows)] of each microarchitecture"""
    operations = read_json(options.profile, "make profile")["operations"]
    unknown = set(options.operations or []) - set(operations)
    if unknown:
        raise Failure(f"{options.profile} has no operation {sorted(unknown)[0]}; it has {', '.join(operations)}")
    measured = measured_cycles(options.bench)
    return [(title, per_cycle, [{"name": name, "microarchitecture": key, "measured": measured.get(name),
                                 **estimate(name, profile, per_cycle, costs)} for name, profile in operations.items()])
            for key, (title, per_cycle, costs) in load_costs(options.costs).items()]


def main():
    options = parse_arguments()
    try:
        found = estimates(options)
    except Failure as failure:
        sys.exit(f"model: {failure}")
    for title, per_cycle, rows in found:
        print_table(title, per_cycle, [row for row in rows if row["name"] in (options.operations or SHOWN)])
    rows = [row for _, _, rows in found for row in rows]
    save(options.output, label=LABEL, unit="cycles", estimates=rows)
    print(f"\nwritten to {options.output}")


if __name__ == "__main__":
    main()
