"""What one call executes and touches: counted by the plugin, it is what the design says; and the counting itself."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import operation  # noqa: E402
import profiler  # noqa: E402

# The two lines of struct cpu (SYSENTER_ESP points at its first word, and EFLAGS is pushed in front of that), the client's and the
# worker's thread, the endpoint, the entry of the handle table.
FAST_PATH_LINES = 6
LINES_OF_A_HOP = 3      # another worker, endpoint and handle entry
KERNEL_CODE_LINES = 4   # of the fast path, both directions
STEADY = ("gate/", "rtt/", "chain/", "notify/", "map/")


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    output = tmp_path_factory.mktemp("profile") / "profile.json"
    subprocess.run(["make", "-s", "build/plugins/profile.so"], cwd=ROOT, check=True, timeout=60)
    done = subprocess.run([sys.executable, str(ROOT / "perf" / "profiler.py"), "--output", str(output)], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(output.read_text())
    assert data["schema"] == 2 and data["machine"]["build"] == "release"
    return data["operations"]


def events(profile, *names):
    return tuple(profile["events"][name] for name in names)


@pytest.mark.parametrize("name,calls,spaces", [("rtt/same", 1, 0), ("rtt/cross", 1, 2)] +
                         [(f"chain/{n}", n, 2 * n) for n in range(1, 9)])
def test_mode_switches(operations, name, calls, spaces):
    """A call is two entries into the kernel and two exits, by one gate alone; each way into another space is a CR3 load."""
    kinds = ("sysenter", "sysexit", "int", "iret", "load-cr3", "wrmsr", "popf", "invlpg")
    assert events(operations[f"{name}/sysenter"], *kinds) == (2 * calls, 2 * calls, 0, 0, spaces, 0, 0, 0)
    assert events(operations[f"{name}/int"], *kinds) == (0, 0, 2 * calls, 2 * calls, spaces, 0, 0, 0)


def test_other_operations(operations):
    assert events(operations["gate/null/sysenter"], "sysenter", "sysexit", "int", "iret", "load-cr3") == (1, 1, 0, 0, 0)
    assert events(operations["gate/null/int"], "sysenter", "sysexit", "int", "iret", "load-cr3") == (0, 0, 1, 1, 0)
    assert events(operations["notify/roundtrip"], "int", "iret", "load-cr3") == (4, 4, 0)
    assert events(operations["map/page"], "int", "iret", "load-cr3") == (2, 2, 0)
    assert operations["map/page"]["events"]["invlpg"] >= 1
    assert operations["switch/yield"]["operations"] == 2    # a turn of its loop is a switch there and one back


def test_lines_of_the_fast_path(operations):
    for name, hops in [("rtt/same", 1), ("rtt/cross", 1)] + [(f"chain/{n}", n) for n in range(1, 9)]:
        lines = operations[f"{name}/sysenter"]["lines"]
        assert lines["data"]["kernel"] <= FAST_PATH_LINES + LINES_OF_A_HOP * (hops - 1), name
        assert lines["code"]["kernel"] <= KERNEL_CODE_LINES, name
        assert 2 <= lines["written"]["kernel"] < lines["read"]["kernel"], name     # both threads, at least
        assert lines["data"]["kernel"] < operations[f"{name}/int"]["lines"]["data"]["kernel"], name


def test_tlb(operations):
    """Without a CR3 load nothing has to be looked up again; with one, what the user's side touches, and not the kernel's."""
    assert operations["rtt/same/sysenter"]["tlb-refills"] == {"code": 0, "data": 0}
    cross = operations["rtt/cross/sysenter"]
    assert cross["tlb-refills"] == {use: cross["pages"][use]["user"] for use in ("code", "data")}
    assert operations["rtt/cross/int"]["tlb-refills"]["data"] == 1 + 2     # the stack, and the task state segment in each space


@pytest.mark.parametrize("name", ["rtt/same/sysenter", "rtt/cross/sysenter", "rtt/cross/int", "chain/8/sysenter"])
def test_readme_says_what_is_counted(operations, name):
    """To a tenth, or one: what C compiles to depends on the compiler a little."""
    row = re.search(rf"^\| `{name}` \| (\d.*)$", (ROOT / "perf" / "README.md").read_text(), re.M)[1]
    stated = [int(figure) for figure in re.findall(r"\d+", row)]
    profile = operations[name]
    counted = [profile["instructions"]["total"]]
    counted += [profile["lines"][use][who] for use in ("data", "code") for who in ("user", "kernel")]
    counted += [profile["events"]["load-cr3"], profile["tlb-refills"]["code"], profile["tlb-refills"]["data"]]
    assert stated == pytest.approx(counted, rel=0.1, abs=1)


def test_every_turn_is_alike(operations):
    for name, profile in operations.items():
        if name.startswith(STEADY):
            assert profile["alike"] == profile["turns"] >= 3, name    # rtt/alternating makes two calls in a turn


def test_another_count_is_refused(operations):
    """The tool itself compares each operation with what the counter says; a batch of eight may hide four instructions."""
    profile = operations["map/page"]
    counted = profile["instructions"]["total"]
    profiler.check("map/page", profile, {"min": counted, "p50": counted, "p99": counted, "batch": 16})
    for wrong in (counted - 1, counted + 3):
        with pytest.raises(profiler.Failure, match="not of what is measured"):
            profiler.check("map/page", profile, {"min": wrong, "p50": wrong, "p99": wrong, "batch": 16})


# ---- the counting ----

@pytest.mark.parametrize("code,name", [
    ("0f34", "sysenter"), ("0f35", "sysexit"), ("cdfa", "int"), ("cf", "iret"), ("0f22d8", "load-cr3"), ("0f22d9", "load-cr3"),
    ("0f22e0", "load-cr"), ("0f20d8", None), ("0f0138", "invlpg"), ("0f01ca", None), ("0f01f8", None), ("9c", "pushf"),
    ("9d", "popf"), ("fa", "cli"), ("fb", "sti"), ("0f30", "wrmsr"), ("f3ab", "repeat"), ("f2ae", "repeat"), ("ab", None),
    ("f3c3", None), ("8ed9", "segment-load"), ("268b0f", None), ("6690", None), ("90", None)])
def test_events(code, name):
    assert operation.event(bytes.fromhex(code)) == name


def turn(*lines):
    return operation.read(["begin", *lines])[0]


def test_turns():
    """What comes before the loop, and its last turn, are left out: three times round are two turns."""
    part = turn("i 10 10 90", *["i 20 20 90", "i 22 22 eb"] * 3, "i 30 30 c3")
    assert [[instruction.address for instruction in turn] for turn in operation.turns(part)] == [[0x20, 0x22]] * 2
    assert operation.profile(part, 6)["operations"] == 2 and operation.profile(part, 4)["operations"] == 1
    assert operation.profile(part[:4], 6) is None


def test_lines_and_pages():
    """The same address in two spaces is two lines and two pages; an access across an edge is two as well."""
    counted = operation.count_turn(turn("i 1000 5000 90", "r 2000 6000 4", "r 2000 7000 4", "w c0000ffe c0ffe 4"))
    assert counted["lines"]["data"] == {"user": 2, "kernel": 2} and counted["pages"]["data"] == {"user": 2, "kernel": 2}
    assert counted["lines"]["read"] == {"user": 2, "kernel": 0} and counted["lines"]["written"] == {"user": 0, "kernel": 2}
    assert counted["loads"] == {"user": 2, "kernel": 0} and counted["stores"] == {"user": 0, "kernel": 1}


def test_tlb_refills():
    """Two spaces: two pages of code in the first, one each of code and data in the second. What follows the last load goes on at
    the beginning."""
    load, kernel = "i c0100000 100000 0f22d8", "r c0200000 200000 4"
    there_and_back = turn("i 1000 1000 90", load, "i 2000 2000 90", "w 9000 9000 4", kernel, load, "i 3000 3000 90")
    assert operation.tlb_refills(there_and_back) == {"code": 3, "data": 1}
    assert operation.tlb_refills(turn("i 1000 1000 90", "r 9000 9000 4")) == {"code": 0, "data": 0}


def test_what_is_missing_is_said():
    command = [sys.executable, str(ROOT / "perf" / "profiler.py"), "--plugin", "nowhere.so"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "make profile builds it" in done.stderr
