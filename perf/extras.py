"""The sections of the report about what is measured beside the benchmark: entries, profile, model, peers, files."""

import pathlib
import tomllib

import results
from document import Picture, Section, Table, one_unit
from entries import LIMIT

COSTS = pathlib.Path(__file__).resolve().parent / "model.toml"
ENTRIES_DRAWN = 20
SYSTEMS = {"postern": "Postern", "linux": "Linux", "linux-off": "Linux, mitigations=off"}
MEMORY = [("code", "user"), ("code", "kernel"), ("data", "user"), ("data", "kernel")]


def entries(plots, data):
    rows = sorted(data["results"], key=lambda row: -row["max"])
    title = "Interrupts off, by kind of kernel entry"
    unit = one_unit(rows, title)
    drawn = [(row["name"].removeprefix("entry/"), row["max"]) for row in rows[:ENTRIES_DRAWN]]
    verdicts = [[row["name"], row["n"], row["p50"], row["p99"], row["max"], "ok" if row["max"] <= LIMIT else "EXCEEDED"]
                for row in rows]
    return Section(title, ["The kernel runs with interrupts off from entry to exit. Each entry of a whole run of the guest suite "
                           "and of the benchmark was counted by a QEMU plugin; none should take more than "
                           f"{LIMIT:,} instructions."],
                   [Picture(f"The {len(drawn)} longest", unit, plots.dots("entries", unit, drawn, limit=LIMIT))],
                   [Table(title, unit, ["entry", "n", "median", "p99", "max", "verdict"], verdicts)])


def per_operation(profile, *path):
    value = profile
    for key in path:
        value = value[key]
    number = value / profile["operations"]
    return int(number) if number == int(number) else number


def profile(plots, data):
    operations = data["operations"]
    columns = [(what, use, who) for what in ("lines", "pages") for use, who in MEMORY]
    columns += [("tlb-refills", "code"), ("tlb-refills", "data")]
    memory = [[name, *(per_operation(one, *path) for path in columns)] for name, one in operations.items()]
    events = [event for event in next(iter(operations.values()))["events"]
              if any(one["events"][event] for one in operations.values())]
    counts = [[name, *(per_operation(one, "events", event) for event in events)] for name, one in operations.items()]
    executed = [[name, *(per_operation(one, "instructions", who) for who in ("user", "kernel", "total"))]
                for name, one in operations.items()]
    return Section("What one operation touches and executes", [
        "One operation in its steady state, as a QEMU plugin saw it: distinct cache lines of 64 bytes, distinct pages of 4 KiB, "
        "entries of the TLB that are gone after a CR3 load, and the instructions that cost more than others."], [], [
        Table("Instructions, by whose they are", "instructions", ["operation", "user", "kernel", "all"], executed, folded=True),
        Table("Memory touched", "count", ["operation", *map(" ".join, columns)], memory),
        Table("Instructions that cost more than others", "count", ["operation", *events], counts)])


def cost_table(costs):
    """What the estimates are made of: each cost with its source."""
    rows = [[entry.get("title", name), kind, cost["cycles"], cost["source"]] for name, entry in costs.items()
            for kind, cost in entry.get("costs", {}).items()]
    return Table("Costs, and who published them", "estimated cycles", ["CPU", "of one", "cycles", "source"], rows, folded=True)


def model(plots, data):
    estimates, costs = data["estimates"], tomllib.loads(COSTS.read_text())
    section = Section("Cost model: an estimate", [
        f"{data['label'].capitalize()}. What one operation executes and touches, times published latencies of CPUs that are not "
        "at hand. Warm: all in the first-level caches; cold: each line from the farthest cache. A bound "
        ">= lacks the costs that its last column names; `-`: without that cost there is no estimate."])
    for architecture in dict.fromkeys(row["microarchitecture"] for row in estimates):
        mine = [row for row in estimates if row["microarchitecture"] == architecture]
        parts = list(mine[0]["parts"])
        rows = [[row["name"], bound(row, "warm"), bound(row, "cold"), *(row["parts"].get(part) for part in parts),
                 row["measured"], ", ".join(row["missing"])] for row in mine]
        section.tables.append(Table(f"Cycles on {costs.get(architecture, {}).get('title', architecture)}", "estimated cycles",
                                    ["operation", "warm", "cold", *parts, "measured", "no cost published for"], rows))
    section.tables.append(cost_table(costs))
    return section


def bound(row, key):
    return f">= {row[key]:,}" if row[key] is not None and row["missing"] else row[key]


def by_system(title, what, rows):
    """One table for each unit: a row for each name, a column for each system."""
    for unit in dict.fromkeys(row["unit"] for row in rows):
        mine = [row for row in rows if row["unit"] == unit]
        systems = list(dict.fromkeys(row["system"] for row in mine))
        medians = {(row["name"], row["system"]): row["p50"] for row in mine}
        names = dict.fromkeys(row["name"] for row in mine)
        yield Table(f"{title}, medians", unit, [what, *(SYSTEMS.get(system, system) for system in systems)],
                    [[name, *(medians.get((name, system)) for system in systems)] for name in names])


def peers(plots, data):
    section = Section("Beside Linux: calls", ["One word to another thread or process and back on Debian's own 32-bit Linux, and "
                                              "its null system call, on the same QEMU. " + linux(data)])
    section.tables += by_system("Round trips and null system calls", "operation", data["results"])
    exact = [(f"{row['name']} ({SYSTEMS.get(row['system'], row['system'])})", row["p50"]) for row in data["results"]
             if row["unit"] == "instructions" and row["system"] != "linux-off"]
    if exact:
        section.pictures.append(Picture("Medians", "instructions", plots.dots("peers", "instructions", exact)))
    return section


def linux(data):
    return f"Linux {data['machine']['linux']}." if "linux" in data["machine"] else ""


def files(plots, data):
    section = Section("Beside Linux: files", ["The same program on both systems, through the C library: open, read, write and "
                                              "sync on an ext2 disk. " + linux(data)])
    section.tables += by_system("File access", "operation", data["results"])
    return section


# File in the build folder, the section that it makes, and what writes it.
SOURCES = [("entries.json", entries, "make interrupts-off"), ("profile.json", profile, "make profile"),
           ("model.json", model, "make model"), ("peers.json", peers, "make bench-peers"),
           ("files.json", files, "make bench-files")]


def sections(plots, folder):
    """Those whose figures are there; and a line about each that is not."""
    found, missing = [], []
    for name, make, target in SOURCES:
        if (folder / name).exists():
            found.append(make(plots, results.read_json(folder / name, target)))
        else:
            missing.append(f"{name} ({target})")
    return found, missing
