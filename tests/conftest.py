"""What the test modules share: where things are, and the count of guest cases that stands below pytest's own."""

import itertools
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))

import boot

# The makes that tests start are a user's, not parts of the `make test` that started pytest.
for name in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"):
    os.environ.pop(name, None)

GUEST_CASES = "guest cases"
# Modules whose parameters have nothing in common, so that one after the other may go to any worker.
SPREAD = "test_guest", "test_exceptions"


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group: is there without pytest-xdist as well (make test SERVICE=)")


def pytest_addoption(parser):
    parser.addoption("--service", help="of test_own_tests.py: only the tests of this service")


@pytest.hookimpl(tryfirst=True)     # before the workers' own, which looks for the groups
def pytest_collection_modifyitems(items):
    """A module's tests share what its fixtures measured: they stay with one of the workers that `make test` starts."""
    for item in items:
        module = item.module.__name__
        name = "audited" if "audited" in item.fixturenames else module
        if module in SPREAD and hasattr(item, "callspec"):
            name += f"-{item.callspec.id}"
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture
def record_guest_cases(record_property):
    return lambda verdict: record_property(GUEST_CASES, [verdict.passed, len(verdict.skipped), len(verdict.failed)])


@pytest.fixture(scope="session")
def audited():
    """The guest suite on the kernel that audits itself: what it printed, and the code that it ended with."""
    return boot.run(build=str(ROOT / "build" / "release"), elf="audit.elf", list=str(ROOT / "tests" / "system.toml"), icount=True,
                    timeout=300)


def pytest_terminal_summary(terminalreporter):
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    counts = [count for report in reports if getattr(report, "when", "") == "call"
              for name, count in report.user_properties if name == GUEST_CASES]
    if counts:
        passed, skipped, failed = (sum(column) for column in zip(*counts))
        terminalreporter.write_line(f"guest cases, over {len(counts)} boots: {passed} ok, {skipped} skipped for want of "
                                    f"SYSENTER or an APIC, {failed} not ok")
