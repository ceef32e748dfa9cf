"""Random calls from hostile processes, on the kernel that audits itself after each thousand. By hand: make fuzz CALLS=..."""

import pathlib
import re

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = 2_500_000 # through each gate


def test_five_million_random_calls(record_guest_cases):
    result = boot.run(build=str(ROOT / "build" / "release"), elf="audit.elf", list=str(ROOT / "tests" / "system.toml"),
                      arguments=f"only=fuzz fuzz-calls={CALLS}", icount=True, timeout=500)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert "audit: " not in result.serial
    calls = [int(count) for count in re.findall(r"^# random calls: (\d+), in", result.serial, re.M)]
    assert len(calls) == 2 and min(calls) >= CALLS
    assert int(re.search(r"^# (\d+) audits$", result.serial, re.M)[1]) >= sum(calls) // 1000
