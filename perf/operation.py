"""What one operation of the benchmark executes and touches, out of what perf/plugins/profile.c has written down."""

import collections
import itertools

LINE, PAGE = 64, 4096
USER_TOP = 0xBFE00000           # abi/postern.h; from here on it is the kernel's
TASK_STATE = USER_TOP + PAGE - 104 + 4      # arch/x86/ports.h: where INT finds the kernel's stack. QEMU does not show this
KERNEL_BASE = 0xC0000000        # from here on its pages are global: they stay in the TLB when CR3 is loaded
STEADY = 0.5                    # at least this part of the turns must be alike

PREFIXES = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3}
REPEATS = {0xF2, 0xF3}
STRING = {*range(0xA4, 0xA8), *range(0xAA, 0xB0)}
ONE_BYTE = {0xCD: "int", 0xCF: "iret", 0x9C: "pushf", 0x9D: "popf", 0xFA: "cli", 0xFB: "sti", 0x8E: "segment-load",
            0x07: "segment-load", 0x17: "segment-load", 0x1F: "segment-load", 0xF4: "hlt",
            **dict.fromkeys((0xE4, 0xE5, 0xEC, 0xED), "in"), **dict.fromkeys((0xE6, 0xE7, 0xEE, 0xEF), "out")}
TWO_BYTES = {0x34: "sysenter", 0x35: "sysexit", 0x30: "wrmsr", 0x32: "rdmsr", 0x31: "rdtsc", 0xA2: "cpuid", 0x06: "clts",
             0xA1: "segment-load", 0xA9: "segment-load"}
EVENTS = ("sysenter", "sysexit", "int", "iret", "load-cr3", "invlpg", "pushf", "popf", "cli", "sti", "wrmsr", "rdmsr", "rdtsc",
          "cpuid", "clts", "load-cr", "segment-load", "in", "out", "hlt", "repeat")

Instruction = collections.namedtuple("Instruction", "address where code accesses")
Access = collections.namedtuple("Access", "store address where size")


def event(code):
    """The kind of an instruction that is counted by name; None of any other."""
    at = next((i for i, byte in enumerate(code) if byte not in PREFIXES), len(code))
    prefixes, rest = set(code[:at]), code[at:] + b"\0\0\0"
    if rest[0] != 0x0F:
        return "repeat" if rest[0] in STRING and prefixes & REPEATS else ONE_BYTE.get(rest[0])
    register = rest[2] >> 3 & 7
    if rest[1] == 0x22:
        return "load-cr3" if register == 3 else "load-cr"
    if rest[1] == 0x01 and register == 7 and rest[2] < 0xC0:
        return "invlpg"
    return TWO_BYTES.get(rest[1])


def read(lines):
    """One list of instructions for each part of a trace."""
    parts = []
    for line in lines:
        kind, *fields = line.split()
        if kind == "begin":
            parts.append([])
        elif kind == "i":
            parts[-1].append(Instruction(int(fields[0], 16), int(fields[1], 16), bytes.fromhex(fields[2]), []))
        else:
            access = Access(kind == "w", int(fields[0], 16), int(fields[1], 16), int(fields[2]))
            parts[-1][-1].accesses.append(access)
    return parts


def turns(part):
    """A loop runs the operation: from its first instruction to where that is executed next. What comes before the first turn
    and from the last turn on is left out."""
    times = collections.Counter(instruction.address for instruction in part)
    head = next((instruction.address for instruction in part if times[instruction.address] > 1), None)
    starts = [i for i, instruction in enumerate(part) if instruction.address == head]
    return [part[a:b] for a, b in itertools.pairwise(starts)]


def owner(address):
    return "kernel" if address >= USER_TOP else "user"


def chunks(address, size, unit):
    """The lines or pages that an access touches: their numbers, counted from that of its first byte."""
    return range((address % unit + size - 1) // unit + 1)


class Touched:
    """Distinct lines and pages, by what they are used for and whose they are."""

    def __init__(self):
        self.lines, self.pages = collections.defaultdict(set), collections.defaultdict(set)

    def add(self, uses, address, where, size):
        for use in uses:
            self.lines[use, owner(address)] |= {where // LINE + i for i in chunks(address, size, LINE)}
            # One address in two spaces is two pages, and so is one page at two addresses: each needs an entry of a TLB.
            self.pages[use, owner(address)] |= {(address // PAGE + i, where // PAGE + i) for i in chunks(address, size, PAGE)}

    def count(self, sets):
        return {use: {who: len(sets[use, who]) for who in ("user", "kernel")} for use in ("code", "data", "read", "written")}


def touched(turn):
    found = Touched()
    for instruction in turn:
        found.add(["code"], instruction.address, instruction.where, len(instruction.code))
        for access in instruction.accesses:
            found.add(["data", "written" if access.store else "read"], access.address, access.where, access.size)
    return found


def tlb_refills(turn):
    """Pages that have to be looked up again after a CR3 load: what is touched until the next one, but for global pages, of code
    and of data apart. Turn follows turn, so what comes after the last load goes on before the first."""
    spaces = [set()]
    for instruction in turn:
        kind = event(instruction.code)
        used = [("code", instruction.address, len(instruction.code))]
        used += [("data", access.address, access.size) for access in instruction.accesses]
        used += [("data", TASK_STATE, 8)] if kind == "int" else []
        spaces[-1] |= {(use, address // PAGE + i) for use, address, size in used if address < KERNEL_BASE
                       for i in chunks(address, size, PAGE)}
        if kind == "load-cr3":
            spaces.append(set())
    if len(spaces) == 1:
        return {"code": 0, "data": 0}
    spaces[0] |= spaces.pop()
    return {use: sum(kind == use for space in spaces for kind, _ in space) for use in ("code", "data")}


def count_turn(turn):
    found = touched(turn)
    events = collections.Counter(filter(None, (event(instruction.code) for instruction in turn)))
    accesses = [(owner(access.address), access.store) for instruction in turn for access in instruction.accesses]
    whose = collections.Counter(owner(instruction.address) for instruction in turn)
    return {
        "instructions": {"user": whose["user"], "kernel": whose["kernel"], "total": len(turn)},
        "events": {name: events[name] for name in EVENTS},
        "jumps": sum(b.address != a.address + len(a.code) for a, b in itertools.pairwise(turn)),
        "loads": {who: accesses.count((who, False)) for who in ("user", "kernel")},
        "stores": {who: accesses.count((who, True)) for who in ("user", "kernel")},
        "lines": found.count(found.lines),
        "pages": found.count(found.pages),
        "tlb-refills": tlb_refills(turn),
    }


def profile(part, calls):
    """Of the turns that are alike: what one takes, how many they are, and how many operations one is. None: there are too few."""
    counted = [count_turn(turn) for turn in turns(part)]
    if not counted:
        return None
    steady = max(counted, key=counted.count)
    alike = counted.count(steady)
    if alike < 2 or alike < STEADY * len(counted):
        return None
    # The head of a loop that tests first is executed once more than there are turns.
    return {"operations": round(calls / (len(counted) + 1)), "turns": len(counted), "alike": alike, **steady}
