"""What the test modules share: where things are, and the count of guest cases that stands below pytest's own."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))

import boot

verdicts = []


@pytest.fixture
def record_guest_cases():
    return verdicts.append


@pytest.fixture(scope="session")
def audited():
    """The guest suite on the kernel that audits itself: what it printed, and the code that it ended with."""
    return boot.run(build=str(ROOT / "build" / "release"), elf="audit.elf", list=str(ROOT / "tests" / "system.toml"), icount=True,
                    timeout=300)


def pytest_terminal_summary(terminalreporter):
    if verdicts:
        passed, skipped = sum(v.passed for v in verdicts), sum(len(v.skipped) for v in verdicts)
        terminalreporter.write_line(f"guest cases, over {len(verdicts)} boots: {passed} ok, {skipped} skipped for want of "
                                    f"SYSENTER or an APIC, {sum(len(v.failed) for v in verdicts)} not ok")
