"""What init says about services that end, cannot start or end too often, and about whatever faults."""

import pathlib
import re
import subprocess

import pytest

import boot

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
FIELD = re.compile(r"  (process|why|where|called from|was serving|then): +(.*)|" # a field by name,
                   r" {15}(0x[0-9a-f]{8}.*)|  (e[a-z]{2} +0x.*)")                   # more of "called from", registers


def report_of(name, serial, what="", n=0):
    """The n-th fault report of a program, by field; nothing but fields may stand between its first and its last line."""
    heads = [match for match in re.finditer(rf"^fault: {name}: (.*)\n", serial, re.M) if what in match[1]]
    assert len(heads) > n, serial
    found, last = {"fault": [heads[n][1]]}, None
    for line in serial[heads[n].end():].splitlines():
        match = FIELD.fullmatch(line)
        if not match and last == "then":
            return found
        assert match, f"{line!r} in a report: {serial[heads[n].start():heads[n].end() + 1000]}"
        last = match[1] or ("called from" if match[3] else "registers")
        found.setdefault(last, []).append(match[2] or match[3] or match[4])
    raise AssertionError(f"a report without an end: {serial}")


def assert_named(places, program, functions):
    """The reports' names and offsets are those that nm has for the addresses."""
    lines = subprocess.run(["nm", BUILD / "programs" / f"{program}.elf"], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in lines.splitlines()}
    assert [re.split(r"[ +]", place)[1] for place in places] == functions
    for place in places:
        address, name, offset = re.fullmatch(r"(0x[0-9a-f]{8}) (\S+)\+(0x[0-9a-f]+)", place).groups()
        assert symbols[name] + int(offset, 16) == int(address, 16), place


@pytest.fixture
def run(tmp_path):
    def boot_list(text):
        path = tmp_path / "list.toml"
        path.write_text(text)
        return boot.run(build=str(ROOT / "build" / "release"), list=str(path), icount=True, timeout=60)
    return boot_list


def test_restarts_become_rarer_and_end(run):
    """hello finds no echo here, and ends at once."""
    result = run('[hello]\nrestart = "always"\nessential = true\n')
    assert [int(delay) for delay in re.findall(r"init: hello starts again in (\d+) ms", result.serial)] == \
        [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]
    assert "init: hello ended with code -15 (E_NOT_FOUND: no service of this name)\n" in result.serial
    assert "init: hello has ended too often: 10 restarts within a minute; given up" in result.serial
    assert not result.ok and not result.timed_out


def test_a_service_that_cannot_start(run):
    result = run('[echo]\ndevice-memory = ["0x100000-0x100fff"]\nessential = true\n') # which is RAM
    assert 'init: cannot start echo: program "echo": E_BAD_ARGUMENT: ' in result.serial and result.code == 1


def test_users_of_a_service_that_cannot_start(run):
    result = run('[echo]\ndevice-memory = ["0x100000-0x100fff"]\n[relay1]\nprogram = "relay"\n'
                 '[hello]\nuses = ["echo", "relay1"]\nessential = true\n')
    assert "hello: E_PEER_DIED: " in result.serial and not result.timed_out


@pytest.mark.parametrize("line", [
    "echo", "echo nosuch", "a_name_of_17_byte echo", "echo echo quota=1", "echo echo word", "echo echo =", "echo echo restart=x",
    "echo echo priority=99999999999", "x " * 5000, "\0\1\2 \377", "=" * 200])
def test_init_survives_any_text(tmp_path, line):
    path = tmp_path / "bad.list"
    path.write_text(line + "\n", encoding="latin-1")
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(path), icount=True, timeout=30)
    assert "system.list:1: " in result.serial and "mistakes in system.list: nothing was started" in result.serial
    assert result.code == 1 and "panic" not in result.serial


def test_faults_of_children_are_told_by_name(run):
    text = (ROOT / "tests" / "system.toml").read_text()
    result = run(text.replace("essential = true", 'essential = true\narguments = { only = "spawn" }'))
    assert result.ok, result.serial
    tiny = report_of("tiny", result.serial)
    assert tiny["fault"][0].startswith("invalid opcode (vector 6") and tiny["where"] == ["0x00200054"] # which has no symbols
    assert tiny["then"] == ["tiny ended with code 134 (128 + vector 6: invalid opcode)", "tests, which started it, goes on"]
    child = report_of("hostile-child", result.serial)
    assert child["fault"] == ["page fault (vector 14, error 0x6, address 0x00000000)"]
    assert child["process"][0].endswith(", child of tests") and child["why"] == ["write to 0x00000000: a null pointer"]
    assert child["was serving"] == ["nobody"] and len(child["registers"]) == 2
    assert_named(child["where"], "hostile", ["hostile_child"])
    assert_named([place for place in child["called from"] if not place.endswith("?")], "hostile",
                 ["main", "program_main", "startup_main", "_start"])
    assert child["then"] == ["hostile-child ended with code 142 (128 + vector 14: page fault)",
                             "tests, which started it, goes on"]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "list.toml"
    text = (ROOT / "tests" / "system.toml").read_text()
    path.write_text(text.replace("essential = true", 'essential = true\narguments = { only = "restart" }'))
    result = boot.run(build=str(BUILD), list=str(path), icount=True, timeout=60)
    assert result.ok, result.serial
    return result.serial


def assert_starts_again(report, milliseconds):
    assert report["then"] == ["hostile-last ended with code 142 (128 + vector 14: page fault)",
                              f"hostile-last starts again in {milliseconds} ms"]


def test_a_fault_two_calls_deep(faults):
    report = report_of("hostile-last", faults)
    assert report["fault"] == ["page fault (vector 14, error 0x6, address 0x00000000)"]
    assert re.fullmatch(r"\d+, a service, program hostile", report["process"][0])
    assert report["why"] == ["write to 0x00000000: a null pointer"]
    assert report["was serving"] == ["tests -> hostile-print -> hostile-read"]
    assert_named(report["where"] + report["called from"], "hostile", ["fault", "forward", "worker_received_sysenter_handles"])
    assert_starts_again(report, 0)


def test_a_null_pointer_is_called(faults):
    report = report_of("hostile-last", faults, n=1)
    assert report["why"] == ["jump to 0x00000000: a null pointer was called"]
    assert report["where"] == ["0x00000000, where the program has no code"]
    assert report["was serving"] == ["tests -> hostile-print -> hostile-read"]
    assert_named(report["called from"], "hostile", ["call_nothing", "forward", "worker_received_sysenter_handles"])
    assert_starts_again(report, 100)


def test_a_stack_overflows(faults):
    """Whoever began the recursion is found at the other end of the stack."""
    report = report_of("hostile-last", faults, n=2)
    assert re.fullmatch("write to 0x[0-9a-f]{8}: stack overflow, into the guard page below the stack", report["why"][0])
    assert_named(report["where"] + report["called from"], "hostile",
                 ["descend", "descend", "overflow", "forward", "worker_received_sysenter_handles"])
    assert report["was serving"] == ["tests -> hostile-print -> hostile-read"]
    assert_starts_again(report, 200)


def test_a_report_is_in_one_piece(faults):
    """Lines came before and behind it, from a thread that had every chance to print in between."""
    report, behind = report_of("hostile-last", faults, n=3), faults.split("fault: hostile-last: ")[4]
    assert "# beside\nfault: hostile-last" in faults and "starts again in 400 ms\n# beside\n" in behind
    assert_starts_again(report, 400)


def test_what_follows_for_others(run):
    text = (ROOT / "tests" / "system.toml").read_text()
    result = run(text.replace("essential = true", 'essential = true\narguments = { only = "hostile" }'))
    assert result.ok, result.serial
    assert report_of("hostile-fault", result.serial)["then"] == \
        ["hostile-fault ended with code 142 (128 + vector 14: page fault)", "it stays ended; whoever calls it gets E_PEER_DIED"]
    assert report_of("hostile-stack", result.serial)["why"][0].endswith("the stack is gone, or overflowed by far")
    for n in range(2):
        assert report_of("hostile-thread", result.serial, n=n)["then"] == ["this thread alone has ended; hostile-thread goes on"]


def test_an_essential_service_faults(run):
    """The report comes before the machine's end."""
    result = run('[broken]\nprogram = "hostile"\nessential = true\narguments = { 0 = "broken", 1 = "fault" }\n')
    report = report_of("broken", result.serial)
    assert report["process"] == ["1, a service, program hostile"] and report["was serving"] == ["nobody"]
    assert report["then"] == ["broken ended with code 142 (128 + vector 14: page fault)", "the machine ends with it"]
    assert result.serial.endswith("machine exit: code 142\n") and not result.timed_out and not result.ok


def test_symbols_of_a_stripped_program(tmp_path):
    command = [ROOT / "tools" / "symbols", "--output", tmp_path / "symbols", BUILD / "modules" / "echo"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "echo has no symbols" in done.stderr and not (tmp_path / "symbols").exists()


def run_with_symbols(tmp_path, content):
    """A build whose table of symbols is something else."""
    (tmp_path / "kernel.elf").symlink_to(BUILD / "kernel.elf")
    (tmp_path / "modules").symlink_to(BUILD / "modules")
    if content is not None:
        (tmp_path / "symbols").write_bytes(content)
    path = tmp_path / "list.toml"
    text = (ROOT / "tests" / "system.toml").read_text()
    path.write_text(text.replace("essential = true", 'essential = true\narguments = { only = "spawn" }'))
    result = boot.run(build=str(tmp_path), list=str(path), icount=True, timeout=60)
    assert result.ok, result.serial
    return result.serial


def damaged_tables():
    good = (BUILD / "symbols").read_bytes()
    count = int.from_bytes(good[4:8], "little")
    return {"none": None, "short": good[:11], "text": b"no symbols here", "cut": good[:-1], "long": good + b"\0",
            "count": good[:4] + bytes([0xFF] * 4) + good[8:], "names": good[:8] + bytes([0xFF] * 4) + good[12:],
            "endless name": good[:-1] + b"x", "offsets": good[:12] + bytes([0xFF] * 8 * count) + good[12 + 8 * count:]}


@pytest.mark.parametrize("kind", ["none", "short", "text", "cut", "long", "count", "names", "endless name", "offsets"])
def test_without_good_symbols_there_are_addresses(tmp_path, kind):
    serial = run_with_symbols(tmp_path, damaged_tables()[kind])
    report = report_of("hostile-child", serial)
    assert re.fullmatch("0x[0-9a-f]{8}", report["where"][0]) and len(report["called from"]) >= 4
    assert ('the module "symbols" is no table of symbols' in serial) == (kind not in ("none", "offsets"))


def test_printed_lines_have_name_and_time(run):
    text = (ROOT / "tests" / "system.toml").read_text()
    result = run(text.replace("essential = true", 'essential = true\narguments = { only = "log" }'))
    assert result.ok, result.serial
    assert re.search(r"^\[ *\d+\.\d{6}\] hostile-print: word 1$", result.serial, re.M)
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", result.serial)


def test_a_log_that_is_stuck_stops_nobody(run):
    """It takes a session, and never comes back from the first line, which then goes to the kernel's log as all others do."""
    result = run('[log]\nprogram = "hostile"\narguments = { stuck = 1 }\n'
                 '[echo]\n[relay1]\nprogram = "relay"\n[hello]\nuses = ["echo", "relay1", "log"]\nessential = true\n')
    assert result.ok, result.serial
    assert "Postern is up: " in result.serial and "echo(41) = 41" in result.serial


def test_the_clock(tmp_path):
    path = tmp_path / "list.toml"
    path.write_text('[log]\n[rtc]\nports = ["0x70-0x71"]\nuses = ["log"]\n[hello]\nuses = ["rtc"]\nessential = true\n')
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(path), timeout=60,
                      extra=["-rtc", "base=2024-02-29T23:59:30"])
    seconds = re.search(r"rtc: (\d+) seconds since 1970", result.serial)
    assert seconds and 0 <= int(seconds[1]) - 1709251170 < 20
