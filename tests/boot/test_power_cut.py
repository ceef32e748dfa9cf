"""The power is cut at logged writes: does each disk then hold what one sync left, whole, and not an older one than had returned?
And is it noticed where a disk does not? By hand, at more of them: make power-cut CUTS=..."""

import functools
import pathlib
import random
import re
import struct

import pytest

import power_cuts
import trees

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
VIRTIO = power_cuts.DISKS["virtio"]
CUTS = 24               # on each kind of disk
FULL_CUTS = 60          # on the full one
BLOCK = 1024
GROUP_DESCRIPTORS, STATE, STATE_VALID = 2048, 1024 + 58, 1     # bytes from the volume's beginning; a bit


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return functools.cache(lambda name: power_cuts.record(tmp_path_factory.mktemp("power") / name, power_cuts.DISKS[name], BUILD))


def judged(folder, recording, jobs):
    return power_cuts.Judge(folder, BUILD, recording).judge_all(jobs)


def is_record(entry):
    return entry.sector == 1 and entry.data.startswith(power_cuts.RECORD)


def records(recording):
    """Where in the log there are records: one for each sync."""
    return [i for i, entry in enumerate(recording.entries) if is_record(entry)]


def letter(entry):
    if not entry.data:
        return "F"
    if power_cuts.is_mark(entry):
        return "M"
    return "R" if is_record(entry) else "W" if entry.sector == 1 else "p"


# ---- what must hold ----

@pytest.mark.parametrize("name", power_cuts.DISKS)
def test_flushes_come_in_time(name, recorded):
    """Pages put aside, the record, pages at home, the record wiped: none of them may overtake the one before."""
    recording = recorded(name)
    syncs = "".join(map(letter, recording.entries)).split("M")
    assert len(syncs) == len(recording.trees) - 1 > 40
    assert all(re.fullmatch("p+FRFp+FWF", sync) for sync in syncs)


@pytest.mark.parametrize("name", power_cuts.DISKS)
def test_cuts(name, recorded, tmp_path):
    recording = recorded(name)
    judge = judged(tmp_path, recording, power_cuts.cuts(recording, CUTS))
    assert judge.wrong == [] and judge.finished > CUTS // 4 and judge.cut_again > 0
    assert judge.tried == CUTS + judge.cut_again


def blocks_in_use(image):
    """Those of 1 KiB, of the only group, that the bitmap on the disk names."""
    bitmap = struct.unpack_from("<I", image, GROUP_DESCRIPTORS)[0] * BLOCK
    return {block for block in range(1, len(image) // BLOCK) if image[bitmap + (block - 1) // 8] >> (block - 1) % 8 & 1}


def blocks_of(entry):
    first = entry.sector * power_cuts.SECTOR // BLOCK
    return range(first, first + len(entry.data) // BLOCK)


def test_what_is_put_aside_overwrites_nothing(recorded):
    """Not even files that are gone since the last sync: without the record, that one still counts."""
    recording = recorded("virtio")
    image, kept, aside, all_aside = bytearray(recording.base), blocks_in_use(recording.base), set(), set()
    for entry in recording.entries:
        power_cuts.put(image, entry, "kept", None)
        aside |= set(blocks_of(entry))
        if is_record(entry):
            assert not aside & kept
            all_aside |= aside
        elif power_cuts.is_mark(entry):
            kept, aside = blocks_in_use(image), set()
    assert len(all_aside) > power_cuts.USABLE // 3


def states(entries):
    """Of all superblocks that were written: does each say that nothing is wrong with the volume?"""
    for entry in entries:
        at = STATE - entry.sector * power_cuts.SECTOR
        if 0 <= at < len(entry.data):
            yield bool(entry.data[at] & STATE_VALID)


def test_what_does_not_fit_into_a_commit_goes_in_several(tmp_path):
    """A tree of more than 4 MiB is written, with no sync asked for. Groups that it does not reach stay as they are."""
    image = trees.make_image(tmp_path / "disk", 256, None, 1024)
    _, entries, serial = power_cuts.log_of(tmp_path, VIRTIO, image, BUILD, power_cuts.QEMU, "write")
    assert "errors: 0" in serial
    assert sum(map(is_record, entries)) > 1 and all(states(entries))
    last_group = 31 * 8192 * BLOCK // power_cuts.SECTOR
    assert max(entry.sector for entry in entries) < last_group


def test_a_disk_too_full_for_a_commit_says_so(tmp_path):
    """What goes piece by piece may be incomplete only while the superblock tells e2fsck to look at it."""
    image = trees.make_image(tmp_path / "disk", 8, None, 1024)
    base, entries, serial = power_cuts.log_of(tmp_path, VIRTIO, image, BUILD, power_cuts.QEMU, "damage")
    assert "try: fill: No space left on device" in serial and not all(states(entries))
    places, incomplete = power_cuts.positions(entries), 0
    for i in range(FULL_CUTS):
        disk = power_cuts.cut(base, entries[:places[i * len(places) // FULL_CUTS]], power_cuts.KINDS[i % 3], random.Random(i))
        image.write_bytes(disk)
        if not power_cuts.has_record(disk) and trees.check(image):
            incomplete += 1
            assert not disk[STATE] & STATE_VALID
    assert incomplete


# ---- whether it would be noticed ----

def test_flushes_that_never_come_are_noticed(recorded, tmp_path):
    recording = recorded("virtio")
    without = recording._replace(entries=[entry for entry in recording.entries if not entry.flush])
    jobs = [power_cuts.job_at(without, len(without.entries) - i, "lost", random.Random(i)) for i in range(4)]
    assert {job for job, _ in judged(tmp_path, recording, jobs).wrong} == set(jobs)


def test_an_old_generation_is_noticed(recorded, tmp_path):
    """All is in order, but a sync that had returned is not there."""
    recording = recorded("virtio")
    place = records(recording)[10] - 1
    job = power_cuts.job_at(recording, place, "kept", None)
    judge = judged(tmp_path, recording, [job, job._replace(least=job.least + 1, most=job.most + 1)])
    assert [what for _, what in judge.wrong] == [f"it holds generation {job.least}, not {job.least + 1} to {job.most + 1}"]


def test_missing_records_are_noticed(recorded, tmp_path):
    """The power is cut behind the first pages that go home, and the record is not there."""
    recording, jobs = recorded("virtio"), []
    for record in records(recording)[8::5]:
        place = next(place for place in power_cuts.positions(recording.entries) if place > record + 1)
        job = power_cuts.job_at(recording, place, "kept", None)
        jobs.append(job._replace(image=job.image[:power_cuts.RECORD_AT] + bytes(512) + job.image[power_cuts.RECORD_AT + 512:]))
    assert {job for job, _ in judged(tmp_path, recording, jobs).wrong} == set(jobs)
