#!/usr/bin/python3
"""Kill storms: a service is killed again and again under load (tests/files/restarts.c). test_file_systems.py runs small ones;
`make storm KILLS=10000 VICTIMS="block ext2"` runs large ones, and shows how far they are."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import boot
import trees

LIST = ROOT / "tests" / "files" / "system.toml"
DISK = ["-drive", "file={image},format=raw,if=none,id=d", "-device", "virtio-blk-pci,drive=d,disable-legacy=on"]
COPY = "copy"                       # the block driver, while a tree is copied
VICTIMS = ["block", "pci", "ext2", "memoryfs", "bootfs", "vfs", "rtc", "log"]
MAY_FAIL = ("ext2", "vfs", "memoryfs")  # calls may, when one of these ends
MEMORY = 64
PROGRAM, HEAP = "file-tests", 16    # KiB that its C library's heap may find later that it needs: two things at once were seldom
MORE_SERVICES = """\
[log]
workers = 4
restart = "always"

[rtc]
ports = ["0x70-0x71"]
uses = ["log"]
restart = "always"

"""


def at_once(listing):
    """Every service is there, and starts again however often it ends."""
    text = MORE_SERVICES + listing.replace("[ext2]", '[ext2]\nuses = ["rtc"]').replace("[memoryfs]", '[memoryfs]\nuses = ["rtc"]')
    return text.replace('restart = "always"', 'restart = "at-once"')


def fill_list(path, text, **values):
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    path.write_text(text)
    return str(path)


def prepare(folder, victim, kills):
    """A disk image, and the system list."""
    root = folder / "root"
    for name in ("tmp", "boot"):
        (root / name).mkdir(parents=True)
    if victim == COPY:
        trees.make_small(root / "tree")
    image = trees.make_image(folder / "disk", 32, root, 1024)
    mounts = "/=ext2:disk0" if victim == COPY else "/=ext2:disk0,/tmp=memoryfs:,/boot=bootfs:"
    test, place = ("copies", "block") if victim == COPY else ("restarts", victim)
    listing = fill_list(folder / "system.toml", at_once(LIST.read_text()), test=test, place=place, mounts=mounts, kills=kills,
                        quota=MEMORY * 256)
    return image, listing


def disk_of(image):
    return [word.format(image=image) for word in DISK]


# ---- judging ----

def said(serial):
    """What the test program printed, with and without the log service."""
    return re.sub(r"^\[ *\d+\.\d{6}\] file-tests: ", "", serial, flags=re.M)


def check_counts(serial, victim, kills):
    assert re.search(rf"^killed: {kills} times, {kills} restarts$", serial, re.M), serial[-500:]
    failed = int(re.search(r"^calls: \d+, (\d+) failed$", serial, re.M)[1])
    assert victim in MAY_FAIL or failed == 0, f"{failed} calls failed"
    assert "left: 0 threads, 0 processes" in serial
    memory = {name: (int(before), int(after)) for name, before, after
              in re.findall(r"^memory: (\S+) (\d+) -> (\d+) KiB$", serial, re.M)}
    assert {"vfs", "ext2", "block", "pci", "memoryfs", "log", "rtc"} <= set(memory)
    for name, (before, after) in memory.items():
        assert after <= before + (HEAP if name == PROGRAM else 0), f"{name} grew from {before} to {after} KiB"


def check_copies(serial, folder, image):
    tree = folder / "root" / "tree"
    expected = sum((trees.lines(tree, f"/{name}") for name in ("tree", "copy-0", "copy-1")), [])
    assert set(expected) <= set(trees.lines_of(serial))
    for name in ("copy-0", "copy-1"):
        assert trees.lines(trees.take_out(image, f"/{name}", folder / "out")) == trees.lines(tree)


def judge(folder, victim, kills, image, serial):
    """The counts are right, the disk is in order, and holds what the guest says."""
    serial = said(serial)
    check_counts(serial, victim, kills)
    assert trees.check(image) == ""
    if victim == COPY:
        return check_copies(serial, folder, image)
    kept = {line for line in trees.lines_of(serial) if line[0] == "F"}
    assert len(kept) > 20 and kept <= set(trees.lines(trees.take_out(image, "/k", folder / "out"), "/k"))


# ---- make storm ----

def run_and_show(options, victim):
    """What the guest wrote; the lines that say how far it is are shown as they come."""
    began, text = time.monotonic(), []
    process = subprocess.Popen(boot.qemu_command(options, "stdio"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            text.append(line.replace("\r", ""))
            if re.match(r"\d+ kills|FAILED|calls:|rounds:", said(text[-1])):
                print(f"{victim}: {time.monotonic() - began:7.1f} s  {said(text[-1])}", end="", flush=True)
        process.wait()
    finally:
        process.kill()
    assert process.returncode == 1, "".join(text)[-2000:] # which is code 0, by isa-debug-exit
    return "".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--qemu", default="qemu-system-i386")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("victims", nargs="*", default=[COPY] + VICTIMS)
    arguments = parser.parse_args()
    for victim in arguments.victims:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            image, listing = prepare(folder, victim, arguments.kills)
            compiled = boot.prepare_list(listing, arguments.build, folder / "system.list")
            options = boot.default_options(build=arguments.build, qemu=arguments.qemu, list=compiled, memory=MEMORY,
                                           extra=disk_of(image))
            judge(folder, victim, arguments.kills, image, run_and_show(options, victim))
            print(f"{victim}: {arguments.kills} kills, all in order")


if __name__ == "__main__":
    main()
