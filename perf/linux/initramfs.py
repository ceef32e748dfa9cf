#!/usr/bin/python3
"""Makes the initramfs of the Linux that is compared: init, the benchmark, and the modules for the disk, if it wants one, in the
order of dependencies."""

import argparse
import pathlib
import re
import sys

# The disk, its file system (Debian's ext4 serves ext2 as well), and a checksum that ext4 asks for by another name.
WANTED = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]
FOLDER, PROGRAM = 0o040755, 0o100755


def in_order(folder, wanted):
    """The module files, each behind those that it depends on, as its own .modinfo section names them."""
    files = {path.stem.replace("-", "_"): path for path in folder.rglob("*.ko")}
    found = []

    def add(name):
        if name not in files:
            sys.exit(f"perf/linux/initramfs.py: {folder} has no module {name}: remove that folder's parent and run make again")
        if files[name] in found:
            return
        depends = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes()).group(1).decode()
        for other in filter(None, depends.split(",")):
            add(other.replace("-", "_"))
        found.append(files[name])

    for name in wanted:
        add(name)
    return found


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def member(number, name, mode, data=b""):
    """One file of a cpio archive, format newc: 13 hexadecimal fields behind the magic number."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(head + name.encode() + b"\0") + padded(data)


def archive(members):
    written = [member(number, *entry) for number, entry in enumerate(members, 1)]
    return b"".join(written) + member(0, "TRAILER!!!", 0)


def disk_members(folder):
    """What a program with a disk needs."""
    names = [(name, FOLDER) for name in ("disk", "modules")]
    return names + [(f"modules/{number:02}-{path.name}", PROGRAM, path.read_bytes())
                    for number, path in enumerate(in_order(folder, WANTED))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=pathlib.Path, help="folder with the kernel's modules; without it there will be no disk")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("programs", type=pathlib.Path, nargs="+", help="static programs for the root folder: init, files")
    options = parser.parse_args()
    members = [("dev", FOLDER)] + [(program.name, PROGRAM, program.read_bytes()) for program in options.programs]
    members += disk_members(options.modules) if options.modules else []
    options.output.write_bytes(archive(members))


if __name__ == "__main__":
    main()
