"""The report, the comparison and the record, on figures made up from perf/figures.toml: nothing is booted."""

import html.parser
import json
import pathlib
import random
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import compare  # noqa: E402
import document  # noqa: E402
import figures  # noqa: E402
import record  # noqa: E402
import results  # noqa: E402
import sections  # noqa: E402

MACHINE = {"accel": "tcg", "cpu": "max", "smp": 1, "machine": "pc", "memory": 64, "build": "release", "commit": "0123456789ab",
           "date": "2026-01-02 03:04 UTC", "gcc": "12.2.0", "nasm": "2.16.01", "qemu": "7.2.22", "host": "a host", "warnings": []}
SYSENTER_MEDIAN = 4321       # what the made-up figures say of rtt/cross/sysenter


def make_row(name, unit, median, run=None):
    row = {"name": name, "unit": unit, "n": 100, "batch": 32, "warmup": 32, "overhead": 2, "min": median, "p50": median,
           "p90": median + 1, "p99": median + 2, "max": median + 9, "quantiles": [median] * 20 + [median + 9]}
    return row if run is None else {**row, "run": run}


def exact_unit(figure):
    return "instructions" if figure.unit == "time" else figure.unit


def exact_rows():
    """Each with a median of its own, so that it can be found again."""
    rows = [make_row(name, exact_unit(figure), 10007 + 13 * at) for at, (name, figure) in enumerate(figures.FIGURES.items())]
    return [make_row(row["name"], row["unit"], SYSENTER_MEDIAN) if row["name"] == "rtt/cross/sysenter" else row for row in rows]


def timed_rows(runs, factor=1.0, noise=0.004, seed=1, unit="ticks", slower=("rtt/cross/sysenter",)):
    """Runs on a machine that is of another speed each time; one figure takes `factor` of what it took."""
    chance, rows = random.Random(seed), []
    for run in range(1, runs + 1):
        speed = chance.uniform(1, 2)
        for name, figure in figures.FIGURES.items():
            if figure.unit == "time":
                median = 1e6 * speed * chance.uniform(1 - noise, 1 + noise) * (factor if name in slower else 1)
                rows.append(make_row(name, unit, int(1e6 * speed if name == compare.REFERENCE else median), run))
    return rows


def measured(rows, **machine):
    return results.from_rows({**MACHINE, **machine}, rows)


def write_json(path, rows, **machine):
    path.write_text(json.dumps({"schema": 2, "machine": {**MACHINE, **machine}, "results": rows}))
    return path


# ---- report ----

class Page(html.parser.HTMLParser):
    """What a browser would load, what its tables hold, and whether every element ends."""
    EMPTY = {"meta", "path", "use", "br", "link", "rect", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.tables, self.text, self.tags = [], [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        named = [attributes[key] for key in ("src", "href", "data", "srcset") if key in attributes]
        self.loads += [name for name in named if not name.startswith("#")]
        if tag == "table":
            self.tables.append(attributes["data-yardstick"])
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> ends another element"

    def handle_data(self, data):
        self.text.append(data)


def write_report(*arguments):
    return subprocess.run([sys.executable, ROOT / "perf/report.py", *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_json(folder / "bench.json", exact_rows() + timed_rows(8, factor=1.1, seed=2), warnings=["a made-up warning <&>"])
    write_json(folder / "base.json", exact_rows() + timed_rows(8))
    entries = [make_row("entry/int250/call", "instructions", 77), make_row("entry/timer", "instructions", 6001)]
    write_json(folder / "entries.json", entries)
    write_json(folder / "peers.json", [{**make_row("pipe", unit, 9876), "system": system}
                                       for unit in ("instructions", "ticks") for system in ("linux", "linux-off")])
    done = write_report("--figures", folder, "--base", folder / "base.json", "--output", folder / "report")
    assert done.returncode == 0, done.stderr
    return (folder / "report/index.html").read_text(), (folder / "report/report.txt").read_text()


def test_page_is_whole_and_needs_nothing_else(report):
    page = Page(report[0])
    assert page.open == [] and page.loads == []
    assert not page.tags & {"script", "link", "iframe", "img", "object"} and "svg" in page.tags
    assert not re.search(r"url\((?!#)|@import|https?://|xmlns|None\b|nan\b", report[0])
    assert len(report[0]) < 2_000_000


def test_pictures_take_the_colours_of_the_page(report):
    svgs = re.findall(r"<svg.*?</svg>", report[0], flags=re.S)
    colours = {colour for svg in svgs for colour in re.findall(r"(?:fill|stroke): ([^;\"]+)", svg)}
    assert svgs and all(colour == "none" or colour.startswith("var(--") for colour in colours), colours
    defined = set(re.findall(r"(--[\w-]+):", report[0]))
    assert {colour[4:-1] for colour in colours if colour != "none"} <= defined
    assert re.search(r"@media \(prefers-color-scheme: dark\)", report[0])
    identifiers = re.findall(r' id="([^"]*)"', report[0])
    assert len(identifiers) == len(set(identifiers))


def test_every_figure_is_in_both_forms(report):
    said = [" ".join(text.split()) for text in ("".join(Page(report[0]).text), report[1])]
    for row in exact_rows():
        for text in said:
            assert row["name"] in text and f"{row['p50']:,}" in text, row["name"]
    texts = {" ".join(figure.text.split()) for figure in figures.FIGURES.values()}
    assert [text for text in texts if text.replace("`", "") not in said[0]] == []
    assert [text for text in texts if text[:30] not in said[1]] == [], "the rest of it may be broken by other columns"
    for name in ("entry/timer", "6,001", "EXCEEDED", "pipe", "9,876", "0123456789ab", "a made-up warning <&>",
                 "says nothing about hardware"):
        assert all(name in text for text in said), name


def test_every_table_says_one_yardstick(report):
    tables = Page(report[0]).tables
    assert set(tables) <= set(document.YARDSTICKS) and {"instructions", "ticks", "times the reference"} <= set(tables)
    with pytest.raises(document.MixedUnits):
        document.one_unit([make_row("a", "instructions", 1), make_row("b", "ticks", 1)], "a table")
    with pytest.raises(document.MixedUnits):
        document.Table("a table", "seconds", [], [])


def test_crossing_lines_are_told():
    series = {"copy": [(64, 1), (256, 4), (1024, 16)], "map": [(64, 8), (256, 8), (1024, 9)], "inplace": [(64, 0), (256, 0)]}
    assert sections.crossovers(series) == "From 1,024 bytes on, map is cheaper than copy."


def test_report_of_little(tmp_path):
    """A few figures, no time, no other file: what there is is shown, and what is not is named."""
    write_json(tmp_path / "bench.json", exact_rows()[:4])
    done = write_report("--figures", tmp_path, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.txt").read_text()
    assert exact_rows()[3]["name"] in text and "[ticks" not in text and "entries.json (make" in text


def test_sample_is_labelled(tmp_path):
    write_json(tmp_path / "bench.json", exact_rows()[:4])
    arguments = ["--figures", tmp_path, "--sample", tmp_path / "sample.html"]
    assert write_report(*arguments).returncode == 0
    text = (tmp_path / "sample.html").read_text()
    assert "make sample-report" in text.splitlines()[0] and "(a sample, measured under TCG)</h1>" in text
    write_json(tmp_path / "bench.json", exact_rows()[:4], accel="kvm")
    assert write_report(*arguments).returncode == 1


def test_files_that_say_nothing(tmp_path):
    for text, what in ((None, "is not there"), ("{", "cannot be read"), ('{"schema": 1}', "another form")):
        if text:
            (tmp_path / "bench.json").write_text(text)
        with pytest.raises(results.Failure, match=what):
            results.load(tmp_path / "bench.json")
    with pytest.raises(results.Failure, match="furlongs"):
        measured([make_row("a", "furlongs", 1)])
    with pytest.raises(results.Failure, match="ticks and cycles"):
        measured([make_row("a", "ticks", 1), make_row("a", "cycles", 1)])


# ---- comparison ----

def time_verdicts(base, now):
    return {row.name: row for row in compare.compare(base, now).times}


def test_identical_figures_are_the_same():
    side = measured(exact_rows() + timed_rows(8))
    compared = compare.compare(side, side)
    rows = compared.times + [row for rows in compared.exact.values() for row in rows]
    assert len(rows) > len(figures.FIGURES) and {row.verdict for row in rows} == {"same"} and compared.notes == []


def test_other_runs_of_the_same_are_the_same():
    """The machine's speed differs by up to 2 between runs; the figures over the reference hardly do."""
    verdicts = time_verdicts(measured(timed_rows(8)), measured(timed_rows(8, seed=2)))
    assert {row.verdict for row in verdicts.values()} == {"same"}


@pytest.mark.parametrize("factor, verdict", [(1.1, "worse"), (0.9, "better"), (1.01, "same")])
def test_a_shift_is_seen(factor, verdict):
    verdicts = time_verdicts(measured(timed_rows(8)), measured(timed_rows(8, factor, seed=2)))
    assert verdicts.pop("rtt/cross/sysenter").verdict == verdict
    assert {row.verdict for row in verdicts.values()} == {"same"}


def test_noise_is_noise():
    """Figures that differ by 30 % from run to run. For all that there are many, a comparison with a wrong verdict is as rare as
    alpha says: of four, more than one are so once in seventy times, and these four are always the same."""
    wrong = 0
    for seed in range(4):
        sides = [measured(timed_rows(8, noise=0.3, seed=2 * seed + side)) for side in (0, 1)]
        found = [row.verdict for row in time_verdicts(*sides).values()]
        assert found.count("noise") >= len(found) - 1
        wrong += found.count("noise") < len(found)
    assert wrong <= 1


def test_too_few_runs_are_told():
    compared = compare.compare(measured(timed_rows(3)), measured(timed_rows(3, 1.1, seed=2)))
    needed = compare.runs_needed(len(compared.times))
    assert f"RUNS={needed}" in compared.notes[0] and "too few" in compared.notes[0]
    assert {row.verdict for row in compared.times} & {"worse", "better"} == set()
    assert needed <= int(re.search(r"RUNS \?= (\d+)", (ROOT / "config.mk").read_text())[1])


def test_holm():
    assert compare.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_exact_figures_differ_by_one():
    rows = exact_rows()
    for change, verdict in ((1, "worse"), (-1, "better")):
        now = [{**row, "p50": row["p50"] + change * (row["name"] == "map/page")} for row in rows]
        compared = compare.compare(measured(rows), measured(now))
        found = {row.name: row.verdict for unit in compared.exact.values() for row in unit}
        assert found.pop("map/page") == verdict and set(found.values()) == {"same"}
        text = document.section_text(compare.section(compared, "base.json"))
        assert re.search(rf"map/page .* {verdict}\n", text)


@pytest.mark.parametrize("key, other", [("build", "debug"), ("accel", "kvm"), ("cpu", "n270")])
def test_a_baseline_of_another_kind_is_refused(key, other):
    with pytest.raises(results.Failure, match=other):
        compare.compare(measured(exact_rows(), **{key: other}), measured(exact_rows()))


def test_ticks_are_not_compared_with_cycles():
    with pytest.raises(results.Failure, match="cycles"):
        compare.compare(measured(timed_rows(2, unit="cycles")), measured(timed_rows(2)))


def test_another_host_compares_no_time_and_another_compiler_is_told():
    base = measured(exact_rows() + timed_rows(8), host="another", gcc="13.1")
    compared = compare.compare(base, measured(exact_rows() + timed_rows(8)))
    assert compared.times == [] and compared.exact["instructions"]
    assert any("another" in note for note in compared.notes) and any("gcc 13.1" in note for note in compared.notes)


def test_new_and_gone_figures_are_told():
    compared = compare.compare(measured(exact_rows()[1:]), measured(exact_rows()[:-1]))
    assert f"new: {exact_rows()[0]['name']}" in compared.notes and f"gone: {exact_rows()[-1]['name']}" in compared.notes


def test_a_missing_baseline_says_what_makes_it(tmp_path):
    command = [sys.executable, ROOT / "perf/compare.py", "--base", tmp_path / "none.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "make baseline" in done.stderr


# ---- record ----

def changed(name, by):
    return [{**row, "p50": row["p50"] + by * (row["name"] == name)} for row in exact_rows()]


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "record.toml"
    record.write(path, measured(exact_rows()))
    return record.load(path)


def test_the_record_is_one_sorted_line_for_each_figure(tmp_path):
    record.write(tmp_path / "record.toml", measured(exact_rows()))
    lines = [line for line in (tmp_path / "record.toml").read_text().splitlines() if line.startswith('"')]
    names = record.recorded_names()
    assert len(lines) == sum(map(len, names.values()))
    assert lines[:len(names["instructions"])] == sorted(lines[:len(names["instructions"])])


def test_equal_figures_pass(recorded):
    judgement = record.judge(recorded, measured(exact_rows()))
    assert (judgement.faults, judgement.lower, judgement.notes) == ([], [], [])


def test_a_grown_figure_fails_and_says_what_to_do(recorded):
    judgement = record.judge(recorded, measured(changed("switch/yield", 1)))
    assert len(judgement.faults) == 1 and judgement.faults[0].startswith("switch/yield:") and "make record" in judgement.faults[0]


def test_a_shrunk_figure_passes_and_is_told(recorded):
    judgement = record.judge(recorded, measured(changed("switch/yield", -1)))
    assert judgement.faults == [] and len(judgement.lower) == 1 and judgement.lower[0].startswith("switch/yield:")


def test_figures_that_one_side_lacks_fail(recorded):
    assert "not measured" in record.judge(recorded, measured(exact_rows()[1:])).faults[0]
    del recorded["instructions"]["map/page"]
    assert "not in the record" in record.judge(recorded, measured(exact_rows())).faults[0]


def test_another_compiler_has_a_tolerance_but_for_assembly(recorded):
    assembly = next(name for name, figure in figures.FIGURES.items() if figure.assembly)
    for name, by, faults in (("switch/yield", 100, 0), ("switch/yield", 5000, 1), (assembly, 1, 1)):
        judgement = record.judge(recorded, measured(changed(name, by), gcc="13.1"))
        assert len(judgement.faults) == faults and "gcc 13.1" in judgement.notes[0], name


def test_what_varies_with_the_boot_has_a_share_of_its_own(recorded):
    least = recorded["instructions"]["map/page"] // 10
    assert record.judge(recorded, measured(changed("map/page", least))).faults == []
    assert len(record.judge(recorded, measured(changed("map/page", least + 2))).faults) == 1


def test_only_a_whole_release_build_is_recorded(tmp_path):
    for rows, machine in ((exact_rows(), {"build": "debug"}), (exact_rows()[1:], {})):
        with pytest.raises(results.Failure):
            record.write(tmp_path / "record.toml", measured(rows, **machine))
