"""The guest suite, on every machine that we name, under both emulators."""

import collections
import pathlib

import pytest

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = str(ROOT / "tests" / "system.toml")
TIMEOUT = 240

Setup = collections.namedtuple("Setup", "name build options skips", defaults=["release", {}, ()])
NO_SYSENTER, NO_APIC = "no SYSENTER", "no APIC"
NO_AUDIT = "no audit kernel"    # test_audit.py boots it

DIRECT = [
    Setup("max-icount", options=dict(icount=True)),
    Setup("max"),
    Setup("n270", options=dict(cpu="n270")),
    Setup("n270-icount", options=dict(cpu="n270", icount=True)),
    Setup("haswell", options=dict(cpu="Haswell")),
    Setup("no-sep", options=dict(cpu="max,-sep"), skips=[NO_SYSENTER]),
    Setup("no-apic", options=dict(cpu="max,-apic"), skips=[NO_APIC]),
    Setup("no-protection", options=dict(cpu="max,-nx,-smep,-smap,-umip")),
    Setup("pentium2-isapc", options=dict(cpu="pentium2", machine="isapc", memory=32)),
    Setup("q35", options=dict(machine="q35")),
    Setup("18MiB", options=dict(memory=18)),
    Setup("4GiB", options=dict(memory=4096)),
    Setup("debug", "debug"),
    Setup("debug-n270", "debug", dict(cpu="n270")),
]
FROM_ISO = [
    Setup("iso"),
    Setup("iso-q35", options=dict(machine="q35")),
    Setup("iso-debug", "debug"),
    Setup("bochs-p2", options=dict(emulator="bochs", cpu="p2_klamath")),
    Setup("bochs-ivy-bridge", options=dict(emulator="bochs", cpu="corei7_ivy_bridge_3770k")),
    Setup("bochs-broadwell", options=dict(emulator="bochs", cpu="broadwell_ult")),
    Setup("bochs-tigerlake", options=dict(emulator="bochs", cpu="tigerlake")),
    Setup("bochs-debug", "debug", dict(emulator="bochs", cpu="tigerlake")),
]


def run(setup, record_guest_cases, **options):
    result = boot.run(build=str(ROOT / "build" / setup.build), timeout=TIMEOUT, **setup.options, **options)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    for line in verdict.skipped:
        assert line.endswith((NO_AUDIT, *setup.skips)), f"skipped without need: {line}"


@pytest.mark.parametrize("setup", DIRECT, ids=lambda setup: setup.name)
def test_direct(setup, record_guest_cases):
    run(setup, record_guest_cases, list=LIST)


@pytest.mark.parametrize("setup", FROM_ISO, ids=lambda setup: setup.name)
def test_from_iso(setup, record_guest_cases):
    run(setup, record_guest_cases, iso=str(ROOT / "build" / setup.build / "postern-tests.iso"))
