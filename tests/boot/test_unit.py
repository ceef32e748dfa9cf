"""Runs every unit test of tests/host that `make unit-tests` has built."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "tests" / "host").glob("test_*.c"))


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
def test_unit(name):
    program = ROOT / "build" / "unit" / name
    assert program.exists(), f"{program} is not built: run make unit-tests"
    run = subprocess.run([str(program)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
