#!/usr/bin/python3
"""Sizes of what was built: code and data of the kernel and of some programs, the fast path, the lines of the privileged part."""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ["echo", "init", "pci", "block", "ext2", "vfs"]
SECTIONS = ["text", "rodata", "data", "bss"]


def run(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        sys.exit(f"sizes: there is no program {command[0]}: tools/packages build installs it")
    except subprocess.CalledProcessError as error:
        sys.exit(f"sizes: {error.stderr.strip()} (is it built? make all)")


def sections(path):
    """Bytes by section; 0 for one that the file does not have."""
    rows = [line.split() for line in run("size", "--format=sysv", "--radix=10", str(path)).splitlines()]
    found = {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}
    return {name: found.get("." + name, 0) for name in SECTIONS}


def symbols(path):
    return {fields[2]: int(fields[0], 16) for fields in map(str.split, run("nm", str(path)).splitlines()) if len(fields) == 3}


def measure(build):
    """By the names of perf/figures.toml."""
    kernel, echo = build / "kernel.elf", build / "programs" / "echo.elf"
    sizes = {f"size/kernel/{name}": size for name, size in sections(kernel).items()}
    at = symbols(kernel)
    sizes["size/fast_path"] = at["sysenter_fast_end"] - at["sysenter_entry"]
    at = symbols(echo)
    sizes["size/worker_loop"] = at["worker_received_sysenter_counted"] - at["worker_received_sysenter"]
    for program in PROGRAMS:
        sizes[f"size/{program}"] = sum(sections(build / "programs" / f"{program}.elf").values())
    sizes["size/privileged_lines"] = int(run(str(ROOT / "tools" / "privileged_size"), "--number"))
    return sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="folder with kernel.elf")
    for name, size in measure(parser.parse_args().build).items():
        print(f"{name:<24}{size:>10,}")


if __name__ == "__main__":
    main()
