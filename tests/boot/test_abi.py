"""The ABI page says what the call list says, number by number."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "abi.md").read_text()


def fields(name, macro):
    for line in (ROOT / "abi" / name).read_text().splitlines():
        yield re.fullmatch(macro + r"\((-?\d+), (\w+), (.*)\)", line).groups()


def test_every_call_is_on_the_page():
    for number, name, rest in fields("syscalls.def", "SYSCALL"):
        arguments, results, text = re.findall(r'"([^"]*)"', rest)
        assert f"| {number} | {name} | {arguments} | {results} | {text} |" in PAGE


def test_every_error_is_on_the_page():
    for number, name, rest in fields("errors.def", "ERROR"):
        assert f"| {number} | {name} | {rest.strip(chr(34))} |" in PAGE


def test_call_numbers_are_dense():
    assert [int(f[0]) for f in fields("syscalls.def", "SYSCALL")] == list(range(len(list(fields("syscalls.def", "SYSCALL")))))


def test_the_page_is_what_the_tool_writes():
    assert subprocess.run([str(ROOT / "tools" / "abi_page"), "--check"]).returncode == 0
