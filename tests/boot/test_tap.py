"""The judge of the guest's TAP says no when it should."""

import pytest

import tap

GOOD = "1..3\nok 1 - a\nok 2 - b # SKIP no APIC\nok 3 - c\n"


def test_good():
    verdict = tap.judge(GOOD, 0)
    assert (verdict.passed, len(verdict.skipped), verdict.failed) == (2, 1, [])


@pytest.mark.parametrize("serial,code", [
    (GOOD, 1), (GOOD, -1), ("", 0), ("1..0\n", 0), ("1..4\n" + GOOD[5:], 0), ("1..2\n" + GOOD[5:], 0),
    (GOOD.replace("ok 3", "not ok 3"), 0), (GOOD.replace("ok 3", "ok 2"), 0), (GOOD + "panic: x\n", 0),
    (GOOD[5:], 0),
])
def test_bad(serial, code):
    assert tap.judge(serial, code).failed
