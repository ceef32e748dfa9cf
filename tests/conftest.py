"""What the test modules share: where things are, and the count of guest cases that stands below pytest's own."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))

verdicts = []


@pytest.fixture
def record_guest_cases():
    return verdicts.append


def pytest_terminal_summary(terminalreporter):
    if verdicts:
        passed, skipped = sum(v.passed for v in verdicts), sum(len(v.skipped) for v in verdicts)
        terminalreporter.write_line(f"guest cases, over {len(verdicts)} boots: {passed} ok, {skipped} skipped for want of "
                                    f"SYSENTER or an APIC, {sum(len(v.failed) for v in verdicts)} not ok")
