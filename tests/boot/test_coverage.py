"""How much of the kernel the guest suite reaches, and whether what reports it can be believed."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "coverage"
REPORTER = ROOT / "tests" / "coverage" / "coverage.py"
LEAST_PERCENT = 90
sys.path.insert(0, str(REPORTER.parent))
import coverage     # noqa: E402
import counters     # noqa: E402


@pytest.fixture(scope="module")
def report():
    done = subprocess.run(["make", "--no-print-directory", "coverage"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((BUILD / "figures.json").read_text()), done.stdout


def test_branches(report):
    figures, text = report
    assert figures["branches"]["total"] > 1000 and figures["branches"]["percent"] >= LEAST_PERCENT, text


def test_instructions(report):
    figures, text = report
    assert figures["instructions"]["total"] > 900 and figures["instructions"]["unexplained"] == 0, text


def test_every_file_is_counted(report):
    sources = [path for folder in ("kernel", "arch/x86", "sysenter", "boot") for path in (ROOT / folder).iterdir()]
    without_branches = ("offsets.c", "string.c", "start.c")
    for path in sources:
        if path.suffix in (".c", ".asm") and path.name not in without_branches:
            assert f"  {path.relative_to(ROOT)} " in report[1]


def test_too_little_is_seen(report):
    """One boot that ends early: the same kernel, far from covered."""
    done = subprocess.run([REPORTER, "--boots", "no-init"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "sysenter/entry.asm:" in done.stdout and "kernel/call.c:" in done.stdout


def test_a_boot_that_goes_wrong_is_seen(report):
    chosen = coverage.boots.Boot("wrong", dict(memory=5), "what it does not say")
    assert "too few" in coverage.boots.complaint(chosen, coverage.boots.boot.run_without_modules(build=str(BUILD), memory=5))


def test_what_is_left_out():
    lines = """
if (size > most)
    panic("too much");
assert(first &&
       second);
if (a)
    return b;
if (c &&
    d)
    panic("both");
for (;;)
    e();
panic("behind a statement");
""".splitlines()
    assert coverage.stop_lines(lines) == {2, 3, 4, 5, 8, 9, 10, 13}


def test_an_explanation_needs_its_line(tmp_path, monkeypatch):
    listing = tmp_path / "unreached.toml"
    listing.write_text('[[unreached]]\nfile = "kernel/call.c"\nline = "no such line"\nwhy = "none"\n')
    monkeypatch.setattr(coverage, "EXPLANATIONS", listing)
    with pytest.raises(SystemExit, match="no line with"):
        coverage.load_explanations()


def test_an_unknown_compiler_is_refused():
    with pytest.raises(SystemExit, match="not known"):
        counters.merge_functions(int.from_bytes(b"A93*", "big"))
