"""Where figures come from: commit, compiler and assembler of the kernel, emulator, host, date."""

import datetime
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What the debug information of an object says about who made it: "GNU C11 12.2.0 -m32 ...", "NASM 2.16.01".
COMPILER = re.compile(r"GNU (?:C\S*|GIMPLE) (\d[\d.]*)")
ASSEMBLER = re.compile(r"NASM (\d[\d.]*)")


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    except FileNotFoundError:
        return ""


def first(pattern, text, otherwise="unknown"):
    match = re.search(pattern, text)
    return match.group(1).strip() if match else otherwise


def commit():
    """The last commit of the tree, and whether files differ from it."""
    name = output_of("git", "rev-parse", "--short=12", "HEAD").strip()
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no").strip()
    return (name or "unknown") + (" and changes" if changed else "")


def describe(kernel, qemu):
    made_by = output_of("readelf", "--debug-dump=info", "--dwarf-depth=1", str(kernel.resolve()))
    host = pathlib.Path("/proc/cpuinfo")
    return {"commit": commit(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "gcc": first(COMPILER, made_by), "nasm": first(ASSEMBLER, made_by),
            "qemu": first(r"version (\S+)", output_of(qemu, "--version")),
            "host": first(r"model name\s*:\s*(.*)", host.read_text() if host.exists() else "")}
