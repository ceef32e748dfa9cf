#!/usr/bin/python3
"""Writes the report of what was measured: index.html, one page that needs no network and no script, and report.txt, the same.

Reads build/bench.json, and what else is there: entries.json, profile.json, model.json, peers.json, files.json. `make report`
measures first."""

import argparse
import pathlib
import sys

import compare
import extras
import results
import sections
from document import Document, Section, as_html, as_text

TITLE = "Postern: what a call costs"
SAMPLE = "A sample of what `make report` writes, measured under TCG, an emulator; `make sample-report` makes it anew."
LABELS = {
    "tcg": "Measured on an emulator (QEMU TCG). Instructions are exact, and the same on every machine; time is the emulator's "
           "and says nothing about hardware: only ratios within one run mean anything.",
    "kvm": "Instructions were counted under QEMU TCG, exactly; cycles were measured on a CPU under KVM.",
}
FACTS = {"commit": "commit", "build": "build", "accel": "accelerator for time", "cpu": "CPU", "machine": "machine",
         "memory": "memory, MiB", "smp": "CPUs", "qemu": "QEMU", "gcc": "gcc", "nasm": "NASM", "host": "host", "date": "measured"}


def facts(machine):
    return [(text, str(machine.get(key, "unknown"))) for key, text in FACTS.items()]


def yardsticks(measured):
    text = ["Every table and picture says its yardstick, and none holds figures of two: `instructions` were counted under QEMU's "
            "-icount, where two runs are identical, and are what versions are compared by; `ticks` are time under TCG; `cycles` "
            "are those of a CPU under KVM; bytes and counts are exact."]
    if len(measured.timed) > 1:
        text.append(f"Time was measured in {len(measured.timed)} runs; tables and pictures show the first.")
    return text


def warnings_of(measured, base_note):
    warnings = list(measured.machine.get("warnings", []))
    if measured.machine.get("build") != "release":
        warnings.append("this is a debug build: the limits and most figures are for release")
    return warnings + base_note


def comparison(measured, base):
    """The section, and a warning in its place when the two cannot be compared."""
    if base is None:
        return [], []
    try:
        return [compare.section(compare.compare(results.load(base, "make baseline writes it"), measured), str(base))], []
    except results.Failure as failure:
        return [], [f"no comparison: {failure}"]


def build(options, plots):
    measured = results.load(options.figures / "bench.json")
    base = options.base if options.base and options.base.exists() else None
    compared, note = comparison(measured, base)
    others, missing = extras.sections(plots, options.figures)
    parts = sections.group_sections(plots, measured) + others + compared
    parts += [*sections.limit_sections(measured), sections.all_figures(measured)]
    about = Section("How to read this", yardsticks(measured))
    if missing:
        about.text.append("Not measured for this report: " + ", ".join(missing) + ".")
    return Document(TITLE, LABELS[measured.machine["accel"]], facts(measured.machine), warnings_of(measured, note),
                    sections.headlines(measured), [about, *parts])


def write(document, options):
    options.output.mkdir(parents=True, exist_ok=True)
    for path, text in ((options.output / "index.html", as_html(document)), (options.output / "report.txt", as_text(document))):
        path.write_text(text)
        print(f"report: {path} written, {len(text) // 1024} KiB", file=sys.stderr)


def write_sample(document, path):
    """The page alone, for the repository, as what it is."""
    if ("accelerator for time", "tcg") not in document.facts:
        raise results.Failure("the sample is one from TCG: make sample-report")
    document.title += " (a sample, measured under TCG)"
    path.write_text(f"<!-- {SAMPLE} -->\n{as_html(document)}")
    print(f"report: {path} written, {path.stat().st_size // 1024} KiB", file=sys.stderr)


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=pathlib.Path, default=pathlib.Path("build"), help="folder with bench.json; %(default)s")
    parser.add_argument("--base", type=pathlib.Path, help="saved figures to compare with, if that file is there")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/report"), help="folder; %(default)s")
    parser.add_argument("--sample", type=pathlib.Path, help="write the page to this file alone, labelled as a sample from TCG")
    return parser.parse_args(arguments)


def main():
    options = parse_arguments()
    try:
        import plots
    except ImportError as error:
        sys.exit(f"report: {error}: the pictures need python3-matplotlib (tools/packages report installs it)")
    print("report: drawing ...", file=sys.stderr, flush=True)
    try:
        document = build(options, plots)
        if options.sample:
            write_sample(document, options.sample)
        else:
            write(document, options)
    except results.Failure as failure:
        sys.exit(f"report: {failure}")


if __name__ == "__main__":
    main()
