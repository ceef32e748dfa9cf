#!/usr/bin/python3
"""Boots the benchmark image, judges what the guest measured, prints the comparison and writes it as JSON.

Yardsticks: `instructions` under QEMU's -icount (exact, repeatable), `ticks` of the time stamp counter under TCG (only
ratios within one run mean anything), `cycles` under KVM."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import boot  # noqa: E402
from figures import FIGURES, is_time  # noqa: E402

GATES = ["int", "sysenter"]
HOP_FACTOR = 1.3        # each further hop of a chain, of rtt/cross/sysenter, plus the handler
HANDLER = 16            # instructions of the relay's handler beside its call
POOL_FACTOR = 5         # strategy/thread over strategy/pool, at least
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


def check_complete(results, facts):
    wanted = [n for n in FIGURES if facts.get("sysenter") or not n.endswith("/sysenter")]
    missing = [n for n in wanted if n not in results]
    if missing:
        raise Failure("the guest did not measure " + ", ".join(missing))


def boot_guest(options, names, icount, **what):
    """Boots what tools/boot.py is told by `what`, once; gives the figures, which must bear these names, and the facts."""
    began = time.monotonic()
    print(f"booting ({'exact instruction count' if icount else 'time'}) ...", file=sys.stderr, flush=True)
    accel = "tcg" if icount else options.accel
    result = boot.run(qemu=options.qemu, machine=options.machine, cpu="host" if accel == "kvm" else options.cpu,
                      memory=options.memory, accel=accel, icount=icount, timeout=options.timeout, **what)
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


def run(options, icount):
    results, facts = boot_guest(options, FIGURES, icount, iso=str(options.build / "postern-perf.iso"))
    check_complete(results, facts)
    return results, facts


def cpu_name(model, accel):
    if accel != "kvm":
        return model
    match = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return match.group(1) if match else "host"


def describe(options, facts):
    return {"accel": options.accel, "cpu": cpu_name(options.cpu, options.accel), "smp": 1,
            "build": "release" if facts["release"] else "debug"}


def value(results, name):
    return results[name]["p50"] if name in results else None


def ratio(a, b):
    return f"{a / b:7.2f}" if a is not None and b else "      -"


def number(x):
    return "-" if x is None else f"{x:,}"


def print_pairs(columns):
    names = ["gate/null", "rtt/same", "rtt/cross", "rtt/alternating"] + [f"chain/{n}" for n in range(1, 9)]
    head = "".join(f"{unit + ':  INT':>22}{'SYSENTER':>12}{'ratio':>8}" for unit, _ in columns)
    print(f"{'median of':<18}{head}")
    for name in names:
        row = ""
        for _, results in columns:
            a, b = (value(results, f"{name}/{gate}") for gate in GATES)
            row += f"{number(a):>22}{number(b):>12}{ratio(a, b):>8}"
        print(f"{name:<18}{row}")


def print_singles(columns):
    singles = [n for n in FIGURES if not n.endswith(tuple("/" + g for g in GATES))]
    print(f"\n{'':<40}" + "".join(f"{unit:>14}{'p99':>10}{'max':>10}" for unit, _ in columns))
    for name in singles:
        row = ""
        for _, results in columns[:None if is_time(name) else 1]:
            figures = results[name]
            row += f"{number(figures['p50']):>14}{number(figures['p99']):>10}{number(figures['max']):>10}"
        print(f"{name:<40}{row}")


def verdict(name, measured, limit, aim, at_least=False):
    if measured is None:
        return f"  {name:<38} not measured on this CPU", True
    good = measured >= limit if at_least else measured <= limit
    bound = f"{'at least' if at_least else 'at most'} {limit:g}" + (f", aim {aim}" if aim else "")
    return f"  {name:<38}{measured:>10,.4g}  {bound:<22}{'ok' if good else 'EXCEEDED'}", good


def judge(results):
    """Lines of the figures block, and whether every limit is kept."""
    rows = [verdict(name, value(results, name), figure.limit, figure.aim)
            for name, figure in FIGURES.items() if figure.limit is not None]
    rtt = value(results, "rtt/cross/sysenter")
    if rtt is not None:
        hops = [value(results, f"chain/{n + 1}/sysenter") - value(results, f"chain/{n}/sysenter") for n in range(1, 8)]
        rows.append(verdict("chain: dearest further hop, sysenter", max(hops), int(HOP_FACTOR * rtt) + HANDLER, None))
        rows.append(verdict("chain: hops differ by (linear)", max(hops) - min(hops), 2, None))
    gain = round(value(results, "strategy/thread") / value(results, "strategy/pool"), 1)
    rows.append(verdict("strategy/thread over strategy/pool", gain, POOL_FACTOR, None, at_least=True))
    lines = int(subprocess.run([str(ROOT / "tools" / "privileged_size"), "--number"], capture_output=True, text=True).stdout)
    rows.append(verdict("privileged code, lines", lines, 6000, 4500))
    return [text for text, _ in rows], all(good for _, good in rows)


def write_json(path, machine, runs):
    """What is the same in every run is written with the first one's figures."""
    rows = [{"name": name, "unit": unit if is_time(name) else figure.unit, **results[name]}
            for at, (unit, results) in enumerate(runs) for name, figure in FIGURES.items()
            if name in results and (is_time(name) or at == 0)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": 2, "machine": machine, "results": rows}, indent=1) + "\n")


def print_machine(options, machine, runs):
    print(f"\nPostern on {machine['cpu']} ({machine['accel']}), {options.machine}, {options.memory} MiB, "
          f"{machine['build']} build")
    print("instructions: executed by the guest, exact (QEMU -icount).")
    if any(unit == "ticks" for unit, _ in runs):
        print("ticks: TCG time, good for ratios within this run only, never hardware time.")
    print()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="folder with postern-perf.iso")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench.json"))
    parser.add_argument("--unit", choices=["all", "instructions"], default="all")
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="tcg", help="for the run that measures time")
    parser.add_argument("--qemu", default="qemu-system-i386")
    parser.add_argument("--machine", default="pc")
    parser.add_argument("--cpu", default="max")
    parser.add_argument("--memory", type=int, default=64, help="MiB")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one boot")
    parser.add_argument("--repeat", type=int, default=1,
                        help="count instructions this often, and fail unless the figures are identical")
    parser.add_argument("--check", action="store_true", help="exit 1 when a limit is exceeded")
    return parser.parse_args()


def main():
    options = parse_arguments()
    boot.exit_on_termination()
    try:
        exact, facts = run(options, icount=True)
        for _ in range(1, options.repeat):
            if run(options, icount=True)[0] != exact:
                raise Failure("two runs of the exact count differ")
        runs = [("instructions", exact)]
        if options.unit == "all":
            runs.append(("cycles" if options.accel == "kvm" else "ticks", run(options, icount=False)[0]))
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    machine = describe(options, facts)
    write_json(options.output, machine, runs)
    print_machine(options, machine, runs)
    print_pairs(runs)
    print_singles(runs)
    lines, good = judge(exact)
    debug = "" if machine["build"] == "release" else " of a debug build: the limits are for release"
    print(f"\nfigures (instructions, p50){debug}")
    print("\n".join(lines))
    print(f"\nwritten to {options.output}")
    sys.exit(1 if options.check and not good else 0)


if __name__ == "__main__":
    main()
