"""The sections of the report about the benchmark's figures: for each group of perf/figures.toml what can be drawn and tabled."""

import dataclasses
import itertools
import re

from document import Picture, Section, Table, one_unit
from figures import FIGURES
from results import EXACT

# Titles of the groups of perf/figures.toml; one that is not here gets its own name.
TITLES = {
    "gates": "INT 250 beside SYSENTER", "chains": "Chains of nested calls", "strategies": "How a call gets its thread",
    "kernel": "Kernel operations", "pool": "Pools under load", "messages": "Messages through session memory",
    "interrupts": "Interrupts to a driver", "fairness": "One greedy client", "cold": "Cold caches, and many services in turn",
    "inversion": "Priority inversion, with and without lending",
    "boot": "From boot to the first call", "memory": "Memory of each thing", "size": "Size of the code", "oneway": "One way only",
}
SUFFIXES = {"": 1, "k": 1 << 10, "m": 1 << 20}
COUNTED = re.compile(r"(?P<what>\w+(?:/\w+)?)/(?P<number>\d+)/(?P<gate>int|sysenter)")     # a line over the number
LINES = {"chain": ("One call that nests through N services", "services"),
         "rtt/robin": ("One call of a client that calls N services in turn", "services")}
DOTS = {"instructions": "Medians", "bytes": "Sizes"}
SCALES = ("overhead/", "reference/")    # not drawn beside what they are the measure of
MESSAGE = re.compile(r"message/(\w+)/(\d+)([km]?)")
POOL = re.compile(r"(?P<kind>pool(?:/\w+)?)/(?P<workers>\d+)workers/(?P<clients>\d+)clients/(?P<what>\w+)")
GATE_NAMES = {"int": "INT 250", "sysenter": "SYSENTER"}
HEADLINES = {
    "rtt/cross/sysenter": "call and reply between two processes, SYSENTER", "rtt/cross/int": "the same, INT 250",
    "gate/null/sysenter": "enter and leave the kernel, SYSENTER", "strategy/thread": "a call for which a thread is created",
    "chain/16/sysenter": "one call through 16 services", "chain/8/sysenter": "one call through 8 services",
    "boot/first_call": "from boot to the first call",
}


def pairs_of(rows):
    """(base, row by INT, row by SYSENTER) of the figures that were measured through both gates."""
    bases = [name.removesuffix("/int") for name in rows if name.endswith("/int")]
    return [(base, rows[f"{base}/int"], rows[f"{base}/sysenter"]) for base in bases if f"{base}/sysenter" in rows]


def matching(rows, pattern):
    return [(match, rows[name]) for name in rows if (match := pattern.fullmatch(name))]


# ---- pictures ----

def counted_series(rows):
    """{what: {gate: [(number, value)]}}"""
    series = {}
    for match, row in matching(rows, COUNTED):
        series.setdefault(match["what"], {}).setdefault(GATE_NAMES[match["gate"]], []).append((int(match["number"]), row["p50"]))
    return {what: {gate: sorted(points) for gate, points in curves.items()} for what, curves in series.items()}


def message_series(rows):
    series = {}
    for match, row in matching(rows, MESSAGE):
        series.setdefault(match[1], []).append((int(match[2]) * SUFFIXES[match[3]], row["p50"]))
    return {method: sorted(points) for method, points in series.items()}


def pool_series(rows, percentile):
    """{(kind, what): {label: [(clients, value)]}}"""
    series = {}
    for match, row in matching(rows, POOL):
        workers = int(match["workers"])
        label = f"{workers} worker{'s' if workers > 1 else ''}"
        points = series.setdefault((match["kind"], match["what"]), {}).setdefault(label, [])
        points.append((int(match["clients"]), row[percentile]))
    return {key: {label: sorted(points) for label, points in curves.items()} for key, curves in series.items()}


def per_million(curves):
    """Calls in a million, from the time of each."""
    return {label: [(clients, 1e6 / value) for clients, value in points if value] for label, points in curves.items()}


def pool_pictures(plots, rows, unit):
    for (kind, what), curves in pool_series(rows, "p50").items():
        if what == "throughput":
            yield Picture(f"{kind}: calls completed", unit, plots.lines(
                f"{kind} throughput {unit}", f"calls in a million {unit}", "clients", per_million(curves)))
    for (kind, what), curves in pool_series(rows, "p99").items():
        if what != "throughput":
            yield Picture(f"{kind}: {what} of a call, 99th percentile", unit, plots.lines(
                f"{kind} {what} {unit}", unit, "clients", curves))


def line_pictures(plots, rows, unit):
    for what, series in counted_series(rows).items():
        title, across = LINES.get(what, (f"{what}/N", "N"))
        yield Picture(title, unit, plots.lines(f"{what} {unit}", unit, across, series, logarithmic=False))
    if series := message_series(rows):
        yield Picture("A message of N bytes, by method", unit, plots.lines(
            f"messages {unit}", unit, "size", series, logarithmic=True, sizes=True))
    yield from pool_pictures(plots, rows, unit)


def is_on_lines(name):
    return any(pattern.fullmatch(name) for pattern in (COUNTED, MESSAGE, POOL))


def row_pictures(plots, title, rows, unit):
    """Pairs as bars; everything else a dot each; times with their spread."""
    rows = {name: row for name, row in rows.items() if not is_on_lines(name)}
    pairs = pairs_of(rows)
    if pairs:
        bars = [(base, by_int["p50"], by_sysenter["p50"]) for base, by_int, by_sysenter in pairs]
        yield Picture("Medians by gate", unit, plots.pairs(f"{title} pairs {unit}", unit, bars))
    paired = {row["name"] for pair in pairs for row in pair[1:]}
    single = [(name, row["p50"]) for name, row in rows.items()
              if name not in paired and row["p50"] > 0 and not name.startswith(SCALES)]
    if len(single) > 1 and unit in EXACT:
        yield Picture(DOTS.get(unit, "Counts"), unit, plots.dots(f"{title} {unit}", unit, single))
    spread = [(name, row["quantiles"]) for name, row in rows.items() if row.get("quantiles") and row["n"] > 1]
    if spread and unit not in EXACT:
        yield Picture("Distribution: median (bar), middle half, 5 to 95 %", unit,
                      plots.spread(f"{title} spread {unit}", unit, spread))


# ---- tables ----

def pair_table(title, pairs):
    unit = one_unit([row for pair in pairs for row in pair[1:]], title)
    texts = [text for _, text in with_texts({by_sysenter["name"]: by_sysenter for _, _, by_sysenter in pairs})]
    rows = [[base, by_int["p50"], by_sysenter["p50"], by_int["p50"] / by_sysenter["p50"] if by_sysenter["p50"] else None, text]
            for (base, by_int, by_sysenter), text in zip(pairs, texts)]
    head = ["figure", "INT 250", "SYSENTER", "INT over SYSENTER", "what (SYSENTER)"]
    return Table(f"{title}: both gates, medians", unit, head, rows)


def figure_table(title, rows):
    unit = one_unit(rows.values(), title)
    if all(row["n"] == 1 for row in rows.values()):
        return Table(title, unit, ["figure", unit, "what"], [[row["name"], row["p50"], text] for row, text in with_texts(rows)])
    return Table(f"{title}: medians and tails", unit, ["figure", "median", "p99", "max", "what"],
                 [[row["name"], row["p50"], row["p99"], row["max"], text] for row, text in with_texts(rows)])


def with_texts(rows):
    """Rows and what each is; the text of several is written once."""
    before = None
    for name, row in rows.items():
        text = FIGURES[name].text if name in FIGURES else ""
        yield row, text if text != before else ""
        before = text


def grid_table(title, unit, across, series, note=""):
    """Lines as a table: a row for each x, a column for each line."""
    xs = sorted({x for points in series.values() for x, _ in points})
    by_label = {label: dict(points) for label, points in series.items()}
    return Table(title, unit, [across, *series], [[x] + [points.get(x) for points in by_label.values()] for x in xs], note)


def crossovers(series):
    """From which size on one method is cheaper than another that was cheaper before, in words."""
    found = []
    for (one, before), (other, after) in itertools.permutations(series.items(), 2):
        costs = [(size, dict(before)[size], cost) for size, cost in after if size in dict(before)]
        last = max((at for at, (_, a, b) in enumerate(costs) if b >= a), default=-1)
        if 0 <= last < len(costs) - 1:
            found.append(f"From {costs[last + 1][0]:,} bytes on, {other} is cheaper than {one}.")
    return " ".join(found)


def tables_of(title, rows, unit):
    if series := message_series(rows):
        yield grid_table("Messages by method and size, medians", unit, "bytes", series, crossovers(series))
    for (kind, fact), curves in pool_series(rows, "p50").items():
        if fact == "throughput":
            yield grid_table(f"{kind}: time for each completed call, by clients and workers", unit, "clients", curves)
    for (kind, fact), curves in pool_series(rows, "p99").items():
        if fact != "throughput":
            yield grid_table(f"{kind}: {fact} of a call, 99th percentile, by clients and workers", unit, "clients", curves)
    pairs = pairs_of(rows)
    if pairs:
        yield pair_table(title, pairs)
    paired = {row["name"] for pair in pairs for row in pair[1:]}
    rest = {name: row for name, row in rows.items() if name not in paired and not is_on_lines(name)}
    if rest:
        yield figure_table(title, rest)


# ---- sections ----

def columns_of(results):
    """(unit, {name: row}) of the yardsticks, each with the first run's figures."""
    return [(unit, results.exact[unit]) for unit in EXACT] + ([(results.time_unit, results.timed[0])] if results.timed else [])


def group_section(plots, group, results):
    section = Section(TITLES.get(group, group.replace("_", " ").capitalize()))
    for unit, rows in columns_of(results):
        mine = {name: rows[name] for name in FIGURES if name in rows and FIGURES[name].group == group}
        if mine:
            tables = tables_of(section.title, mine, unit)
            section.tables += [dataclasses.replace(table, folded=unit == "ticks") for table in tables]
            section.pictures += [*line_pictures(plots, mine, unit), *row_pictures(plots, section.title, mine, unit)]
    return section if section.tables else None


def group_sections(plots, results):
    groups = dict.fromkeys(figure.group for figure in FIGURES.values())
    return [section for group in groups if (section := group_section(plots, group, results))]


def limit_sections(results):
    """The limits that perf/figures.toml sets, if a figure with one was measured."""
    rows = []
    for name, figure in FIGURES.items():
        measured = results.value(name)
        if figure.limit is not None and measured is not None:
            rows.append([name, measured, figure.limit, figure.aim, "ok" if measured <= figure.limit else "EXCEEDED"])
    head = ["figure", "median", "limit", "aim", "verdict"]
    return [Section("Limits", [], [], [Table("Medians against their limits", "instructions", head, rows)])] if rows else []


def all_figures(results):
    """Every figure with all that is known about it."""
    keys = ["n", "batch", "warmup", "overhead", "min", "p50", "p90", "p99", "max"]
    section = Section("Every figure", [
        "n: samples. batch: operations in a sample, which is their mean. warm-up: operations before the first sample. overhead: "
        "what reading the counter takes, subtracted from each batch."])
    for unit, rows in columns_of(results):
        if rows:
            table = [[row["name"], *(row.get(key) for key in keys), text] for row, text in with_texts(rows)]
            section.tables.append(Table("Every figure", unit, ["figure", *keys, "what"], table, folded=True))
    return section


def headlines(results):
    rows = [(results.value(name), "instructions", text) for name, text in HEADLINES.items() if results.value(name) is not None]
    return [row for row in rows if not (row[2] == HEADLINES["chain/8/sysenter"] and results.value("chain/16/sysenter"))]
