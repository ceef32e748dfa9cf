"""The estimates: counts times costs and nothing else, a source with every cost, and no estimate where one is missing."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import model  # noqa: E402
import operation  # noqa: E402

COSTS = {"sysenter-sysexit": 100, "load-cr3": 50, "tlb-refill": 7, "line-l2": 10, "line-l3": 40}


def profile(operations=1, instructions=84, **events):
    counts = {name: events.get(name.replace("-", "_"), 0) for name in operation.EVENTS}
    return {"operations": operations, "instructions": {"total": instructions}, "events": counts,
            "tlb-refills": {"code": 2, "data": 1},
            "lines": {"code": {"user": 3, "kernel": 2}, "data": {"user": 1, "kernel": 4}}}


def call(**changes):
    return profile(**{"sysenter": 2, "sysexit": 2, "load_cr3": 2, **changes})


def test_counts_times_costs():
    row = model.estimate("x", call(), 0.5, COSTS)
    assert row["parts"] == {"mode switches": 200, "CR3 loads": 100, "TLB refills": 21, "others": 0, "instructions": 156,
                            "lines, cold": 400}       # 84 less the six with costs of their own, two cycles each; ten lines
    assert (row["warm"], row["cold"], row["missing"]) == (477, 877, [])


def test_a_turn_of_two_operations_is_halved():
    one, two = (model.estimate("x", call(operations=n), 1, COSTS) for n in (1, 2))
    assert two["parts"]["mode switches"] == one["parts"]["mode switches"] / 2


def test_the_second_cache_stands_in_for_the_third():
    costs = {kind: cost for kind, cost in COSTS.items() if kind != "line-l3"}
    assert model.estimate("x", call(), 1, costs)["parts"]["lines, cold"] == 100


def test_a_lower_bound_says_what_is_missing():
    costs = {kind: cost for kind, cost in COSTS.items() if kind != "tlb-refill"}
    row = model.estimate("x", call(), 1, costs)
    assert row["missing"] == ["tlb-refill"] and row["parts"]["TLB refills"] is None
    assert model.span(row).startswith(">= 378 - ")


def test_no_estimate_without_the_mode_switch():
    row = model.estimate("x", profile(int=2, iret=2), 1, COSTS)
    assert row["missing"] == ["int-iret"] and row["warm"] is None and model.span(row) == "no estimate"


def test_a_cheap_instruction_without_a_cost_is_one_like_any_other():
    without, with_cost = (model.estimate("x", call(pushf=2), 1, {**COSTS, **more}) for more in ({}, {"pushf": 9}))
    assert without["missing"] == [] and with_cost["warm"] - without["warm"] == 16


@pytest.mark.parametrize("missing", ["events", "tlb-refills", "lines", "instructions"])
def test_a_missing_counter(missing):
    without = {name: value for name, value in call().items() if name != missing}
    with pytest.raises(model.Failure, match=f"no counter {missing}.*make profile"):
        model.estimate("x", without, 1, COSTS)


def test_every_cost_has_a_source():
    """With a year, so that it can be found; or it says that it is an assumption."""
    costs = model.load_costs(model.ROOT / "perf" / "model.toml")
    assert len(costs) >= 2
    text = (model.ROOT / "perf" / "model.toml").read_text()
    for source in re.findall(r'^source = "(.*)"$', text, re.M):
        assert re.search(r"\b(19|20)\d\d\b", source) or source.startswith("assumption of this model, not published"), source
    assert len(re.findall(r"^source = ", text, re.M)) == sum(1 + len(kinds) for _, _, kinds in costs.values())


GOOD = """[x.instructions]
per_cycle = 1.0
source = "assumption"
[x.costs.load-cr3]
cycles = 50
source = "A. Body, 2001"
"""


@pytest.mark.parametrize("old,new,says", [
    ('source = "A. Body, 2001"', "", "x.costs.load-cr3 has no source"),
    ('"A. Body, 2001"', '" "', "x.costs.load-cr3 has no source"),
    ("cycles = 50", "cycles = 0", "needs cycles, a positive number"), ("per_cycle = 1.0", "", "x.instructions needs per_cycle"),
    ("load-cr3", "load-cr7", "has a cost load-cr7; known are")])
def test_a_bad_table_is_refused(tmp_path, old, new, says):
    table = tmp_path / "model.toml"
    table.write_text(GOOD)
    assert model.load_costs(table)["x"][2] == {"load-cr3": 50}
    table.write_text(GOOD.replace(old, new))
    with pytest.raises(model.Failure, match=says):
        model.load_costs(table)


def run(folder, *options):
    command = [sys.executable, str(ROOT / "perf" / "model.py"), *options]
    for name in ("profile", "bench", "output"):
        command += [f"--{name}", str(folder / f"{name}.json")]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_whole(tmp_path):
    """Measured cycles stand beside the estimates; ticks and instructions are none."""
    (tmp_path / "profile.json").write_text(json.dumps({"schema": 2, "operations": {"rtt/same/sysenter": call(load_cr3=0)}}))
    rows = [{"name": "rtt/same/sysenter", "unit": unit, "p50": p50}
            for unit, p50 in (("cycles", 12345), ("ticks", 1), ("instructions", 2))]
    (tmp_path / "bench.json").write_text(json.dumps({"schema": 2, "results": rows}))
    done = run(tmp_path)
    assert done.returncode == 0 and "12,345" in done.stdout, done.stderr
    written = json.loads((tmp_path / "output.json").read_text())
    assert written["label"] == "estimate from published latencies; not measured" and written["unit"] == "cycles"
    assert done.stdout.count(written["label"]) == len({row["microarchitecture"] for row in written["estimates"]})
    assert {row["measured"] for row in written["estimates"]} == {12345}


def test_what_is_missing_is_said(tmp_path):
    assert "make profile writes it" in run(tmp_path).stderr
    (tmp_path / "profile.json").write_text("{")
    assert "make profile writes a new one" in run(tmp_path).stderr
    (tmp_path / "profile.json").write_text(json.dumps({"schema": 2, "operations": {"rtt/same/int": call()}}))
    done = run(tmp_path, "--operations", "rtt/other")
    assert done.returncode == 1 and "has no operation rtt/other" in done.stderr
