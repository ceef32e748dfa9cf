#!/usr/bin/python3
"""Compares figures with saved ones, and says of each: better, worse, same, or noise.

Exact figures (instructions, bytes, counts): any difference is real. Times: the medians of each run are divided by that run's
reference/loop, and what the runs of both sides give is compared by the Mann-Whitney U test, two-sided, with Holm's correction
for the number of figures. better, worse: significant, and a shift of at least 2 %. same: two one-sided tests say that the
shift is less than 2 %. noise: neither. `make baseline` saves figures, `make compare` measures and calls this."""

import argparse
import dataclasses
import itertools
import math
import pathlib
import statistics
import sys

import results
from document import Section, Table, section_text
from figures import FIGURES

ALPHA = 0.05
LEAST = 0.02                    # a smaller shift of time is of no interest
REFERENCE = "reference/loop"
MUST_AGREE = ("accel", "cpu", "smp", "build")                      # else no figure means the same
SAME_TIME = ("host", "qemu", "machine", "memory")                  # else times do not
SAME_CODE = ("gcc", "nasm")                                        # else a difference may be the compiler's
VERDICTS = ("worse", "better", "noise", "same")
SHOWN = ("worse", "better")


@dataclasses.dataclass
class Compared:
    name: str
    base: float
    now: float
    verdict: str
    shift: float | None = None  # of the time, as a part of the base
    p: float | None = None      # corrected


@dataclasses.dataclass
class Comparison:
    exact: dict                 # {unit: [Compared]}
    times: list
    notes: list


def exact_verdict(name, base, now):
    return Compared(name, base, now, "same" if now == base else "worse" if now > base else "better")


def compare_exact(base, now):
    return {unit: [exact_verdict(name, base.exact[unit][name]["p50"], row["p50"])
                   for name, row in now.exact[unit].items() if name in base.exact[unit]] for unit in results.EXACT}


# ---- time ----

def multiples(measured):
    """{name: [median over that of the reference, for each run]} of what every run measured."""
    runs = measured.timed
    if not runs or any(REFERENCE not in run or not run[REFERENCE]["p50"] for run in runs):
        return {}
    names = [name for name in runs[0] if name != REFERENCE and all(name in run for run in runs)]
    return {name: [run[name]["p50"] / run[REFERENCE]["p50"] for run in runs] for name in names}


def shift_of(base, now):
    """Hodges and Lehmann's estimate: the median of all quotients of one of these and one of those, less one."""
    quotients = [b / a for a, b in itertools.product(base, now) if a]
    return statistics.median(quotients) - 1 if quotients else None


def differ(base, now):
    """The test's p, before correction."""
    from scipy.stats import mannwhitneyu
    if len({*base, *now}) == 1:
        return 1.0
    return float(mannwhitneyu(base, now, alternative="two-sided").pvalue)


def equivalent(base, now):
    """Whether the shift is less than LEAST both ways, by a one-sided test for each."""
    from scipy.stats import mannwhitneyu
    below = mannwhitneyu(now, [value * (1 + LEAST) for value in base], alternative="less").pvalue
    above = mannwhitneyu(now, [value * (1 - LEAST) for value in base], alternative="greater").pvalue
    return max(below, above) < ALPHA


def holm(values):
    """Corrected p of each, for as many tests as there are."""
    order, corrected, highest = sorted(range(len(values)), key=values.__getitem__), [0.0] * len(values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[at]))
        corrected[at] = highest
    return corrected


def time_verdict(base, now, shift, p):
    if shift is not None and p < ALPHA and abs(shift) >= LEAST:
        return "worse" if shift > 0 else "better"
    return "same" if equivalent(base, now) else "noise"


def compare_times(base, now):
    before, after = multiples(base), multiples(now)
    names = [name for name in after if name in before]
    corrected = holm([differ(before[name], after[name]) for name in names])
    shifts = [shift_of(before[name], after[name]) for name in names]
    return [Compared(name, statistics.median(before[name]), statistics.median(after[name]),
                     time_verdict(before[name], after[name], shift, p), shift, p)
            for name, p, shift in zip(names, corrected, shifts)]


def runs_needed(figures):
    """So many on each side that a difference can be significant at all, after correction."""
    return next(runs for runs in itertools.count(2) if 2 / math.comb(2 * runs, runs) * figures < ALPHA)


# ---- both ----

def differing(base, now, keys):
    values = [(key, base.machine.get(key), now.machine.get(key)) for key in keys]
    return [f"{key} {before} and {after}" for key, before, after in values if before != after]


def time_notes(base, now):
    """Why times are not compared, or what to think of it; and whether they can be."""
    if not base.timed or not now.timed:
        return [], False
    if differences := differing(base, now, SAME_TIME):
        return ["times are not compared: " + "; ".join(differences)], False
    names = [name for name in multiples(now) if name in multiples(base)]
    if not names:
        return [f"times are not compared: {REFERENCE} is missing, by which they would be divided"], False
    needed, fewest = runs_needed(len(names)), min(len(base.timed), len(now.timed))
    if fewest >= needed:
        return [], True
    return [f"{fewest} timed runs are too few to tell a difference among {len(names)} figures: RUNS={needed} on both sides "
            "would do"], True


def compare(base, now):
    if differences := differing(base, now, MUST_AGREE):
        raise results.Failure(f"the saved figures are of another kind ({'; '.join(differences)}): measure a baseline like these")
    if base.timed and now.timed and base.time_unit != now.time_unit:
        raise results.Failure(f"the saved figures are {base.time_unit}, these are {now.time_unit}: they cannot be compared")
    notes = [f"made with {tools}: what differs may be the compiler's doing" for tools in differing(base, now, SAME_CODE)]
    before, after = ({name for rows in side.exact.values() for name in rows} for side in (base, now))
    notes += [f"new: {', '.join(sorted(after - before))}"] if after - before else []
    notes += [f"gone: {', '.join(sorted(before - after))}"] if before - after else []
    more, comparable = time_notes(base, now)
    return Comparison(compare_exact(base, now), compare_times(base, now) if comparable else [], notes + more)


# ---- shown ----

def ordered(rows):
    """By verdict, then as in perf/figures.toml."""
    place = {name: at for at, name in enumerate(FIGURES)}
    return sorted(rows, key=lambda row: (VERDICTS.index(row.verdict), place.get(row.name, -1)))


def percent(part):
    """With a digit that is not zero."""
    return None if part is None else f"{100 * part:+,.{1 if abs(part) >= 0.0005 or not part else 3}f} %"


def exact_row(row):
    return [row.name, row.base, row.now, percent((row.now - row.base) / row.base if row.base else None), row.verdict]


def time_row(row):
    return [row.name, row.base, row.now, percent(row.shift), f"{row.p:.2g}", row.verdict]


def split_tables(title, yardstick, head, make_row, rows):
    """What differs first; all else folded."""
    changed = [make_row(row) for row in ordered(rows) if row.verdict in SHOWN]
    others = [make_row(row) for row in ordered(rows) if row.verdict not in SHOWN]
    if changed:
        yield Table(f"{title}: what differs", yardstick, head, changed)
    if others:
        yield Table(f"{title}: the rest", yardstick, head, others, folded=True)


def counts(rows_of):
    table = [[what, *(sum(row.verdict == verdict for row in rows) for verdict in VERDICTS)]
             for what, rows in rows_of.items() if rows]
    return Table("Verdicts", "figures", ["yardstick", *VERDICTS], table)


def section(comparison, base):
    text = [f"Compared with {base}. Exact figures: any difference is real. Times: medians of each run over {REFERENCE} of that "
            f"run, compared by the Mann-Whitney U test, two-sided, alpha {ALPHA}, Holm's correction for {len(comparison.times)} "
            f"figures. better, worse: significant, and a shift of at least {LEAST:.0%}; same: shown to differ by less (two "
            "one-sided tests); noise: neither.", *(f"Note: {note}." for note in comparison.notes)]
    made = Section("Compared with saved figures", text, [], [counts({**comparison.exact, "time": comparison.times})])
    for unit, rows in comparison.exact.items():
        made.tables += split_tables(unit.capitalize(), unit, ["figure", "base", "now", "change", "verdict"], exact_row, rows)
    made.tables += split_tables("Times", "times the reference", ["figure", "base", "now", "shift", "p (Holm)", "verdict"],
                                time_row, comparison.times)
    return made


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=pathlib.Path, default=pathlib.Path("build/baseline.json"), help="saved by make baseline")
    parser.add_argument("--now", type=pathlib.Path, help="figures to compare; without it, only the base is described")
    return parser.parse_args()


def main():
    options = parse_arguments()
    try:
        base = results.load(options.base, "make baseline writes it (BASE=path names another)")
        print(f"base: {options.base}, {base.machine['commit']}, {base.machine['build']} build, {base.machine['date']}, "
              f"{len(base.timed)} timed runs", file=sys.stderr)
        if options.now:
            print(section_text(section(compare(base, results.load(options.now)), str(options.base))))
    except results.Failure as failure:
        sys.exit(f"compare: {failure}")


if __name__ == "__main__":
    main()
