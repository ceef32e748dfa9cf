"""Seeded bugs: is a fixed sample of them noticed, is one told that nobody can notice, and one that no longer applies?"""

import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "mutations"
SAMPLE = 10
HARMLESS = """[[mutation]]
name = "harmless"
file = "kernel/queue.c"
old = "/* Thirty-two lists"
new = "/* 32 lists"
"""


def mutations(*arguments):
    return subprocess.run([sys.executable, str(FOLDER / "mutations.py"), *arguments], capture_output=True, text=True)


def declared(tmp_path, text):
    path = tmp_path / "declared.toml"
    path.write_text(text)
    return "--declared", str(path), "--report", str(tmp_path / "report.json")


def test_a_sample_is_caught(tmp_path):
    done = mutations("--count", str(SAMPLE), "--report", str(tmp_path / "report.json"))
    assert done.returncode == 0 and f"{SAMPLE} of {SAMPLE} caught" in done.stdout, done.stdout + done.stderr


def test_a_bug_that_nobody_notices_is_told(tmp_path):
    done = mutations(*declared(tmp_path, HARMLESS))
    assert done.returncode == 1 and "0 of 1 caught" in done.stdout, done.stdout + done.stderr
    assert "survived: harmless: add a case" in done.stdout


def test_every_bug_applies_to_the_sources_as_they_are():
    entries = tomllib.loads((FOLDER / "mutations.toml").read_text())["mutation"]
    assert len(entries) >= 40 and len({entry["name"] for entry in entries}) == len(entries)
    done = mutations("--check")
    assert done.returncode == 0, done.stderr


def test_one_that_does_not_apply_is_told(tmp_path):
    for text in (HARMLESS.replace("Thirty-two", "Thirty-three"), HARMLESS.replace("queue.c", "queues.c")):
        done = mutations(*declared(tmp_path, text))
        assert done.returncode == 1 and "harmless: kernel/queue" in done.stderr and "quote what stands there now" in done.stderr


def test_one_that_does_not_build_counts_for_nothing(tmp_path):
    done = mutations(*declared(tmp_path, HARMLESS.replace('new = "', 'new = "error ')))
    assert done.returncode == 1 and "broken: harmless: it does not build" in done.stdout, done.stdout + done.stderr
