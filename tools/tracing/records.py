"""What the guest's `trace` prints: records of the kernel, names of processes; and names of methods, out of the headers."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL, SERVE, REPLY, CUT, END, SWITCH, BUDGET, WAKE, INTERRUPT, CLOCK, FAULT = range(1, 12)
IDLE = 0                        # number of the thread that runs when nobody does
METHOD_FAULT = 0xFFFFFFFF
FILE_SYSTEM = "libserver/file_system/file_system.h"
# Of those services whose header is not servers/NAME/NAME.h.
HEADERS = {"init": "libserver/include/init.h", "ext2": FILE_SYSTEM, "memoryfs": FILE_SYSTEM, "bootfs": FILE_SYSTEM}


class Failure(Exception):
    """The records cannot be read; the text says why and what to do."""


@dataclasses.dataclass
class Record:
    time: int       # ticks since the first record; under icount those of an idle CPU left out
    kind: int
    thread: int
    process: int
    peer: int
    peer_process: int
    owner: int      # thread whose budget runs
    first: int
    second: int


@dataclasses.dataclass
class Trace:
    records: list
    names: dict     # of processes
    lost: int       # records that were overwritten
    khz: int        # ticks of the time stamp counter in a millisecond
    icount: bool

    @property
    def unit(self):
        return "instructions" if self.icount else "ticks"

    @property
    def yardstick(self):
        if self.icount:
            return ("executed guest instructions (QEMU -icount), exact; the clock stands still while the CPU idles; traced calls "
                    "take the C path, so untraced ones are shorter")
        return (f"ticks of the time stamp counter, {self.khz} in a millisecond; under an emulator only their ratios mean "
                "anything; traced calls take the C path, so untraced ones are shorter")


def parse(text, icount):
    """The last complete trace in what a terminal showed."""
    blocks = re.findall(r"^trace: begin ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)\n(.*?)^trace: end$", text.replace("\r", ""),
                        re.M | re.S)
    if not blocks:
        raise Failure('no trace in it: lines from "trace: begin" to "trace: end", as the command trace prints them, are wanted')
    count, capacity, khz = (int(field, 16) for field in blocks[-1][:3])
    names, records, time = {0: "init"}, [], 0
    for line in blocks[-1][3].splitlines():
        letter, *fields = line.split(maxsplit=2 if line.startswith("n ") else -1)
        if letter == "n" and len(fields) == 2:
            names[int(fields[0], 16)] = fields[1].rpartition("/")[2]
        elif letter == "r" and len(fields) == 9:
            step, *rest = (int(field, 16) for field in fields)
            time = time + step if records else 0
            records.append(Record(time, *rest))
        else:
            raise Failure(f"cannot read this line of the trace: {line}")
    if len(records) != min(count, capacity):
        raise Failure(f"{len(records)} records are there and {min(count, capacity)} were printed: some lines are missing")
    if icount:
        leave_idle_out(records)
    return Trace(records, names, max(0, count - capacity), khz, icount)


def leave_idle_out(records):
    """A halted machine under -icount jumps to its next interrupt: what its counter gains there was never executed."""
    left_out, running, last = 0, None, 0
    for record in records:
        if running == IDLE and record.kind in (INTERRUPT, CLOCK):
            left_out += record.time - last
        last = record.time
        record.time -= left_out
        if record.kind in (CALL, REPLY, SWITCH):
            running = record.peer


def read_methods(path):
    """{number: name}, from a list PREFIX_METHODS(METHOD) as in libserver/include/methods.h, or from an enum that ends with
    PREFIX_METHODS."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(), flags=re.S)
    found = re.search(r"^#define (\w+)_METHODS\(METHOD\)((?:.*\\\n)*.*)$", text, re.M)
    found = found or re.search(r"^enum \w+ {(?=[^}]*?(\w+)_METHODS\b)([^}]*)}", text, re.M)
    names = re.findall(rf"\b{found[1]}_(\w+)\s*,", found[2]) if found else []
    return {number: name.lower().replace("_", " ") for number, name in enumerate(names)}


def find_headers():
    own = {folder.name: folder / f"{folder.name}.h" for folder in (ROOT / "servers").iterdir()}
    return HEADERS | {service: path for service, path in own.items() if service not in HEADERS and path.exists()}


METHODS = {service: read_methods(header) for service, header in find_headers().items()}


def method_name(service, number):
    if number == METHOD_FAULT:
        return "fault"
    return METHODS.get(service, {}).get(number, f"method {number}")
