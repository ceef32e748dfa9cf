"""What init says about services that end, cannot start or end too often, and about children that fault."""

import pathlib
import re

import pytest

import boot

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    def boot_list(text):
        path = tmp_path / "list.toml"
        path.write_text(text)
        return boot.run(build=str(ROOT / "build" / "release"), list=str(path), icount=True, timeout=60)
    return boot_list


def test_restarts_become_rarer_and_end(run):
    """hello finds no echo here, and ends at once."""
    result = run('[hello]\nrestart = "always"\nessential = true\n')
    assert [int(delay) for delay in re.findall(r"init: hello starts again in (\d+) ms", result.serial)] == \
        [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]
    assert "init: hello ended with code -15\n" in result.serial
    assert "init: hello has ended too often: 10 restarts within a minute; given up" in result.serial
    assert not result.ok and not result.timed_out


def test_a_service_that_cannot_start(run):
    result = run('[echo]\ndevice-memory = ["0x100000-0x100fff"]\nessential = true\n') # which is RAM
    assert 'init: cannot start echo: program "echo": E_BAD_ARGUMENT: ' in result.serial and result.code == 1


def test_users_of_a_service_that_cannot_start(run):
    result = run('[echo]\ndevice-memory = ["0x100000-0x100fff"]\n[relay1]\nprogram = "relay"\n'
                 '[hello]\nuses = ["echo", "relay1"]\nessential = true\n')
    assert "hello: E_PEER_DIED: " in result.serial and not result.timed_out


@pytest.mark.parametrize("line", [
    "echo", "echo nosuch", "a_name_of_17_byte echo", "echo echo quota=1", "echo echo word", "echo echo =", "echo echo restart=x",
    "echo echo priority=99999999999", "x " * 5000, "\0\1\2 \377", "=" * 200])
def test_init_survives_any_text(tmp_path, line):
    path = tmp_path / "bad.list"
    path.write_text(line + "\n", encoding="latin-1")
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(path), icount=True, timeout=30)
    assert "system.list:1: " in result.serial and "mistakes in system.list: nothing was started" in result.serial
    assert result.code == 1 and "panic" not in result.serial


def test_faults_of_children_are_told_by_name(run):
    text = (ROOT / "tests" / "system.toml").read_text()
    result = run(text.replace("essential = true", 'essential = true\narguments = { only = "spawn" }'))
    assert result.ok, result.serial
    assert "fault: tiny: invalid opcode (vector 6" in result.serial
    assert "fault: hostile-child: page fault (vector 14, error 0x6, address 0x00000000)" in result.serial


def test_printed_lines_have_name_and_time(run):
    text = (ROOT / "tests" / "system.toml").read_text()
    result = run(text.replace("essential = true", 'essential = true\narguments = { only = "log" }'))
    assert result.ok, result.serial
    assert re.search(r"^\[ *\d+\.\d{6}\] hostile-print: word 1$", result.serial, re.M)
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", result.serial)


def test_the_clock(tmp_path):
    path = tmp_path / "list.toml"
    path.write_text('[log]\n[rtc]\nports = ["0x70-0x71"]\nuses = ["log"]\n[hello]\nuses = ["rtc"]\nessential = true\n')
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(path), timeout=60,
                      extra=["-rtc", "base=2024-02-29T23:59:30"])
    seconds = re.search(r"rtc: (\d+) seconds since 1970", result.serial)
    assert seconds and 0 <= int(seconds[1]) - 1709251170 < 20
