"""The benchmark: every figure there, within its limit, and the same in two runs."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import bench  # noqa: E402


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    output = tmp_path_factory.mktemp("bench") / "bench.json"
    command = [sys.executable, str(ROOT / "perf" / "bench.py"), "--unit", "instructions", "--repeat", "2", "--check",
               "--build", str(ROOT / "build" / "release"), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    return done, output


def test_limits_are_kept_in_two_identical_runs(run):
    done, _ = run
    assert done.returncode == 0, done.stdout + done.stderr


def test_schema(run):
    data = json.loads(run[1].read_text())
    assert data["schema"] == 2
    assert set(data["machine"]) == {"accel", "cpu", "smp", "build"}
    assert sorted(row["name"] for row in data["results"]) == sorted(bench.FIGURES)
    for row in data["results"]:
        unit = bench.FIGURES[row["name"]].unit
        assert row["unit"] == ("instructions" if unit == "time" else unit) and row["n"] >= 1
        assert len(row["quantiles"]) == 21 and row["quantiles"] == sorted(row["quantiles"])
        assert row["min"] <= row["p50"] <= row["p90"] <= row["p99"] <= row["max"]


def test_bad_guest_output_is_refused():
    for text in ("panic: something", "result rtt/cross/sysenter 1 2 3", "result unknown/name 1 1 1 1 1 1 1 1 1",
                 "bench: x failed: E_BUSY"):
        with pytest.raises(bench.Failure):
            bench.parse(text)
    with pytest.raises(bench.Failure):
        bench.check_complete({}, {"sysenter": 1})


def test_an_exceeded_limit_is_seen():
    results = {name: dict(n=1, min=1, p50=1, p90=1, p99=1, max=1) for name in bench.FIGURES}
    results["strategy/thread"]["p50"] = 100
    results["counter/threads_created_during_calls"]["p50"] = 0
    results["rtt/cross/sysenter"]["p50"] = 80
    assert bench.judge(results)[1]
    results["rtt/cross/sysenter"]["p50"] = 81
    assert not bench.judge(results)[1]


README_ROWS = {
    "enter and leave the kernel": ["gate/null/int", "gate/null/sysenter"],
    "call and reply, same address space": ["rtt/same/int", "rtt/same/sysenter"],
    "call and reply, two processes": ["rtt/cross/int", "rtt/cross/sysenter"],
    "a call that nests through 8 processes": ["chain/8/int", "chain/8/sysenter"],
    "one call to a waiting worker / thread per call / remapped stack": ["strategy/pool", "strategy/thread", "strategy/remap"],
}


@pytest.mark.parametrize("row", README_ROWS)
def test_readme_says_what_is_measured(run, row):
    """To a tenth: what C compiles to depends on the compiler a little."""
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| {row} |"))
    stated = [int(figure.replace(",", "")) for figure in re.findall(r"[\d,]*\d", line[len(row) + 3:])]
    measured = {result["name"]: result["p50"] for result in json.loads(run[1].read_text())["results"]}
    assert stated == pytest.approx([measured[name] for name in README_ROWS[row]], rel=0.1)
