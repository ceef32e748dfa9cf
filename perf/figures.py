"""The figures of the benchmark, as perf/figures.toml names them."""

import dataclasses
import itertools
import pathlib
import re
import tomllib

FILE = pathlib.Path(__file__).resolve().parent / "figures.toml"


@dataclasses.dataclass(frozen=True)
class Figure:
    name: str
    group: str
    text: str
    unit: str = "time"          # time: what the run counts; else bytes or count
    assembly: bool = False      # no compiler has a say in it
    limit: int | None = None    # at most, in the exact run of a release build
    aim: int | None = None
    recorded: bool = True       # stands in perf/record.toml
    varies: float = 0           # share by which it may exceed the record, since any change of the boot changes it


def alternatives(braces):
    """ "{1..3}": 1 2 3; "{a,b}": a b; anything else: itself."""
    if not braces.startswith("{"):
        return [braces]
    span = re.fullmatch(r"\{(\d+)\.\.(\d+)\}", braces)
    return [str(n) for n in range(int(span[1]), int(span[2]) + 1)] if span else braces[1:-1].split(",")


def expand(name):
    return ["".join(parts) for parts in itertools.product(*map(alternatives, re.findall(r"\{[^}]*\}|[^{]+", name)))]


def load(path=FILE):
    """By name, in the order of the file."""
    entries = tomllib.loads(path.read_text())["figure"]
    return {name: Figure(**{**entry, "name": name}) for entry in entries for name in expand(entry["name"])}


FIGURES = load()


def is_time(name):
    return FIGURES[name].unit == "time"
