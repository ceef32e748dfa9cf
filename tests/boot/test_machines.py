"""The demonstration comes up on every machine that we name, and bad machines get a clear message."""

import pathlib
import subprocess

import pytest

import boot

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = str(ROOT / "build" / "release")
DEMONSTRATION = dict(build=BUILD, list=str(ROOT / "tests" / "boot" / "hello.toml"), timeout=60)
MACHINES = [("max", "pc", 64), ("n270", "pc", 64), ("pentium2", "pc", 32), ("max,-sep", "pc", 64), ("max,-apic", "pc", 64),
            ("max", "q35", 64), ("max", "pc", 16), ("max", "pc", 4096), ("max,-smep,-smap,-umip,-nx", "pc", 64)]


def check_greeting(result, sysenter):
    assert result.ok, result.serial + result.log
    assert "Postern is up" in result.serial
    assert "echo(41) = 41" in result.serial and "41 + 1 = 42" in result.serial
    assert ("SYSENTER" in result.serial) == sysenter
    assert "threads created by these calls: 0" in result.serial


@pytest.mark.parametrize("cpu,machine,memory", MACHINES)
def test_machine(cpu, machine, memory):
    check_greeting(boot.run(cpu=cpu, machine=machine, memory=memory, **DEMONSTRATION), "-sep" not in cpu)


def test_no_pae():
    result = boot.run(cpu="486", **DEMONSTRATION)
    assert "this CPU lacks PAE" in result.serial and not result.ok


def test_too_little_memory():
    result = boot.run(memory=5, **DEMONSTRATION)
    assert "too few" in result.serial and not result.ok


def test_no_init():
    result = boot.run_without_modules(build=BUILD, timeout=30)
    assert 'no boot module named "init"' in result.serial and not result.ok


def make(*arguments):
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("setting,says", [("CPU=nonsense", "unable to find CPU model"), ("MACHINE=x", "unsupported machine type"),
                                          ("QEMU=nosuch", "there is no program nosuch")])
def test_bench_says_why_it_cannot_run(setting, says):
    done = make("bench", "UNIT=instructions", setting)
    assert done.returncode != 0 and says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--list", "/none"], ["--build", "/none"], ["--iso", "/none"], ["--emulator", "bochs"]])
def test_boot_says_what_is_missing(arguments):
    done = subprocess.run([str(ROOT / "tools" / "boot.py"), *arguments], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert done.returncode == 1 and done.stderr.startswith("boot: ") and "make" in done.stderr
