"""Writes and reads what perf/bench.py and the programs beside it have measured: rows by yardstick, never mixed."""

import dataclasses
import json
import pathlib

SCHEMA = 2
EXACT = ("instructions", "bytes", "count")     # the same in every run
TIMES = ("ticks", "cycles")                    # of one run, to be compared within that run only


class Failure(Exception):
    """The file says nothing that can be used; the text says why and what to do."""


@dataclasses.dataclass
class Results:
    machine: dict
    exact: dict         # {unit: {name: row}}
    time_unit: str      # ticks or cycles; empty when no time was measured
    timed: list         # {name: row} of each timed run

    def value(self, name, unit="instructions"):
        """A median, or None."""
        rows = self.exact.get(unit, {}) if unit in EXACT else self.timed[0] if self.timed else {}
        return rows[name]["p50"] if name in rows else None


def from_rows(machine, rows):
    exact, timed = {unit: {} for unit in EXACT}, {}
    for row in rows:
        if row["unit"] in EXACT:
            exact[row["unit"]][row["name"]] = row
        elif row["unit"] in TIMES:
            timed.setdefault(row["unit"], {}).setdefault(row.get("run", 1), {})[row["name"]] = row
        else:
            raise Failure(f"{row['name']} has the unit {row['unit']}, which is none of {', '.join(EXACT + TIMES)}")
    if len(timed) > 1:
        raise Failure("ticks and cycles in one file: they cannot be compared; measure again")
    unit = next(iter(timed), "")
    return Results(machine, exact, unit, [timed[unit][run] for run in sorted(timed[unit])] if unit else [])


def read_json(path, hint):
    """What a JSON file of ours holds."""
    try:
        data = json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError:
        raise Failure(f"{path} is not there: {hint}") from None
    except json.JSONDecodeError as error:
        raise Failure(f"{path} cannot be read ({error}): {hint}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise Failure(f"{path} has another form than this program knows: {hint}")
    return data


def save(path, **content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": SCHEMA, **content}, indent=1) + "\n")


def load(path, hint="make bench writes it"):
    data = read_json(path, hint)
    return from_rows(data["machine"], data["results"])
