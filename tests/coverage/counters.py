"""The kernel's branch counters: read from a guest's memory by the layout of gcc's struct gcov_info, written as .gcda files.

Nothing runs in the guest for this: its memory is a file, and what the compiler has put into the section .gcov_info points at
everything else. libgcov's gcov.h and gcov-io.h describe both layouts."""

import collections
import mmap
import struct
import sys

KERNEL_BASE = 0xC0000000
DATA_MAGIC, TAG_FUNCTION, TAG_ARCS = 0x67636461, 0x01000000, 0x01A10000
MERGE_FUNCTIONS = {"B2": 8, "B3": 8}    # gcc 12 and 13: the size of an array in the middle of the structure

Function = collections.namedtuple("Function", "ident lines_checksum graph_checksum")


class Guest:
    """A guest's memory, by the addresses that the kernel uses."""

    def __init__(self, path):
        with path.open("rb") as file:
            self.memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def words(self, address, count):
        return struct.unpack_from(f"<{count}I", self.memory, address - KERNEL_BASE)

    def text(self, address):
        start = address - KERNEL_BASE
        return self.memory[start:self.memory.find(b"\0", start)].decode()

    def counters(self, address, count):
        return struct.unpack_from(f"<{count}Q", self.memory, address - KERNEL_BASE)


def merge_functions(version):
    name = struct.pack(">I", version).decode(errors="replace")
    if name[:2] not in MERGE_FUNCTIONS:
        sys.exit(f"coverage: counters of compiler version {name} are not known here; known: {', '.join(MERGE_FUNCTIONS)}")
    return MERGE_FUNCTIONS[name[:2]]


class Counters:
    """The sums over all guests that were added, by file and function."""

    def __init__(self):
        self.files = {}     # name of the .gcda file: (version, stamp, checksum), {Function: [counts]}

    def add(self, guest, section, size):
        for pointer in guest.words(section, size // 4):
            self.add_file(guest, pointer)

    def add_file(self, guest, address):
        version, _, stamp, checksum, name = guest.words(address, 5)
        merges = merge_functions(version)
        count, functions = guest.words(address + 4 * (5 + merges), 2)
        _, known = self.files.setdefault(guest.text(name), ((version, stamp, checksum), {}))
        for pointer in guest.words(functions, count):
            _, ident, lines, graph, arcs, values = guest.words(pointer, 6)
            sums = known.setdefault(Function(ident, lines, graph), [0] * arcs)
            for i, value in enumerate(guest.counters(values, arcs)):
                sums[i] += value

    def write(self):
        """Writes every .gcda file, beside the .gcno file of its object. Returns their names."""
        for name, (head, functions) in self.files.items():
            with open(name, "wb") as file:
                file.write(struct.pack("<4I", DATA_MAGIC, *head))
                for function, sums in functions.items():
                    file.write(struct.pack("<5I", TAG_FUNCTION, 12, *function))
                    file.write(struct.pack(f"<2I{len(sums)}Q", TAG_ARCS, 8 * len(sums), *sums))
        return sorted(self.files)
