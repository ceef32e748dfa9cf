#!/usr/bin/python3
"""Tests the tests: seeds one bug at a time into a copy of the tree and asks whether the suite notices.

Each bug is a replacement of text in mutations.toml, beside this program. Its copy is built and runs, one after the other
until something fails: what the bug names as `first`; the guest suite under QEMU as two CPUs, with the emulator's log of
exceptions at CPL 0; the unit tests; the guest suite under Bochs. A bug that gets through all of them has survived: a case
is missing."""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARED = pathlib.Path(__file__).resolve().with_name("mutations.toml")
LIST = "build/release/tests.list"
SLOWER = 4              # a run is ended after so many times what the unchanged tree takes, and
GRACE = 10              # so many seconds
OLD_CPU = "n270"        # has neither SMEP nor SMAP
NOT_COPIED = shutil.ignore_patterns(".git", "build", "libraries", "__pycache__")
NOT_COPIED_BUILT = shutil.ignore_patterns("*.iso", "*.img", "linux")

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "boot")]
import boot                     # noqa: E402
import tap                      # noqa: E402
import test_exceptions          # noqa: E402


@dataclasses.dataclass(frozen=True)
class Mutation:
    name: str
    file: str
    old: str
    new: str
    first: str = ""     # what sees it soonest: a group of the guest suite, n270, unit:TEST,
                        # report:TEST (of test_debug.py) or bochs:CPU

    @property
    def digest(self):
        return hashlib.sha256(repr(self).encode()).hexdigest()


class Broken(Exception):
    """A mutation that says nothing about the tests: it does not apply, or does not build."""


def read_declared(path):
    return [Mutation(**entry) for entry in tomllib.loads(path.read_text())["mutation"]]


def stale(mutation, root=ROOT):
    """What is wrong with the mutation; None if it can be applied."""
    path = root / mutation.file
    count = path.read_text().count(mutation.old) if path.exists() else None
    if count == 1 and mutation.old != mutation.new:
        return None
    what = "there is no such file" if count is None else f"its old text occurs {count} times, not once" if count != 1 else \
        "its new text is the old one"
    return (f"{mutation.name}: {mutation.file}: {what}. The code has changed: quote what stands there now, so that the bug is "
            f"the same, or put another bug of its kind in its place.")


# ---- a copy of the tree ----

def copy_tree(to):
    """The sources with their times, so that make builds only what the mutation touches; the libraries are only named."""
    shutil.copytree(ROOT, to, ignore=NOT_COPIED, symlinks=True)
    shutil.copytree(ROOT / "build" / "release", to / "build" / "release", ignore=NOT_COPIED_BUILT)
    (to / "libraries").symlink_to((ROOT / "libraries").resolve())


def apply(mutation, tree):
    path = tree / mutation.file
    path.write_text(path.read_text().replace(mutation.old, mutation.new))


def programs_of(listing):
    lines = [line.split() for line in listing.splitlines() if line and not line.startswith("#")]
    return sorted({"init"} | {words[1] for words in lines})


def build(tree, *targets):
    """The reason why a static assertion refuses the mutation; None when it was built."""
    done = subprocess.run(["make", "-s", *targets], cwd=tree, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    said = re.search(r"error: (static assertion failed.*)", done.stderr)
    if said:
        return f"build: {said[1]}"
    raise Broken("it does not build: " + " / ".join(re.findall(r"error: .*", done.stderr)[:2] or [done.stderr[-300:]]))


def build_guest(tree):
    return build(tree, "build/release/kernel.elf",
                 *(f"build/release/modules/{program}" for program in programs_of((tree / LIST).read_text())))


# ---- what may notice: each returns the reason, or None ----

def reason_of(result):
    """The first thing that went wrong, in one line."""
    failed = tap.judge(result.serial, result.code).failed
    if not failed:
        return None
    panic = next((line for text in failed for line in text.splitlines() if line.startswith("panic:")), None)
    cases = [line for line in failed if line.startswith("not ok")]
    if panic or cases:
        return (panic or cases[0]).strip()
    last = (tap.RESULT.findall(result.serial) or [("", "0", "none")])[-1]
    how = "no end in time" if result.timed_out else "the machine stopped"
    return f"{how}; the last result: {last[1]} - {last[2]}"


def run_guest(tree, limit, only=None, cpu="max"):
    listing = (tree / LIST).read_text()
    if only:
        listing = listing.replace("essential=yes", f"essential=yes only={only}")
    (tree / "mutated.list").write_text(listing)
    log = tree / "emulator.log"
    result = boot.run(build=str(tree / "build" / "release"), list=str(tree / "mutated.list"), cpu=cpu, icount=True,
                      timeout=limit, extra=["-d", "int,cpu_reset,guest_errors", "-D", str(log)])
    reason = reason_of(result)
    if reason:
        return reason
    kernel = tree / "build" / "release" / "kernel.elf"
    symbols, text = test_exceptions.Symbols(kernel), log.read_text()
    seen = test_exceptions.unexpected(text, symbols)
    if not seen and not only:
        seen = [f"no NMI at {place}" for place in test_exceptions.untouched_by_nmi(text, kernel)]
    return f"log: {seen[0]}" if seen else None


def run_unit(tree, names):
    refused = build(tree, *(f"build/unit/{name}" for name in names))
    if refused:
        return refused
    for name in names:
        done = subprocess.run([tree / "build" / "unit" / name], capture_output=True, text=True, timeout=300)
        if done.returncode:
            said = re.findall(r"^\[  FAILED  \] (\w+)", done.stdout + done.stderr, re.M)
            return f"{name}: {said[0] if said else 'exit status %d' % done.returncode}"
    return None


def unit_tests(tree):
    return sorted(path.stem for path in (tree / "tests" / "host").glob("test_*.c"))


def run_report(tree, name):
    """A test of test_debug.py, which wants the debug build and reads what the kernel says when it goes down."""
    shutil.copytree(ROOT / "build" / "debug", tree / "build" / "debug", ignore=NOT_COPIED_BUILT)
    refused = build(tree, "BUILD=debug", "build/debug/kernel.elf")
    done = None if refused else subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/boot/test_debug.py::{name}"], cwd=tree,
        capture_output=True, text=True)
    return refused or (f"test_debug.py: {name}" if done.returncode else None)


def run_bochs(tree, limit, cpu="tigerlake"):
    refused = build(tree, "build/release/postern-tests.iso")
    return refused or reason_of(boot.run(emulator="bochs", cpu=cpu, timeout=4 * limit,
                                         iso=str(tree / "build/release/postern-tests.iso")))


def named(first, tree, limit):
    kind, _, name = first.partition(":")
    if kind == "unit":
        return run_unit(tree, [name])
    if kind == "report":
        return run_report(tree, name)
    if kind == "bochs":
        return run_bochs(tree, limit, name)
    if kind == OLD_CPU:
        return run_guest(tree, limit, cpu=OLD_CPU)
    return run_guest(tree, GRACE + limit / 4, only=first)


def notice(mutation, tree, limit):
    """Who noticed and why; (None, None) if nobody did."""
    steps = {"QEMU": lambda: run_guest(tree, limit), OLD_CPU: lambda: run_guest(tree, limit, cpu=OLD_CPU),
             "unit tests": lambda: run_unit(tree, unit_tests(tree)), "Bochs": lambda: run_bochs(tree, limit)}
    if mutation.first:
        steps = {mutation.first: lambda: named(mutation.first, tree, limit)} | steps
    refused = build_guest(tree)
    if refused:
        return "build", refused
    for who, step in steps.items():
        reason = step()
        if reason:
            return who, reason
    return None, None


# ---- all of them ----

def judge(mutation, limit):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="postern-mutation-") as folder:
        tree = pathlib.Path(folder) / "tree"
        copy_tree(tree)
        apply(mutation, tree)
        try:
            who, reason = notice(mutation, tree, limit)
        except Broken as broken:
            return {"verdict": "broken", "reason": str(broken)}
    return {"verdict": "caught" if who else "survived", "by": who, "reason": reason,
            "seconds": round(time.monotonic() - began, 1)}


def unchanged_takes():
    """Seconds of the whole guest suite without a bug; it must pass, or everything would look caught."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="postern-mutation-") as folder:
        tree = pathlib.Path(folder) / "tree"
        copy_tree(tree)
        reason = build_guest(tree) or run_guest(tree, 240)
    if reason:
        sys.exit(f"mutations: the unchanged tree fails its own suite, so nothing can be said about bugs: {reason}")
    return time.monotonic() - began


def fingerprint():
    """Of everything that could change a verdict."""
    digest = hashlib.sha256()
    for folder in ("abi", "arch", "boot", "kernel", "libserver", "servers", "sysenter", "tests", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path != DECLARED and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


class Report:
    """What is known so far, in a file, so that a run that was interrupted goes on where it was."""

    def __init__(self, path, again):
        self.path, self.results, self.tree = path, {}, fingerprint()
        if path.exists() and not again:
            kept = json.loads(path.read_text())
            self.results = kept["results"] if kept["tree"] == self.tree else {}

    def known(self, mutation):
        result = self.results.get(mutation.name)
        return result if result and result["digest"] == mutation.digest else None

    def add(self, mutation, result):
        self.results[mutation.name] = result | {"digest": mutation.digest}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"tree": self.tree, "results": self.results}, indent=1))
        os.replace(fresh, self.path)


def show(number, total, mutation, result, kept=False):
    said = f"{result['by']}: {result['reason']}" if result.get("by") else result["reason"] or "no case noticed it"
    took = "known" if kept else f"{result.get('seconds', 0)} s"
    print(f"[{number:2}/{total}] {result['verdict']:8} {mutation.name}: {said[:200]} ({took})", flush=True)


def run_all(mutations, report, jobs):
    fresh = [mutation for mutation in mutations if not report.known(mutation)]
    known = [mutation for mutation in mutations if report.known(mutation)]
    for number, mutation in enumerate(known, 1):
        show(number, len(mutations), mutation, report.known(mutation), kept=True)
    if not fresh:
        return
    limit = GRACE + SLOWER * unchanged_takes()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        under_way = {pool.submit(judge, mutation, limit): mutation for mutation in fresh}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(under_way), len(known) + 1):
                report.add(under_way[done], done.result())
                show(number, len(mutations), under_way[done], done.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)  # those under way end first: at most their time limit
            raise


def sample(mutations, count):
    """Evenly spread, always the same ones as long as the list is."""
    count = min(count or len(mutations), len(mutations))
    return [mutations[i * len(mutations) // count] for i in range(count)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="of mutations; without one, all of them")
    parser.add_argument("--count", type=int, default=0, help="a fixed sample of so many, instead of all")
    parser.add_argument("--jobs", type=int, default=2, help="copies at work at a time, default 2")
    parser.add_argument("--again", action="store_true", help="forget what an earlier run on the same sources found")
    parser.add_argument("--check", action="store_true", help="only look whether every mutation still applies")
    parser.add_argument("--declared", type=pathlib.Path, default=DECLARED, help="another list of mutations")
    parser.add_argument("--report", type=pathlib.Path, default=ROOT / "build" / "mutations.json", help="default: %(default)s")
    return parser.parse_args()


def choose(options):
    mutations = read_declared(options.declared)
    wrong = [text for text in map(stale, mutations) if text]
    if wrong:
        sys.exit("\n".join(f"{options.declared.name}: {text}" for text in wrong))
    unknown = set(options.names) - {mutation.name for mutation in mutations}
    if unknown:
        sys.exit(f"mutations: there is none called {', '.join(sorted(unknown))}")
    return [m for m in mutations if m.name in options.names] if options.names else sample(mutations, options.count)


def main():
    options = parse()
    boot.exit_on_termination()
    mutations = choose(options)
    if options.check:
        print(f"{len(mutations)} mutations apply")
        return 0
    began, report = time.monotonic(), Report(options.report, options.again)
    run_all(mutations, report, options.jobs)
    results = {mutation.name: report.known(mutation) for mutation in mutations}
    caught = sum(result["verdict"] == "caught" for result in results.values())
    for name, result in results.items():
        if result["verdict"] != "caught":
            print(f"{result['verdict']}: {name}: {result['reason'] or 'add a case that fails with this bug in'}")
    print(f"{caught} of {len(results)} caught ({time.monotonic() - began:.0f} s, {options.jobs} at a time)")
    return 0 if caught == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
