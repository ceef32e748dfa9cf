"""The C library and its files, on machines with and without SYSENTER, release and debug build."""

import pathlib

import pytest

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = str(ROOT / "tests" / "libc" / "system.toml")
SETUPS = {
    "max": ("release", {}),
    "no-sep": ("release", dict(cpu="max,-sep")),
    "pentium2-isapc": ("release", dict(cpu="pentium2", machine="isapc", memory=32)),
    "debug": ("debug", {}),
}


@pytest.mark.parametrize("name", SETUPS)
def test_cases(name, record_guest_cases):
    build, options = SETUPS[name]
    result = boot.run(build=str(ROOT / "build" / build), list=LIST, timeout=60, **options)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed and not verdict.skipped, verdict.text
    assert "/none: No such file or directory" in result.serial


def test_without_services(tmp_path):
    """Text goes to the log, memory is there, and files are an error."""
    listing = tmp_path / "alone.toml"
    listing.write_text('[libc-tests]\nquota = 2048\nessential = true\narguments = { only = "alone" }\n')
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(listing), timeout=60)
    verdict = tap.judge(result.serial, result.code)
    assert not verdict.failed, verdict.text
