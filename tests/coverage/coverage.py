#!/usr/bin/python3
"""Coverage of the kernel by the guest suite: branches of its C, by gcov, and instructions of its NASM, by a QEMU plugin.

Boots the kernel of build/coverage on several machines, adds up, and prints for each file what was reached and which places
were not. Left out of the count are the branches of assert() and of what decides about a panic(): a correct kernel on a
machine that it supports reaches one of their sides only. What else is known to be out of reach stands, with the reason, in
unreached.toml."""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

import boots
import counters

ROOT = boots.ROOT
EXPLANATIONS = pathlib.Path(__file__).with_name("unreached.toml")
STOPS = re.compile(r"\b(assert|panic|fatal)\(")
ENDS = re.compile(r"[;{}]\s*$")
NASM_FOLDERS = ("boot", "arch/x86", "sysenter")
NO_CODE = re.compile(r"^\s*(align\b|\w+:\s+db\b)")    # lines of NASM that fill space

Place = collections.namedtuple("Place", "file line what")


def source(file):
    return (ROOT / file).read_text().splitlines()


# ---- C ----

def stop_lines(lines):
    """Numbers of the lines whose branches are left out: assert(), panic(), and the condition in front of a panic()."""
    found, goes_on = set(), False
    for number, text in enumerate(lines, 1):
        if not STOPS.search(text) and not goes_on:
            continue
        found.add(number)
        goes_on = not text.rstrip().endswith(";")
        above = number - 1
        while not text.lstrip().startswith(("if (", "assert(")) and above and not ENDS.search(lines[above - 1]):
            text = lines[above - 1]
            found.add(above)
            above -= 1
    return found


def gcov(program, files):
    """{(file, line): {(function, index): times taken}} over all objects."""
    command = [program, "--json-format", "--stdout", "--branch-probabilities", "--branch-counts", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"coverage: {' '.join(command[:5])}: {done.stderr}")
    branches = collections.defaultdict(lambda: collections.defaultdict(int))
    for text in done.stdout.splitlines():
        for file in json.loads(text)["files"]:
            for line in file["lines"]:
                for i, branch in enumerate(line["branches"]):
                    branches[file["file"], line["line_number"]][line.get("function_name"), i] += branch["count"]
    return branches


def c_coverage(program, files):
    """(taken and total by file, places not reached)"""
    figures, missing, left_out = {}, [], {}
    for (file, line), branches in sorted(gcov(program, files).items()):
        if line in left_out.setdefault(file, stop_lines(source(file))):
            continue
        taken, total = figures.get(file, (0, 0))
        reached = sum(count > 0 for count in branches.values())
        figures[file] = taken + reached, total + len(branches)
        for function, i in (name for name, count in branches.items() if count == 0):
            missing.append(Place(file, line, f"branch {i} in {function}"))
    return figures, missing


# ---- NASM ----

def instructions(program, file):
    """[(offset, line, symbol)] of every instruction that NASM has put into an object."""
    found, symbol, line = [], None, 0
    command = ["objdump", "-D", "-l", "--no-show-raw-insn", "-j", ".text", "-j", ".boot", program]
    for text in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if match := re.match(r"[0-9a-f]{8} <(.*)>:$", text):
            symbol = symbol if match[1].startswith("..@") else match[1]
        elif match := re.match(r"/\S+:(\d+)", text):
            line = int(match[1])
        elif (match := re.match(r" *([0-9a-f]+):\t", text)) and not NO_CODE.match(source(file)[line - 1]):
            found.append((int(match[1], 16), line, symbol))
    return found


def asm_coverage(objects, kernel, begin, executed):
    """`objects`: the folder with what NASM has made of each source."""
    figures, missing, linked = {}, [], boots.symbols(kernel, "T")
    for file in (str(path.relative_to(ROOT)) for folder in NASM_FOLDERS for path in sorted((ROOT / folder).glob("*.asm"))):
        name, offset = next(iter(boots.symbols(objects / f"{file}.o", "T").items()))
        base = linked[name] - offset - begin
        found = [(executed[base + offset], line, symbol) for offset, line, symbol in instructions(objects / f"{file}.o", file)]
        figures[file] = sum(reached for reached, _, _ in found), len(found)
        missing += [Place(file, line, symbol) for reached, line, symbol in found if not reached]
    return figures, missing


# ---- explanations ----

def load_explanations():
    listed = tomllib.loads(EXPLANATIONS.read_text()).get("unreached", [])
    for entry in listed:
        where = entry.get("line") or entry.get("symbol")
        if not any(entry.get("line", "") in text for text in source(entry["file"])):
            sys.exit(f"coverage: {EXPLANATIONS.name}: {entry['file']} has no line with {where}")
    return listed


def explained_by(entry, place):
    if entry["file"] != place.file:
        return False
    if "symbol" in entry:
        return re.fullmatch(entry["symbol"], place.what) is not None
    return entry["line"] in source(place.file)[place.line - 1]


def split(missing, explanations):
    known = [place for place in missing if any(explained_by(entry, place) for entry in explanations)]
    return known, [place for place in missing if place not in known]


# ---- the whole ----

def section(kernel, name):
    for text in subprocess.run(["readelf", "-SW", kernel], capture_output=True, text=True, check=True).stdout.splitlines():
        if match := re.search(rf"\s{re.escape(name)}\s+PROGBITS\s+(\S+)\s+\S+\s+(\S+)", text):
            return int(match[1], 16), int(match[2], 16)
    sys.exit(f"coverage: {kernel} has no section {name}")


def measure(options):
    """Boots everything that was asked for. Returns the counters and which addresses were executed."""
    begin, size = section(options.build / "kernel.elf", ".text")
    sums, executed = counters.Counters(), bytearray(size)
    plugin = f"{options.build}/executed.so,begin={begin:#x},end={begin + size:#x}"
    for chosen in boots.BOOTS:
        if options.boots and chosen.name not in options.boots:
            continue
        output, began = pathlib.Path(tempfile.mkdtemp(prefix="postern-")), time.monotonic()
        try:
            problem = boots.run(chosen, options.build, options.qemu, plugin, output)
            if problem:
                sys.exit(f"coverage: boot {chosen.name}: {problem}")
            sums.add(counters.Guest(output / "memory"), *section(options.build / "kernel.elf", ".gcov_info"))
            for i, reached in enumerate((output / "executed").read_bytes()):
                executed[i] |= reached
        finally:
            shutil.rmtree(output)
        print(f"  {chosen.name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return sums, begin, executed


def print_places(title, places):
    print(f"\n{title}:" if places else f"\n{title}: none")
    for place in places:
        print(f"  {place.file}:{place.line}: {place.what}: {source(place.file)[place.line - 1].strip()}")


def report(title, figures, missing, explanations):
    """Prints one half; returns its summary."""
    known, unknown = split(missing, explanations)
    print(f"\n{title}")
    for file, (reached, total) in sorted(figures.items()):
        print(f"  {file:28} {reached:5} / {total:5} {100 * reached / total:6.1f} %")
    print_places("not reached", unknown)
    reached, total = (sum(figure[i] for figure in figures.values()) for i in (0, 1))
    return dict(reached=reached, total=total, percent=round(100 * reached / total, 1), explained=len(known),
                unexplained=len(unknown))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "coverage", help="default: build/coverage")
    parser.add_argument("--nasm", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="where the objects that NASM has made are; default: build/release")
    parser.add_argument("--qemu", default="qemu-system-i386")
    parser.add_argument("--gcov", default="gcov", help="the compiler's own")
    parser.add_argument("--boots", nargs="+", metavar="NAME", choices=[chosen.name for chosen in boots.BOOTS],
                        help="only these: " + ", ".join(chosen.name for chosen in boots.BOOTS))
    parser.add_argument("--least", type=float, default=85, metavar="PERCENT",
                        help="exit 1 when fewer branches are reached, or an instruction is not and nobody says why; default: 85")
    parser.add_argument("--output", type=pathlib.Path, help="write the figures to this file, as JSON")
    return parser.parse_args()


def main():
    options = parse()
    options.build = options.build.resolve()
    boots.boot.exit_on_termination()
    explanations = load_explanations()
    sums, begin, executed = measure(options)
    figures = {
        "branches": report("branches of C", *c_coverage(options.gcov, sums.write()), explanations),
        "instructions": report("instructions of NASM", *asm_coverage(options.nasm, options.build / "kernel.elf", begin, executed),
                               explanations),
    }
    print()
    for name, figure in figures.items():
        print("{}: {reached} of {total} reached ({percent} %); of the others {explained} explained, {unexplained} not"
              .format(name, **figure))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    return figures["branches"]["percent"] < options.least or figures["instructions"]["unexplained"] > 0


if __name__ == "__main__":
    sys.exit(main())
