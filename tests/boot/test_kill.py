"""Something ends at every seventh instruction of a nested call. By hand, at every one: make kill STRIDE=1."""

import pathlib
import re

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRIDE = 7
SUMMARY = re.compile(r"^# kills: (\d+), of (\d+) kinds, (\d+) felt, in a nested call of (\d+) clocks", re.M)


def test_kill_at_every_seventh_instruction(record_guest_cases):
    result = boot.run(build=str(ROOT / "build" / "release"), elf="audit.elf", list=str(ROOT / "tests" / "system.toml"),
                      arguments=f"only=kill kill-stride={STRIDE}", icount=True, timeout=400)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert "audit: " not in result.serial
    summaries = [tuple(map(int, numbers)) for numbers in SUMMARY.findall(result.serial)]
    assert len(summaries) == 2
    for trials, kinds, felt, clocks in summaries:
        assert trials >= kinds * clocks // STRIDE and felt > trials // 2
