"""Every tool says what it does and refuses what it does not know; make help and config.mk are complete; so are the refusals."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTH = 120
# Targets that others need, and nobody types.
INTERNAL = {"FORCE", "at-once"}


def make(*arguments, **environment):
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment})


def tools():
    """Each file with a #! line, and each Python program."""
    paths = [path for folder in ("perf", "tests", "tools") for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = [str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts and not path.match("boot/test_*")]
    texts = {name: (ROOT / name).read_text() for name in names if pathlib.Path(name).suffix in ("", ".py")}
    return sorted(name for name, text in texts.items() if text.startswith("#!") or 'if __name__ == "__main__":' in text)


def call(tool, *arguments, **environment):
    command = [str(ROOT / tool)] if os.access(ROOT / tool, os.X_OK) else ["/usr/bin/python3", str(ROOT / tool)]
    return subprocess.run([*command, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          env={**os.environ, **environment})


@pytest.mark.parametrize("tool", tools())
def test_every_tool_has_help(tool):
    done = call(tool, "--help")
    assert done.returncode == 0 and len(done.stdout) > 40 and done.stderr == ""


@pytest.mark.parametrize("tool", tools())
def test_every_tool_refuses_what_it_does_not_know(tool):
    done = call(tool, "--no-such-option")
    assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr


def test_help_is_complete():
    text = make("help").stdout
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.M)[1].replace("\\\n", " ").split()
    told = re.findall(r"^  ([a-z-]+)  *\S", text, re.M)
    assert set(phony) - INTERNAL - {"packages-%"} == set(told) and len(told) == len(set(told))
    assert all(len(line) <= WIDTH for line in text.splitlines()), max(text.splitlines(), key=len)


def test_every_setting_is_in_config():
    """With a default, and with a word about it: a comment comes before each group."""
    config = (ROOT / "config.mk").read_text()
    named = set(re.findall(r"^([A-Z_]+) [?:]?=", config, re.M))
    used = set(re.findall(r"\b([A-Z_]{2,})=[a-z0-9\"]", make("help").stdout)) - {"NAME"}
    assert used <= named, used - named
    assert not re.search(r"^[A-Z_]+ \?=", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("setting,says", [
    ("BUILD=fast", 'BUILD is "fast"; it must be release or debug'), ("ACCEL=xen", 'ACCEL is "xen"; it must be'),
    ("FIRMWARE=efi", 'FIRMWARE is "efi"; it must be'), ("UNIT=hours", 'UNIT is "hours"; it must be'),
    ("MEM=much", 'MEM is "much"; it must be a number of at least 8'),
    ("MEM=7", 'MEM is "7"; it must be a number of at least 8'), ("SMP=0", 'SMP is "0"'), ("JOBS=x", 'JOBS is "x"'),
    ("KILLS=", 'KILLS is ""'),
    ("CALLS=1; x", 'CALLS is "1; x"'), ("COUNT=-1", 'COUNT is "-1"'), ("DISK=/none", 'DISK is "/none", which is not there'),
    ("MACHNE=q35", "MACHNE is no setting; config.mk names all: BUILD ")])
def test_bad_settings_are_refused(setting, says):
    done = make("help", setting)
    assert done.returncode == 2 and says in done.stderr and done.stdout == ""


@pytest.mark.parametrize("setting", ["CMD=a b=c", "VICTIMS=block ext2", "SEED=0", "COUNT=10", "DISK=", "CPU=max,-sep"])
def test_good_settings_are_not(setting):
    assert make("help", setting).returncode == 0


@pytest.mark.parametrize("arguments,says", [(["run", "MODULES=/none"], "add_modules: /none is not there: build it first"),
                                            (["run", "QEMU=nosuch"], "there is no program nosuch: set QEMU="),
                                            (["run", "MODULES=README.md", "GRUB_MKRESCUE=no"], "README.md is no program")])
def test_run_says_why_it_cannot(arguments, says):
    done = make(*arguments)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_packages_names_what_is_missing(tmp_path):
    """In one line to type, where it may not install it. A dpkg-query that knows no package and an id of nobody stand in."""
    for name, text in (("dpkg-query", "exit 1"), ("id", "echo 1000")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = call("tools/packages", "sdk", "debug", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1 and done.stderr.endswith("apt-get install -y --no-install-recommends pkgconf gdb\n")


def test_packages_refuses_an_unknown_purpose():
    done = call("tools/packages", "build", "nonsense")
    assert done.returncode == 2 and "no such purpose: nonsense" in done.stderr
