"""`make trace`: one file read as a nested flame, on one budget, in each of the forms; and what else can be given to the tool."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "trace"


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", ROOT / "build/release/modules", "--output", folder / "disk"],
                   cwd=ROOT, check=True)
    done = subprocess.run([TOOL, "--disk", folder / "disk", "--output", folder], cwd=ROOT, capture_output=True, text=True,
                          timeout=200)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def flames(traced):
    """{track: its slices} of the logical threads."""
    events = json.loads((traced[0] / "trace.json").read_text())["traceEvents"]
    titles = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name" and event["pid"] == 1}
    found = {title: [] for title in titles.values()}
    for event in events:
        if event["ph"] == "X" and event["pid"] == 1:
            found[titles[event["tid"]]].append(event)
    return found


def track(flames, name):
    return next(slices for title, slices in flames.items() if title.startswith(f"{name} (thread "))


def inside(inner, outer):
    ends = [round(slice_["ts"] + slice_["dur"], 3) for slice_ in (inner, outer)]
    return inner is not outer and inner["ts"] >= outer["ts"] and ends[0] <= ends[1]


def test_a_read_nests_through_the_services(flames):
    """cat -> vfs -> ext2 -> block, each inside the one before."""
    slices = track(flames, "cat")
    chain = [next(s for s in slices if s["name"] == "cat")]
    for name in ("vfs: read", "ext2: read", "block: transfer"):
        chain.append(next(s for s in slices if s["name"] == name and inside(s, chain[-1])))
    assert "block" in chain[-1]["args"]["done by"] and "ext2" in chain[-1]["args"]["caller"]


def test_slices_of_a_track_nest(flames):
    """Two either lie apart or one within the other: otherwise a viewer drops them."""
    for title, slices in flames.items():
        for a in slices:
            for b in slices:
                apart = a["ts"] + a["dur"] <= b["ts"] + 1e-6 or b["ts"] + b["dur"] <= a["ts"] + 1e-6
                assert a is b or apart or inside(a, b) or inside(b, a), (title, a, b)


def test_the_program_pays(flames):
    """For all that the services do for it; the drivers' interrupt threads pay for themselves."""
    colours = set()
    for item in track(flames, "cat"):
        assert item["args"]["paid by"].startswith("cat (thread "), item
        colours.add(item["cname"])
    assert len(colours) == 1
    assert colours.isdisjoint(item["cname"] for item in track(flames, "block"))


def test_the_interrupt_goes_by_pci(traced, flames):
    assert track(flames, "pci") and any(s["name"] == "pci: interrupt done" for s in track(flames, "block"))
    assert re.search(r"interrupt \d+ wakes pci.*\n +[\d,]+ +pci wakes block", traced[1]), traced[1]


def test_processes_and_cpu_are_shown(traced):
    data = json.loads((traced[0] / "trace.json").read_text())
    names = {event["args"]["name"] for event in data["traceEvents"] if event["name"] == "process_name"}
    assert {"process vfs", "process ext2", "process block", "process pci"} < names
    ext2 = [event for event in data["traceEvents"] if event["ph"] == "X" and event["cat"] == "process" and event["pid"] == 105]
    assert ext2 and all(event["name"] == "for cat" for event in ext2)
    assert "executed guest instructions" in data["otherData"]["yardstick"] and data["otherData"]["lost records"] == 0


def test_text(traced):
    depth, said = -1, traced[1]
    for name in (r"vfs: read", r"ext2: read", r"block: transfer"):
        line = re.search(rf"^ *[\d,]+ +[\d,]+ +[\d,]+  cat  +{name}\b.*$", said, re.M)[0]
        assert line.index(name[:4]) > depth, said
        depth = line.index(name[:4])
    assert "executed guest instructions" in said and "take the C path" in said


def test_page_stands_alone(traced):
    page = (traced[0] / "trace.html").read_text()
    assert "block: transfer" in page and "/*DATA*/" not in page
    assert not re.search(r"(src|href|@import|url\()\s*=?\s*[\"']?(https?:)?//", page)


RUNNING = """/$ trace -s 1
trace: begin {count:x} {capacity:x} f4240
n 1 vfs
n 2 ext2
n 3 shell
r 99 3 b 1 c 3 c 0 7
r 10 1 c 3 b 1 c 3 21
r 20 1 b 1 d 2 c 8 0
r 20 b d 2 d 2 c e 44
r 5 3 d 2 b 1 c fffffffb 9
r 10 6 b 1 c 3 c 4 c
trace: end
/$ """


def convert(text, folder):
    (folder / "shown").write_text(text)
    return subprocess.run([TOOL, "--serial", folder / "shown", "--output", folder], cwd=ROOT, capture_output=True, text=True)


def test_a_running_system(tmp_path):
    """With a reply to a call from before, a fault, an error, a call that is not over, and records that were lost."""
    done = convert(RUNNING.format(count=100, capacity=6), tmp_path)
    assert done.returncode == 0, done.stderr
    for wanted in ("6 records, 94 older ones lost", "ticks of the time stamp counter, 1000000 in a millisecond",
                   " shell        vfs: read", "fault of ext2: vector 14, address 0x00000044",
                   "ext2: read   [status -5]"):
        assert wanted in done.stdout, done.stdout
    json.loads((tmp_path / "trace.json").read_text())


@pytest.mark.parametrize("text,says", [
    ("nothing", "no trace in it"),
    (RUNNING.format(count=7, capacity=50), "some lines are missing"),
    (RUNNING.format(count=6, capacity=6).replace("r 10 1 c", "r 10 1"), "cannot read this line"),
    (RUNNING.format(count=6, capacity=6).replace("r 20 b d", "r 20 63 d"), "is unknown"),
])
def test_what_is_no_trace(text, says, tmp_path):
    done = convert(text, tmp_path)
    assert done.returncode == 1 and says in done.stderr and not (tmp_path / "trace.json").exists()
