"""The tests that services bring along (servers/NAME/test): natively, and in the guest through either gate.

All of them, or with --service NAME that one's: `make test SERVICE=NAME`."""

import pathlib
import subprocess

import pytest

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
CPUS = {"SYSENTER": "max", "INT 250": "max,-sep"}
TIMEOUT = 120


def services():
    return sorted(path.parents[1].name for path in ROOT.glob("servers/*/test/test.toml"))


def pytest_generate_tests(metafunc):
    chosen = metafunc.config.getoption("--service")
    names = [name for name in services() if chosen in (None, name)]
    if "program" in metafunc.fixturenames:
        programs = [(name, path.stem) for name in names for path in sorted(ROOT.glob(f"servers/{name}/test/host*.c"))]
        metafunc.parametrize("name,program", programs, ids=["-".join(program) for program in programs])
    elif "gate" in metafunc.fixturenames:
        metafunc.parametrize("name,gate", [(name, gate) for name in names for gate in CPUS])


def fail(text):
    pytest.fail(text, pytrace=False)


def test_on_the_host(name, program):
    path = ROOT / "build" / "unit" / name / "test" / program
    if not path.exists():
        fail(f"{path} is not built: run make service-tests")
    run = subprocess.run([str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT)
    if run.returncode != 0:
        fail(f"servers/{name}/test/{program}.c:\n{run.stdout}")


def build_for(name, folder):
    """What the list boots, and its test program, which is no part of the images."""
    program = BUILD / "service-tests" / f"{name}-test"
    if not program.exists():
        fail(f"{program} is not built: run make service-tests")
    (folder / "modules").mkdir()
    for path in [*(BUILD / "modules").iterdir(), program]:
        (folder / "modules" / path.name).symlink_to(path)
    for path in ("kernel.elf", "symbols"):
        (folder / path).symlink_to(BUILD / path)


def test_in_the_guest(name, gate, tmp_path):
    build_for(name, tmp_path)
    result = boot.run(build=str(tmp_path), list=str(ROOT / "servers" / name / "test" / "test.toml"), cpu=CPUS[gate], icount=True,
                      timeout=TIMEOUT)
    verdict = tap.judge(result.serial, result.code)
    if verdict.failed:
        fail(f"servers/{name}/test/guest*.c, through {gate}:\n{verdict.text}\nThe machine said:\n{result.serial}{result.log}")
