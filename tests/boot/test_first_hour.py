"""README.md followed in a fresh clone, up to a service of one's own that answers. The libraries are those of this tree, and other
tests run beside, so twice the time is allowed: `make first-hour` builds the libraries too, and has the true limits."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import first_hour


def test_first_hour(capsys):
    done = subprocess.run([str(ROOT / "tests/first_hour.py"), "--libraries", str(ROOT / "libraries"), "--first", "600", "--own",
                           "1800"], capture_output=True, text=True)
    with capsys.disabled():
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stderr
    assert "= first boot and comparison" in done.stdout and "= own service answering" in done.stdout


def test_what_it_reads(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("make not # here\n```\nmake bench-files # no\nmake bench   # yes\n/$ cat /etc/motd\nHello.\n```\n")
    readme = first_hour.Readme(page)
    assert readme.command("make bench ") == "make bench" and readme.typed("cat ") == ("cat /etc/motd", "Hello.")
    for ask in (lambda: readme.command("make not"), lambda: readme.typed("call ")):
        with pytest.raises(first_hour.Failed):
            ask()


def test_what_is_late_or_wrong_fails(tmp_path):
    beginner = first_hour.Beginner(tmp_path, (tmp_path / "log").open("w"))
    clock = first_hour.Clock()
    clock.began -= 10
    for step in (lambda: clock.limit("too late", 9), lambda: beginner.run("false"), lambda: beginner.run("echo this", "that"),
                 lambda: beginner.at_the_prompt("sh -c 'printf \"/$ \"; read line; echo wrong'", "cat x", "right")):
        with pytest.raises(first_hour.Failed):
            step()
    beginner.at_the_prompt("sh -c 'printf \"/$ \"; read line; echo right; stty raw; head -c 2'", "cat x", "right")
