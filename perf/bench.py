#!/usr/bin/python3
"""Boots the benchmark image, judges what the guest measured, prints the comparison and writes it as JSON.

Yardsticks: `instructions` under QEMU's -icount (exact, repeatable), `ticks` of the time stamp counter under TCG (only
ratios within one run mean anything), `cycles` under KVM."""

import argparse
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import boot  # noqa: E402
import environment  # noqa: E402
import provenance  # noqa: E402
import sizes  # noqa: E402
from figures import FIGURES, is_time  # noqa: E402
from results import save  # noqa: E402

GATES = ["int", "sysenter"]
# Groups that are printed without --full.
SUMMARY = ("gates", "chains", "strategies", "kernel", "interrupts", "pool", "fairness", "inversion", "boot")
HOP_FACTOR = 1.3        # each further hop of a chain, of rtt/cross/sysenter, plus the handler
CHAIN_LENGTH = 16
HANDLER = 16            # instructions of the relay's handler beside its call
POOL_FACTOR = 5         # strategy/thread over strategy/pool, at least
NEEDS = {"/sysenter": "sysenter", "irq/idle": "timer"}  # figures of this end, only where the guest says so
POOL = re.compile(r"pool/(\w+)/(\d+)workers/(\d+)clients/\w+")
CALIBRATION = 200000    # instructions of the guest's loop of known length
# As perf/guest/measure.c prints them: samples, operations in each, operations before them, what was subtracted from each batch.
RESULT_KEYS = ("n", "batch", "warmup", "overhead", "min", "p50", "p90", "p99", "max")
RESULT = re.compile(r"result (\S+)" + r" (\d+)" * len(RESULT_KEYS))


class Failure(Exception):
    """The run cannot be judged; the text says why and what to do."""


def parse(serial, names=FIGURES):
    results, facts = {}, {}
    for line in serial.splitlines():
        if line.startswith(("panic:", "fault:")) or " failed: " in line:
            raise Failure(f"the guest says: {line}")
        if line.startswith("fact "):
            _, name, value = line.split()
            facts[name] = int(value)
        elif line.startswith("result "):
            match = RESULT.fullmatch(line)
            if not match or match.group(1) not in names:
                raise Failure(f"cannot read this line of the guest: {line}")
            results[match.group(1)] = dict(zip(RESULT_KEYS, map(int, match.groups()[1:])))
        elif line.startswith("spread "):
            _, name, *quantiles = line.split()
            results[name]["quantiles"] = list(map(int, quantiles))
    return results, facts


def check_complete(results, facts, names=FIGURES):
    without = tuple(end for end, fact in NEEDS.items() if not facts.get(fact))
    missing = [n for n in names if n not in results and not n.endswith(without)]
    if missing:
        raise Failure("the guest did not measure " + ", ".join(missing))


def boot_guest(options, names, icount, **what):
    """Boots what tools/boot.py is told by `what`, once; gives the figures, which must bear these names, and the facts."""
    began = time.monotonic()
    print(f"booting ({'exact instruction count' if icount else 'time'}) ...", file=sys.stderr, flush=True)
    accel = "tcg" if icount else options.accel
    cpu = "host,invtsc=on" if accel == "kvm" else options.cpu # QEMU hides an invariant counter unless asked for it
    result = boot.run(qemu=options.qemu, machine=options.machine, cpu=cpu, memory=options.memory, accel=accel, icount=icount,
                      timeout=options.timeout, **what)
    print(f"  {time.monotonic() - began:.1f} s", file=sys.stderr)
    if result.timed_out:
        raise Failure(f"no end within {options.timeout} s; the last lines were:\n{result.serial[-600:]}\n{result.log}")
    if result.code == -1 and not result.serial:
        raise Failure(f"{options.qemu} did not run the guest; it said:\n{result.log}check CPU, MACHINE, MEM and QEMU (config.mk)")
    results, facts = parse(result.serial, names)
    if result.code != 0:
        raise Failure(f"the guest ended with code {result.code}:\n{result.serial[-600:]}\n{result.log}")
    if icount and abs(facts["calibration"] - CALIBRATION) > 10:
        raise Failure(f"under icount a loop of {CALIBRATION} instructions took {facts['calibration']} ticks: "
                      "ticks are not instructions here")
    return results, facts


def single(value):
    """What is counted once, in the form of a result."""
    return {**dict.fromkeys(RESULT_KEYS, value), "n": 1, "batch": 1, "warmup": 0, "overhead": 0, "quantiles": [value] * 21}


def run(options, icount):
    results, facts = boot_guest(options, FIGURES, icount, iso=str(options.build / "postern-perf.iso"))
    results.update((name, single(size)) for name, size in sizes.measure(options.build).items())
    check_complete(results, facts)
    return results, facts


def cpu_name(model, accel):
    if accel != "kvm":
        return model
    match = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return match.group(1) if match else "host"


def describe(options, facts):
    return {"accel": options.accel, "cpu": cpu_name(options.cpu, options.accel), "smp": 1, "machine": options.machine,
            "memory": options.memory, "build": "release" if facts["release"] else "debug",
            "tsc": {key: facts[f"tsc_{key}"] for key in ("invariant", "khz_begin", "khz_end")},
            **provenance.describe(options.build / "kernel.elf", options.qemu)}


def value(results, name):
    return results[name]["p50"] if name in results else None


def ratio(a, b):
    return f"{a / b:7.2f}" if a is not None and b else "      -"


def number(x):
    return "-" if x is None else f"{x:,}"


def has_gate(name):
    return name.endswith(tuple("/" + gate for gate in GATES))


def summary():
    return [name for name, figure in FIGURES.items() if figure.group in SUMMARY or figure.limit is not None]


def print_pairs(columns):
    head = "".join(f"{unit + ':  INT':>22}{'SYSENTER':>12}{'ratio':>8}" for unit, _ in columns)
    print(f"{'median of':<18}{head}")
    for name in dict.fromkeys(name.rpartition("/")[0] for name in summary() if has_gate(name)):
        row = ""
        for _, results in columns:
            a, b = (value(results, f"{name}/{gate}") for gate in GATES)
            row += f"{number(a):>22}{number(b):>12}{ratio(a, b):>8}"
        print(f"{name:<18}{row}")


def print_singles(columns):
    print(f"\n{'':<40}" + "".join(f"{unit:>14}{'p99':>12}{'max':>12}" for unit, _ in columns))
    for name in (name for name in summary() if not has_gate(name) and not POOL.fullmatch(name)):
        row = ""
        for figures in [results[name] for _, results in columns[:None if is_time(name) else 1] if name in results]:
            row += f"{number(figures['p50']):>14}{number(figures['p99']):>12}{number(figures['max']):>12}"
        print(f"{name:<40}{row}")


def print_pools(columns):
    """A row for each size of pool, a column for each number of clients, of one kind of handler."""
    names = list(filter(None, map(POOL.fullmatch, FIGURES)))
    kinds, workers, clients = (dict.fromkeys(name[at] for name in names) for at in (1, 2, 3))
    for unit, results in columns:
        for kind in kinds:
            print(f"\n{f'pool/{kind}, {unit}':<26}" + "".join(f"{n + ' clients':>12}" for n in clients))
            for what, key in (("throughput", "p50"), ("wait", "p99")):
                for w in workers:
                    cells = [results[f"pool/{kind}/{w}workers/{c}clients/{what}"][key] for c in clients]
                    print(f"{f'{what} {key}, {w} workers':<26}" + "".join(f"{number(cell):>12}" for cell in cells))


def print_full(rows):
    """Every figure with all that belongs to it, by groups, in the order of figures.toml."""
    for group in dict.fromkeys(figure.group for figure in FIGURES.values()):
        print(f"\n{group:<44}{'unit':<14}" + "".join(f"{key:>11}" for key in RESULT_KEYS))
        names = [name for name, figure in FIGURES.items() if figure.group == group]
        for row in sorted((row for row in rows if row["name"] in names), key=lambda row: names.index(row["name"])):
            print(f"{row['name']:<44}{row['unit']:<14}" + "".join(f"{number(row[key]):>11}" for key in RESULT_KEYS))


def verdict(name, measured, limit, aim, at_least=False):
    if measured is None:
        return f"  {name:<38} not measured on this CPU", True
    good = measured >= limit if at_least else measured <= limit
    bound = f"{'at least' if at_least else 'at most'} {limit:g}" + (f", aim {aim}" if aim else "")
    return f"  {name:<38}{measured:>10,.4g}  {bound:<24}{'ok' if good else 'EXCEEDED'}", good


def judge(results):
    """Lines of the figures block, and whether every limit is kept."""
    rows = [verdict(name, value(results, name), figure.limit, figure.aim)
            for name, figure in FIGURES.items() if figure.limit is not None]
    rtt = value(results, "rtt/cross/sysenter")
    if rtt is not None:
        hops = [value(results, f"chain/{n + 1}/sysenter") - value(results, f"chain/{n}/sysenter") for n in range(1, CHAIN_LENGTH)]
        rows.append(verdict("chain: dearest further hop, sysenter", max(hops), int(HOP_FACTOR * rtt) + HANDLER, None))
        rows.append(verdict("chain: hops differ by (linear)", max(hops) - min(hops), 2, None))
    gain = round(value(results, "strategy/thread") / value(results, "strategy/pool"), 1)
    rows.append(verdict("strategy/thread over strategy/pool", gain, POOL_FACTOR, None, at_least=True))
    return [text for text, _ in rows], all(good for _, good in rows)


def all_rows(runs):
    """What is the same in every run stands with the first one's figures; what is not, with the number of its run."""
    exact = [{"name": name, "unit": "instructions" if is_time(name) else figure.unit, **runs[0][1][name]}
             for name, figure in FIGURES.items() if name in runs[0][1]]
    return exact + [{"name": name, "unit": unit, "run": at, **results[name]}
                    for at, (unit, results) in enumerate(runs[1:], 1) for name in FIGURES if name in results and is_time(name)]


def print_machine(options, machine, runs):
    print(f"\nPostern on {machine['cpu']} ({machine['accel']}), {options.machine}, {options.memory} MiB, "
          f"{machine['build']} build")
    print("instructions: executed by the guest, exact (QEMU -icount).")
    if any(unit == "ticks" for unit, _ in runs):
        print("ticks: TCG time, good for ratios within this run only, never hardware time.")
    for warning in machine["warnings"]:
        print(f"warning: {warning}")
    print()


def add_unit_argument(parser):
    parser.add_argument("--unit", choices=["all", "instructions"], default="all")


def add_machine_arguments(parser, memory):
    """What every boot can be told."""
    parser.add_argument("--qemu", default="qemu-system-i386")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--cpu", default="max")
    parser.add_argument("--memory", type=int, default=memory, help="MiB, default %(default)s")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one boot")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="folder with postern-perf.iso")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench.json"))
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="tcg", help="for the run that measures time")
    add_unit_argument(parser)
    add_machine_arguments(parser, memory=64)
    parser.add_argument("--repeat", type=int, default=1,
                        help="count instructions this often, and fail unless the figures are identical")
    parser.add_argument("--full", action="store_true", help="print every figure, with samples, warm-up, overhead and percentiles")
    parser.add_argument("--runs", type=int, default=1, help="measure time this often: what perf/compare.py compares")
    parser.add_argument("--check", action="store_true", help="exit 1 when a limit is exceeded")
    return parser.parse_args()


def timed_runs(options):
    """[(unit, results)] of the runs that measure time, and facts of the last one."""
    began, runs = time.monotonic(), []
    for at in range(options.runs):
        if at:
            left = (time.monotonic() - began) / at * (options.runs - at)
            print(f"run {at + 1} of {options.runs}, about {left:.0f} s to go: ", end="", file=sys.stderr)
        results, facts = run(options, icount=False)
        runs.append(("cycles" if options.accel == "kvm" else "ticks", results))
    return runs, facts


def main():
    options = parse_arguments()
    boot.exit_on_termination()
    timed = options.unit == "all"
    warnings = environment.host_warnings() if timed else [] # before we are the load ourselves
    try:
        exact, facts = run(options, icount=True)
        for _ in range(1, options.repeat):
            if run(options, icount=True)[0] != exact:
                raise Failure("two runs of the exact count differ")
        runs = [("instructions", exact)]
        if timed:
            more, facts = timed_runs(options)
            runs += more
            warnings += environment.guest_warnings(facts, options.accel)
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    machine = {**describe(options, facts), "warnings": warnings}
    rows = all_rows(runs)
    save(options.output, machine=machine, results=rows)
    print_machine(options, machine, runs)
    if options.full:
        print_full(all_rows(runs[:2]))
    else:
        print_pairs(runs[:2])
        print_singles(runs[:2])
        print_pools(runs[:2])
        print(f"\nthese and {len(FIGURES) - len(summary())} more with all their columns: --full (make bench FULL=1)")
    lines, good = judge(exact)
    debug = "" if machine["build"] == "release" else " of a debug build: the limits are for release"
    print(f"\nfigures (instructions, p50){debug}")
    print("\n".join(lines))
    print(f"\nwritten to {options.output}")
    sys.exit(1 if options.check and not good else 0)


if __name__ == "__main__":
    main()
