"""One client attacks, and another one hardly feels it, by exact counts. By hand, with any number of calls: make attack."""

import pathlib
import re

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = 2000
FIGURES = re.compile(r"^# attack on (\w+): (?:a call|waking) p50 \d+ p99 \d+ max \d+ alone, p50 \d+ p99 \d+ max \d+ attacked, "
                     r"instructions, (INT 250|SYSENTER)$", re.M)


def test_two_thousand_calls_under_each_attack(record_guest_cases):
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(ROOT / "tests" / "system.toml"),
                      arguments=f"only=attack attack-rounds={CALLS}", icount=True, timeout=240)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    shown = FIGURES.findall(result.serial)
    assert len(shown) == 2 * verdict.passed and len(set(shown)) == verdict.passed
