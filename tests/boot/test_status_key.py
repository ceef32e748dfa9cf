"""Ctrl-T on the console: who waits for whom, when the program in the foreground hangs and every pool is busy."""

import pathlib
import re

import pytest

from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
METHODS = re.findall(r"^    HOSTILE_(\w+)", (ROOT / "tests" / "hostile" / "hostile.h").read_text(), re.M)
SILENT, FORWARD = METHODS.index("SILENT"), METHODS.index("FORWARD")
WORKERS = 4         # of the hostile partner
RING = 13           # services in a circle: more workers than the kernel looks at for E_DEADLOCK (kernel/deadlock.c)
KEY = "\x14"


@pytest.fixture
def machine(tmp_path):
    """Without a disk; the shell's programs may call a partner that never answers, and a circle."""
    text = (ROOT / "servers" / "system.toml").read_text()
    before, shell = text.split("[shell]\n")
    extra = "[hostile]\nquota = 512\n"
    for i in range(RING):
        extra += f'[ring{i}]\nprogram = "hostile"\nquota = 512\nuses = ["*"]\narguments = {{ next = "ring{(i + 1) % RING}" }}\n'
    names = ["hostile"] + [f"ring{i}" for i in range(RING)]
    shell = shell.replace("uses = [", "uses = [" + "".join(f'"{name}", ' for name in names))
    shell = shell.replace("quota = 20480", "quota = 40960")     # six programs at once
    (tmp_path / "list.toml").write_text(before + extra + "[shell]\n" + shell)
    with Terminal(build=str(BUILD), list=str(tmp_path / "list.toml"), memory=128) as terminal:
        terminal.expect("/$ ", 60)
        yield terminal


def ask(machine, until, key=None):
    """Presses the key until the table says it: what was typed before it may be under way yet."""
    for _ in range(50):
        begin = len(machine.text)
        (machine.press if key else machine.type)(key or KEY)
        machine.expect("who waits for whom:\n")
        try:
            machine.expect(until, 1)
            return machine.text[begin:]
        except AssertionError:
            continue
    raise AssertionError(f"no {until!r} in {machine.text}")


def test_a_service_that_never_answers(machine):
    """All its workers are taken, and then some wait in its queue, the program in the foreground among them."""
    for _ in range(WORKERS + 1):
        machine.run(f"/boot/hostile call hostile {SILENT} &")
    machine.type(f"/boot/hostile call hostile {SILENT}\n")
    table = ask(machine, f"hostile: all {WORKERS} workers are busy, 2 callers in the queue\n")
    served = rf"^  /boot/hostile -> hostile \(method {SILENT}, stay_silent\)  waits for a notification in sleep_microseconds\+0x"
    assert len(re.findall(served, table, re.M)) == WORKERS, table
    assert len(re.findall(r"^  /boot/hostile, in the queue of hostile$", table, re.M)) == 2, table
    machine.type("\x03")
    machine.expect("$ ")
    assert "1 callers in the queue" in ask(machine, "in the queue\n", "ctrl-t")     # and by the keyboard
    assert any("all 4 workers are busy" in line for line in machine.screen())


def test_a_circle_of_busy_pools(machine):
    """One call that goes round until every worker waits for the next one, and the last in the queue of the first."""
    machine.type(f"/boot/hostile call ring0 {FORWARD}\n")
    table = ask(machine, f"ring{RING - 1}: all {WORKERS} workers are busy, 0 callers in the queue\n")
    chain = re.search(r"^  /boot/hostile( -> ring.*), in the queue of ring0$", table, re.M)[1]
    assert re.findall(r" -> (ring\d+) \(method \d+, forward\)", chain) == [f"ring{i}" for i in range(RING)] * WORKERS, table
    assert table.count(", in the queue of ") == 1, table    # each call is told once, from whoever began it
    assert f"  ring0: all {WORKERS} workers are busy, 1 callers in the queue\n" in table
    machine.type("\x03")
    machine.expect("$ ")
    assert machine.run("echo still here") == "still here"
