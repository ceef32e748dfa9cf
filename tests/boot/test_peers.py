"""The comparison with Linux's own IPC: the program, which runs on this host too, and the reporter. Linux is not booted."""

import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("perf", "perf/linux"):
    sys.path.insert(0, str(ROOT / folder))
import bench  # noqa: E402
import initramfs  # noqa: E402
import linux_guest  # noqa: E402
import peers  # noqa: E402

PROGRAM = ROOT / "build/release/linux/ipc"
FIGURE = {"n": 1, "batch": 1, "warmup": 1, "overhead": 0, "min": 100, "p50": 100, "p90": 100, "p99": 100, "max": 100}


@pytest.fixture(scope="module")
def native():
    """What the program prints on this host, with 20 samples of each figure."""
    try:
        done = subprocess.run([PROGRAM, "20"], capture_output=True, text=True, timeout=60)
    except OSError as error:
        pytest.skip(f"this host's kernel runs no 32-bit programs: {error}")
    assert done.returncode == 0, done.stdout + done.stderr
    return bench.parse(done.stdout, peers.LINUX_NAMES)


def test_program_prints_what_the_reporter_knows(native):
    results, facts = native
    names = [name for name in peers.LINUX_NAMES if facts["fifo"] or not name.endswith("/fifo")]
    bench.check_complete(results, facts, names)


def test_figures_say_how_they_were_made(native):
    results, facts = native
    for name, figure in results.items():
        assert (figure["n"], figure["batch"], figure["warmup"]) == (20, 32, 512)
        assert facts[f"calls/{name}"] == 20 * 32
        assert figure["min"] <= figure["p50"] <= figure["p90"] <= figure["p99"] <= figure["max"]


def test_each_round_trip_leaves_the_processor_and_comes_back(native):
    results, facts = native
    for name in (name for name in results if name.startswith("rtt/")):
        assert facts[f"switches/{name}"] >= 2 * facts[f"calls/{name}"], name


def test_figures_of_postern_are_some_of_its_benchmark():
    assert set(peers.POSTERN_NAMES) <= set(bench.FIGURES)


def options(folder, **changes):
    (folder / "postern-perf.iso").touch()
    return types.SimpleNamespace(**{"build": folder, "bench": folder / "bench.json", "cpu": "max", **changes})


def write_bench(folder, **machine):
    rows = [{"name": "rtt/cross/sysenter", "unit": "instructions", "quantiles": [], **FIGURE}]
    (folder / "bench.json").write_text(json.dumps({"schema": 2, "machine": {"accel": "tcg", "cpu": "max", **machine},
                                                   "results": rows}))


def test_fresh_figures_of_the_benchmark_are_used(tmp_path):
    chosen = options(tmp_path)
    assert peers.recorded(chosen) == {}
    write_bench(tmp_path)
    assert peers.recorded(chosen) == {"instructions": {"rtt/cross/sysenter": FIGURE}}


@pytest.mark.parametrize("machine", [{"accel": "kvm"}, {"cpu": "n270"}])
def test_figures_of_another_machine_are_not(tmp_path, machine):
    chosen = options(tmp_path)
    write_bench(tmp_path, **machine)
    assert peers.recorded(chosen) == {}


def test_figures_older_than_the_image_are_not(tmp_path):
    chosen = options(tmp_path)
    write_bench(tmp_path)
    os.utime(tmp_path / "bench.json", (0, 0))
    assert peers.recorded(chosen) == {}


def test_ratios_are_those_of_the_same_kind():
    ours = {"rtt/same/sysenter": {"p50": 50}, "rtt/cross/sysenter": {"p50": 20}, "gate/null/sysenter": {"p50": 10}}
    names = ["rtt/same/pipe", "rtt/cross/pipe/fifo", "gate/null/int", "notify/roundtrip", "overhead/loop"]
    results = dict.fromkeys(names, FIGURE)
    assert [peers.over(name, results, ours, "sysenter").strip() for name in results] == ["2.00", "5.00", "10.00", "2.00", "-"]


@pytest.mark.parametrize("counts", [[1, 1], [1, 2]])
def test_runs_that_differ_are_refused(monkeypatch, counts):
    coming = iter(counts)
    monkeypatch.setattr(linux_guest, "run", lambda *_: next(coming))
    chosen = types.SimpleNamespace(repeat=2)
    if counts[0] == counts[1]:
        assert peers.linux(chosen, "linux", "instructions") == 1
    else:
        with pytest.raises(bench.Failure, match="count differently"):
            peers.linux(chosen, "linux", "instructions")


def test_json_has_one_row_per_figure(tmp_path):
    (tmp_path / "release").write_text("6.1.0-686\n")
    chosen = types.SimpleNamespace(cpu="max", machine="pc", memory=64, linux_kernel=tmp_path / "vmlinuz",
                                   output=tmp_path / "peers.json")
    figures = {"rtt/cross/pipe": {**FIGURE, "quantiles": []}}
    peers.write_json(chosen, {("linux", "instructions"): (figures, {}), ("linux", "ticks"): (figures, {})})
    data = json.loads(chosen.output.read_text())
    assert data["schema"] == 2 and data["machine"]["linux"] == "6.1.0-686"
    assert data["results"] == [{"system": "linux", "name": "rtt/cross/pipe", "unit": unit, **FIGURE}
                               for unit in ("instructions", "ticks")]


def test_without_modules_there_is_no_disk(tmp_path):
    (tmp_path / "init").write_bytes(b"1")
    subprocess.run([ROOT / "perf/linux/initramfs.py", "--output", tmp_path / "archive", tmp_path / "init"], check=True)
    expected = initramfs.archive([("dev", initramfs.FOLDER), ("init", initramfs.PROGRAM, b"1")])
    assert (tmp_path / "archive").read_bytes() == expected


def test_init_gets_the_program_behind_the_dashes(monkeypatch):
    asked = {}

    def boot_guest(_options, _names, _icount, **what):
        asked.update(what)
        return {"rtt/cross/pipe": FIGURE}, {}
    monkeypatch.setattr(bench, "boot_guest", boot_guest)
    chosen = types.SimpleNamespace(linux_kernel="k", linux_programs="p")
    linux_guest.run(chosen, "linux-off", "ipc", ["rtt/cross/pipe"], True)
    line = asked["extra"][asked["extra"].index("-append") + 1]
    assert line.endswith(" mitigations=off -- ipc") and asked["kernel"] == "k"
    with pytest.raises(bench.Failure, match="did not measure rtt/same/pipe"):
        linux_guest.run(chosen, "linux", "ipc", ["rtt/same/pipe"], True)
