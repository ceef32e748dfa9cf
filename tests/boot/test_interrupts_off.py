"""No entry into the kernel takes more than 5,000 instructions with interrupts off, whatever the guest suite does."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import entries     # noqa: E402

KINDS = {"int250/process_destroy", "int250/process_map", "int250/memory_create", "int250/handle_close", "exception/page", "timer",
         "sysenter", "sysenter/through-c", "int250/call", "int250/null"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    output = tmp_path_factory.mktemp("entries") / "entries.json"
    done = subprocess.run(["make", "--no-print-directory", "build/plugins/entries.so"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([ROOT / "perf" / "entries.py", "--check", "--boots", "tests", "--output", output], cwd=ROOT,
                          capture_output=True, text=True, timeout=400)
    assert output.exists(), done.stdout + done.stderr
    return done, {row["name"]: row for row in json.loads(output.read_text())["results"]}


def test_interrupts_are_off_for_at_most_5000_instructions(report):
    done, _ = report
    assert done.returncode == 0 and "5,000 instructions with interrupts off: ok" in done.stdout, done.stdout


def test_what_is_counted(report):
    _, rows = report
    assert KINDS <= {name.removeprefix("entry/") for name in rows}
    assert rows["entry/int250/null"]["p50"] == 33 and 20 < rows["entry/sysenter"]["p50"] < 34     # as the listing has them
    assert rows["entry/int250/memory_create"]["max"] > 1024     # a page is cleared, word by word


def test_an_entry_that_takes_longer_is_seen():
    rows = [entries.row("a", {10: 99, 6000: 1}), entries.row("b", {10: 1})]
    assert (rows[0]["p50"], rows[0]["p99"], rows[0]["max"], rows[0]["n"]) == (10, 10, 6000, 100)
    assert not entries.good(rows) and entries.good(rows[1:]) and not entries.good([])
