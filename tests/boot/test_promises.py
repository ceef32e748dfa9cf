"""What is promised when something dies, and what the gates must withstand: each promise has a number, and names the cases of
the guest suite that show it, through both gates where it is about calls. docs/promises.md prints the same list."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "promises.md"
GATES = ("INT 250", "SYSENTER")
ROW = re.compile(r"^\| ((?:P|E)\d+) \| .* \| (.*) \|$", re.M)


def promises():
    """Number -> what shows it: names of guest cases, or of test modules and functions."""
    return {number: re.findall(r"`([^`]+)`", evidence) for number, evidence in ROW.findall(PAGE.read_text())}


@pytest.fixture(scope="module")
def passed(audited):
    """Guest cases that passed."""
    lines = re.findall(r"^ok \d+ - (.*)$", audited.serial, re.M)
    return {line for line in lines if "# SKIP" not in line}


def test_all_promises_are_numbered():
    numbers = list(promises())
    assert numbers == [f"P{i}" for i in range(1, 15)] + [f"E{i}" for i in range(1, 16)]


@pytest.mark.parametrize("number, evidence", promises().items(), ids=promises())
def test_promise(number, evidence, passed):
    assert evidence, f"{number} names nothing that shows it"
    for name in evidence:
        if name.startswith("test_"):
            module, _, function = name.partition("::")
            assert f"def {function}(" in (ROOT / "tests" / "boot" / f"{module}.py").read_text(), f"{number}: there is no {name}"
        else:
            assert name in passed or all(f"{name} [{gate}]" in passed for gate in GATES), f"{number}: {name} has not passed"
