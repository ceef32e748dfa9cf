#!/usr/bin/python3
"""Power cuts: the file-system tests change and sync a volume (tests/files/generations.c) while QEMU logs every write to its disk.
Disks as they could have been after a power cut are made from that log, mounted, and must then hold what one of the syncs left, as
a whole, and nothing older than the last one that had returned; and e2fsck finds nothing. test_power_cut.py tries a few;
`make power-cut CUTS=10000` tries many, and shows how far they are."""

import argparse
import collections
import itertools
import os
import pathlib
import random
import struct
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import boot
import storms
import trees

SECTOR = 512
USABLE, TAIL = 540, 20              # KiB at the beginning and the end of a file system of 1024
BEHIND = 4096                       # bytes of the disk behind the file system, for marks
MARK = b"MARK"
RECORD_AT, RECORD = SECTOR, struct.pack("<I", 0x4E525450)       # servers/ext2/commit.c
LOG_MAGIC, LOG_FLUSH, LOG_FUA, LOG_DISCARD = 0x6A736677736872, 1, 2, 4
AT_ONCE = 8                         # volumes that ext2 mounts
SHOWN_EVERY = 5                     # seconds

QEMU = "qemu-system-i386"
Disk = collections.namedtuple("Disk", "machine device")
DISKS = {
    "virtio": Disk("pc", "virtio-blk-pci,disable-legacy=on"),
    "ide": Disk("pc", "ide-hd,bus=ide.0"),
    "ahci": Disk("q35", "ide-hd,bus=ide.0"),
}
# What becomes of writes that no flush has followed: all are on the disk; each is there or not; each of their sectors is.
KINDS = ["kept", "lost", "torn"]

Entry = collections.namedtuple("Entry", "sector data flush")    # of the log; data is empty if it only is a flush
Recording = collections.namedtuple("Recording", "base entries trees")   # trees: of each generation, as lines
Job = collections.namedtuple("Job", "name image least most")    # which generations the image may hold


# ---- the log: that of Linux's dm-log-writes ----

def entry_at(log, at):
    """The entry, and where the next one begins."""
    sector, count, flags, _ = struct.unpack_from("<4Q", log, at)
    assert not flags & (LOG_FUA | LOG_DISCARD), "nobody asks for these"
    end = at + SECTOR + count * SECTOR
    return Entry(sector, log[at + SECTOR:end], bool(flags & LOG_FLUSH)), end


def read_log(path):
    log, entries, at = path.read_bytes(), [], SECTOR
    if not log:
        return []
    magic, version, count, size = struct.unpack_from("<3QI", log)
    assert (magic, version, size) == (LOG_MAGIC, 1, SECTOR)
    while len(entries) < count:
        entry, at = entry_at(log, at)
        entries.append(entry)
    return entries


def logged(number, device, image, log):
    """QEMU's arguments for a disk whose writes go to the log as well."""
    log.write_bytes(b"")
    return ["-blockdev", f"driver=file,node-name=file{number},filename={image}",
            "-blockdev", f"driver=file,node-name=log{number},filename={log}",
            "-blockdev", f"driver=blklogwrites,node-name=disk{number},file=file{number},log=log{number},log-sector-size={SECTOR}",
            "-device", f"{device},drive=disk{number}"]


# ---- recording ----

def start(folder, build, qemu, test, mounts, **options):
    listing = storms.fill_list(folder / "system.toml", storms.LIST.read_text(), test=test, mounts=mounts, place="/", kills=0,
                               quota=storms.MEMORY * 256)
    result = boot.run(build=str(build), qemu=qemu, list=listing, memory=storms.MEMORY, timeout=120, **options)
    assert result.code == 0, result.serial[-2000:] + result.log
    return result.serial


def split(serial, heading):
    """What the guest printed of trees, one after the other."""
    return [tuple(trees.lines_of(part)) for part in serial.split(f"{heading}: ")[1:]]


def make_image(folder):
    """Much of it counts as bad, and ext2 looks for room from the tail on: what is put aside soon lies where files were."""
    for name in "ab":
        (folder / "root" / name).mkdir(parents=True)
    bad = folder / "bad"
    bad.write_text("".join(f"{block}\n" for block in range(USABLE, 1024 - TAIL)))
    image = trees.make_image(folder / "volume", 1, folder / "root", 1024, options=["-l", bad])
    os.truncate(image, os.path.getsize(image) + BEHIND)
    return image


def log_of(folder, disk, image, build, qemu, test, mounts="/=ext2:disk0,/tmp=memoryfs:"):
    """Runs a test, and returns the disk before, what was written to it, and what the guest printed."""
    base, log = image.read_bytes(), folder / "log"
    serial = start(folder, build, qemu, test, mounts, machine=disk.machine, extra=logged(0, disk.device, image, log))
    return base, read_log(log), serial


def record(folder, disk, build, qemu=QEMU):
    folder.mkdir()
    image = make_image(folder)
    base, entries, serial = log_of(folder, disk, image, build, qemu, "generations", "/=ext2:disk0")
    assert trees.check(image) == ""
    return Recording(base, entries, split(serial, "generation"))


# ---- cutting ----

def is_mark(entry):
    return entry.data.startswith(MARK)


def positions(entries):
    """How many entries of the log may have been there: the last one of them is a write to the file system."""
    return [i + 1 for i, entry in enumerate(entries) if entry.data and not is_mark(entry)]


def acknowledged(entries):
    """The last generation whose sync had returned."""
    return max([struct.unpack_from("<I", entry.data, len(MARK))[0] for entry in entries if is_mark(entry)], default=0)


def put(image, entry, kind, chance):
    """Writes the entry, or what is left of it."""
    size = SECTOR if kind == "torn" else max(len(entry.data), 1)
    for at in range(0, len(entry.data), size):
        if kind == "kept" or chance.random() < 0.5:
            image[entry.sector * SECTOR + at:entry.sector * SECTOR + at + size] = entry.data[at:at + size]


def cut(base, entries, kind, chance):
    """The disk after these entries; those behind the last flush may be there or not."""
    image = bytearray(base)
    flushed = max([i for i, entry in enumerate(entries) if entry.flush], default=0)
    for i, entry in enumerate(entries):
        put(image, entry, "kept" if i < flushed else kind, chance)
    return bytes(image)


def job_at(recording, place, kind, chance):
    """The next generation may already be there, as its sync need not have returned."""
    entries = recording.entries[:place]
    least = acknowledged(entries)
    return Job(f"{kind} at {place} of {len(recording.entries)}", cut(recording.base, entries, kind, chance), least, least + 1)


def cuts(recording, count, seed=1):
    """Jobs: one of each of so many parts of the log, each kind in turn."""
    places = positions(recording.entries)
    for i in range(count):
        chance = random.Random(f"{seed} {i}")
        yield job_at(recording, places[int((i + chance.random()) * len(places) / count)], KINDS[i % len(KINDS)], chance)


# ---- judging ----

def has_record(image):
    return image[RECORD_AT:RECORD_AT + len(RECORD)] == RECORD


class Judge:
    """Mounts disks, several at once, and says what is wrong with them. Where a mount had something to finish, its own writes
    are cut as well, and the next mount must find the same generation."""

    def __init__(self, folder, build, recording, seed=1, qemu=QEMU):
        self.folder, self.build, self.seed, self.qemu = folder, build, seed, qemu
        self.generations = {tree: number for number, tree in enumerate(recording.trees)}
        self.tried = self.finished = self.cut_again = 0
        self.wrong = []                 # (job, what)

    def __str__(self):
        return (f"{self.tried} disks: {self.finished} had something to finish, {self.cut_again} of them cut again meanwhile; "
                f"{len(self.wrong)} faults")

    def check(self, job, when, image):
        said = trees.check(image)
        if said:
            self.wrong.append((job, f"e2fsck, {when} it was mounted: {said}"))

    def check_tree(self, job, tree):
        """The generation that the volume holds, or None."""
        generation = self.generations.get(tree)
        if generation is None:
            self.wrong.append((job, "it holds what no sync left"))
        elif not job.least <= generation <= job.most:
            self.wrong.append((job, f"it holds generation {generation}, not {job.least} to {job.most}"))
        return generation

    def again(self, job, log, generation):
        """The job that a power cut during this mount leaves, if the mount wrote anything."""
        entries = read_log(log)
        places = positions(entries)
        self.finished += bool(places)
        if generation is None or not places or job.least == job.most:
            return []
        self.cut_again += 1
        chance = random.Random(f"{self.seed} {job.name}")
        place, kind = chance.choice(places), chance.choice(KINDS)
        return [Job(f"{job.name}, mounted, {kind} at {place} of {len(entries)}", cut(job.image, entries[:place], kind, chance),
                    generation, generation)]

    def mount(self, jobs):
        """Boots with all these disks, and returns what they hold."""
        extra = []
        for i, job in enumerate(jobs):
            self.disk(i).write_bytes(job.image)
            if not has_record(job.image):       # no sync is under way, so there is nothing to finish
                self.check(job, "before", self.disk(i))
            extra += logged(i, DISKS["virtio"].device, self.disk(i), self.log(i))
        mounts = ",".join(["/=memoryfs:"] + [f"/{i}=ext2:disk{i}" for i in range(len(jobs))])
        held = split(start(self.folder, self.build, self.qemu, "volumes", mounts, extra=extra), "volume")
        assert len(held) == len(jobs)
        return held

    def disk(self, number):
        return self.folder / f"disk-{number}"

    def log(self, number):
        return self.folder / f"log-{number}"

    def judge(self, jobs):
        """At most AT_ONCE; returns those that come out of their mounts."""
        further = []
        for i, (job, tree) in enumerate(zip(jobs, self.mount(jobs))):
            self.tried += 1
            self.check(job, "after", self.disk(i))
            further += self.again(job, self.log(i), self.check_tree(job, tree))
        return further

    def judge_all(self, jobs, show=lambda: None):
        jobs, waiting = iter(jobs), []
        while waiting := waiting + list(itertools.islice(jobs, max(0, AT_ONCE - len(waiting)))):
            waiting = waiting[AT_ONCE:] + self.judge(waiting[:AT_ONCE])
            show()
        return self


# ---- make power-cut ----

def shown(name, judge):
    """Prints how far it is, now and then."""
    began = last = time.monotonic()

    def show(always=False):
        nonlocal last
        now = time.monotonic()
        if always or now - last >= SHOWN_EVERY:
            print(f"{name}: {now - began:7.1f} s  {judge}", flush=True)
            last = now
    return show


def keep(name, judge, folder):
    """The disks that came out wrong, as they were before they were mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, (job, what) in enumerate(judge.wrong):
        path = folder / f"{name}-{i}.img"
        path.write_bytes(job.image)
        print(f"{path}: {job.name}: {what}")


def run(name, folder, arguments):
    """True if all was in order."""
    recording = record(folder / "recording", DISKS[name], arguments.build, arguments.qemu)
    writes = len(positions(recording.entries))
    print(f"{name}: {len(recording.trees) - 1} syncs, {writes} writes, {len(recording.entries)} entries of the log", flush=True)
    judge = Judge(folder, arguments.build, recording, arguments.seed, arguments.qemu)
    show = shown(name, judge)
    judge.judge_all(cuts(recording, arguments.cuts, arguments.seed), show)
    show(always=True)
    if judge.wrong:
        keep(name, judge, arguments.keep)
    return not judge.wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--qemu", default=QEMU)
    parser.add_argument("--cuts", type=int, default=300, help="on each kind of disk, default %(default)s; mounts that are "
                        "cut come on top. Three times as many as there are writes: each in each way")
    parser.add_argument("--seed", type=int, default=1, help="which of the latest writes are lost; default %(default)s")
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("build/power-cuts"),
                        help="where disks go that come out wrong; default %(default)s")
    parser.add_argument("disks", nargs="*", default=list(DISKS), help=f"of {', '.join(DISKS)}; default: all")
    arguments = parser.parse_args()
    failed = 0
    for name in arguments.disks:
        with tempfile.TemporaryDirectory() as folder:
            failed += not run(name, pathlib.Path(folder), arguments)
    return failed


if __name__ == "__main__":
    sys.exit(main())
