"""Files through five processes - program, VFS, ext2, block driver, PCI - on every kind of disk, whole, damaged and full."""

import collections
import json
import pathlib
import re
import shutil
import socket
import struct
import threading
import time

import pytest

import boot
import storms
import trees

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"

Disk = collections.namedtuple("Disk", "name machine devices", defaults=["pc", []])
DISKS = [
    Disk("virtio", devices=["-device", "virtio-blk-pci,drive=d,disable-legacy=on"]),
    Disk("virtio-legacy", devices=["-device", "virtio-blk-pci,drive=d,disable-modern=on"]),
    Disk("ide", devices=["-device", "ide-hd,drive=d,bus=ide.0"]),
    Disk("q35-virtio", "q35", ["-device", "virtio-blk-pci,drive=d"]),
    Disk("q35-ahci", "q35", ["-device", "ide-hd,drive=d,bus=ide.0"]),
]
VIRTIO = DISKS[0]


def names(disks):
    return [disk.name for disk in disks]


def system(folder, change, **values):
    """The system list, changed by this function, with these values in it."""
    return storms.fill_list(folder / "system.toml", change(storms.LIST.read_text()), **values)


def start(folder, disk, image, test, mounts="/=ext2:disk0,/tmp=memoryfs:,/boot=bootfs:", place="/s", memory=64, drive=None,
          timeout=60, kills=20, change=lambda listing: listing, **options):
    """Boots the test program with the image on that disk, and returns what it printed; it must end with 0."""
    drive = drive or ["-drive", f"file={image},format=raw,if=none,id=d"]
    listing = system(folder, change, test=test, mounts=mounts, place=place, quota=memory * 256, kills=kills)
    result = boot.run(build=str(BUILD), list=listing, machine=disk.machine, extra=drive + disk.devices if image else [],
                      timeout=timeout, memory=memory, **options)
    assert result.code == 0, result.serial[-3000:] + result.log
    return result.serial


# ---- reading ----

@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return trees.make(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def expected(tree):
    lines = trees.lines(tree)
    assert len(lines) > 500 and sum(int(line.split()[2]) for line in lines if line[0] == "F") > 64 * 2**20
    return lines


@pytest.fixture(scope="module", params=[(1024, "ext2"), (4096, "ext2"), (4096, "ext4")], ids=["1k", "4k", "ext4"])
def full_image(request, tree, tmp_path_factory):
    block, kind = request.param
    options = ["-O", "^has_journal"] if kind == "ext4" else []
    path = trees.make_image(tmp_path_factory.mktemp("image") / "disk", 96, tree, block, kind, options)
    yield path
    path.unlink()


@pytest.mark.parametrize("disk", DISKS, ids=names(DISKS))
def test_every_file_of_a_tree(disk, full_image, expected, tmp_path):
    serial = start(tmp_path, disk, full_image, "tree", timeout=120, mounts="/!=ext2:disk0")
    assert trees.lines_of(serial) == expected


def test_cached_data_costs_no_disk_access(full_image, tmp_path):
    serial = start(tmp_path, VIRTIO, full_image, "cached", place="/large-3", mounts="/!=ext2:disk0")
    before, once, often = (int(calls) for calls in re.findall(r"^block: (\d+) calls$", serial, re.M))
    assert before < once == often


# ---- writing ----

@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return trees.lines(trees.write(tmp_path_factory.mktemp("written") / "w"), "/w")


@pytest.mark.parametrize("block,kind", [(1024, "ext2"), (4096, "ext2"), (4096, "ext4")], ids=["1k", "4k", "ext4"])
@pytest.mark.parametrize("disk", [DISKS[0], DISKS[2], DISKS[4]], ids=names([DISKS[0], DISKS[2], DISKS[4]]))
def test_a_tree_written(disk, block, kind, written, tmp_path):
    options = ["-O", "^has_journal"] if kind == "ext4" else []
    image = trees.make_image(tmp_path / "disk", 32, None, block, kind, options)
    serial = start(tmp_path, disk, image, "write", timeout=120)
    assert "errors: 0" in serial
    assert trees.lines_of(serial) == written
    assert trees.lines(trees.take_out(image, "/w", tmp_path / "out"), "/w") == written
    assert trees.check(image) == ""


IN_PIECES = "too little is free to sync it as a whole"


def test_a_volume_of_many_groups_is_synced_as_a_whole(tmp_path):
    """Their bitmaps are more than fit into one sync, and into the cache beside what is written."""
    image = trees.make_image(tmp_path / "disk", 700, None, 4096, "ext2", ["-g", 256, "-N", 11200])
    serial = start(tmp_path, VIRTIO, image, "write", timeout=120)
    assert "errors: 0" in serial and IN_PIECES not in serial
    assert trees.check(image) == ""


# ---- many at once ----

@pytest.mark.parametrize("place", ["/s", "/tmp/s"], ids=["ext2", "memoryfs"])
def test_sixteen_programs_at_once(place, tmp_path):
    image = trees.make_image(tmp_path / "disk", 32, None, 1024)
    serial = start(tmp_path, VIRTIO, image, "storm", place=place, timeout=120, memory=176)
    assert "storm: 16 programs, 0 failed, 0 threads made beside theirs" in serial
    assert trees.check(image) == ""


@pytest.mark.parametrize("what,mounts", [
    ("listed", "/=ext2:disk0"),
    ("unmounted", "/=memoryfs:,/m=ext2:disk0"),
    ("mounted", "/=memoryfs:,/m=ext2:disk0"),
    ("shortened", "/=ext2:disk0,/boot=bootfs:"),
], ids=["listed", "unmounted", "mounted", "shortened"])
def test_two_at_once(what, mounts, tmp_path):
    image = trees.make_image(tmp_path / "disk", 32, None, 1024)
    assert f"together: {what}: done" in start(tmp_path, VIRTIO, image, "together", place=what, mounts=mounts)
    assert trees.check(image) == ""


def test_no_service_grows(tmp_path):
    image = trees.make_image(tmp_path / "disk", 32, None, 1024)
    serial = start(tmp_path, VIRTIO, image, "growth", timeout=120)
    found = re.findall(r"^memory: (\S+) (\d+) -> (\d+) KiB, (\d+) calls$", serial, re.M)
    services = {name: (int(before), int(after), int(calls)) for name, before, after, calls in found}
    assert {"vfs", "ext2", "block", "pci", "memoryfs"} <= set(services)
    for name, (before, after, _) in services.items():
        assert before == after, f"{name} grew from {before} to {after} KiB"
    assert services["vfs"][2] > 10_000 and services["ext2"][2] > 10_000


def test_block_driver_killed_while_files_are_read(full_image, expected, tmp_path):
    serial = start(tmp_path, VIRTIO, full_image, "kills", mounts="/!=ext2:disk0", place="block", timeout=120)
    assert re.search(r"^killed: [4-9] times, [4-9] restarts$", serial, re.M), serial[-500:]
    assert trees.lines_of(serial) == expected


# ---- kills ----

KILLS = 20
KILLS_OF_COPIES = 100


def test_open_files_and_mounts_outlive_their_file_system(tmp_path):
    """One file without a name is left to e2fsck: it was open when its file system ended."""
    folder = tmp_path / "small"
    for name in ("tmp", "boot"):
        (folder / name).mkdir(parents=True)
    image = trees.make_image(tmp_path / "disk", 32, folder, 1024)
    assert "lives: done" in start(tmp_path, VIRTIO, image, "lives", change=storms.at_once)
    found = re.findall(r"^(.+)\.  \w+\? yes$", trees.repair(image), re.M)
    assert len(found) == 1 and re.fullmatch(r"Deleted inode \d+ has zero dtime", found[0])


@pytest.mark.parametrize("victim", [storms.COPY] + storms.VICTIMS)
def test_a_service_killed_under_load(victim, tmp_path):
    kills = KILLS_OF_COPIES if victim == storms.COPY else KILLS
    image, listing = storms.prepare(tmp_path, victim, kills)
    result = boot.run(build=str(BUILD), list=listing, extra=storms.disk_of(image), timeout=120, memory=storms.MEMORY)
    assert result.code == 0, result.serial[-3000:] + result.log
    storms.judge(tmp_path, victim, kills, image, result.serial)


# ---- requests whose ground moves ----

SLOW = """[slowfs]
program = "file-tests"
quota = 2048
workers = 4
restart = "at-once"
arguments = { slow = 1 }

[vfs]
uses = ["log"]
"""


def with_slow(listing):
    return storms.at_once(listing).replace("[vfs]\n", SLOW).replace('calls = ["ext2"', 'calls = ["slowfs", "ext2"')


def test_mounts_and_file_systems_go_between_two_steps_of_a_request(tmp_path):
    serial = start(tmp_path, VIRTIO, None, "races", mounts="/=memoryfs:", change=with_slow)
    assert "races: done" in serial
    assert len(re.findall(r"^\[.*\] vfs: slowfs was started again$", serial, re.M)) == 2 # by the log


@pytest.mark.parametrize("service", ["memoryfs", "ext2"])
def test_two_clients_of_a_file_system(service, tmp_path):
    """Nodes are known by their generation, and volumes end with the session that has mounted them."""
    images = [trees.make_image(tmp_path / name, 8, None, 1024) for name in ("disk0", "disk1")]
    drives = sum((["-drive", f"file={image},format=raw,if=virtio"] for image in images), [])
    mounts = f"/=memoryfs:,/m={service}:disk0"
    assert "protocol: done" in start(tmp_path, VIRTIO._replace(devices=[]), images[0], "protocol", mounts=mounts, place=service,
                                     drive=drives)
    assert [trees.check(image) for image in images] == ["", ""]


def test_a_vfs_waits_until_the_one_before_it_has_ended(tmp_path):
    """Its last request lasts longer than anybody waits for it; meanwhile "/" is still mounted for it."""
    serial = start(tmp_path, VIRTIO, None, "patience", mounts="/=slowfs:", change=with_slow)
    assert "patience: done" in serial and "/ is in memory" not in serial


# ---- damage ----

def alive(serial):
    """Every service runs, and none was started again."""
    states = re.findall(r"^service: (?!file-tests)(\S+) state (\d), (\d+) restarts$", serial, re.M)
    assert len(states) > 5 and all(state == "2" and restarts == "0" for _, state, restarts in states), states
    assert "try: write in memory: done" in serial
    return serial


def destroy(image, offset, data):
    with open(image, "r+b") as file:
        file.seek(offset)
        file.write(data)


def small_tree(folder):
    for i in range(20):
        (folder / f"d{i}").mkdir(parents=True)
        (folder / f"d{i}" / "f").write_bytes(bytes([i]) * 9000)
    for name in ("tmp", "boot"):
        (folder / name).mkdir()
    return folder


def block_of(image, name, index=0):
    """Where a block of what has this name lies."""
    return int(trees.run("debugfs", "-R", f"bmap {name} {index}", image))


def inode_place(image, name):
    text = trees.run("debugfs", "-R", f"imap {name}", image)
    found = re.search(r"located at block (\d+), offset 0x(\w+)", text)
    return int(found[1]) * 1024 + int(found[2], 16)


@pytest.fixture
def small_image(tmp_path):
    return trees.make_image(tmp_path / "disk", 8, small_tree(tmp_path / "small"), 1024)


@pytest.mark.parametrize("offset,data,says", [
    (1024 + 56, b"\0\0", "Bad magic number"),
    (1024 + 4, b"\xff" * 4, "disk0"),
    (1024 + 24, b"\xff" * 4, "disk0"),
    (1024 + 32, b"\0" * 8, "disk0"),
    (1024 + 96, b"\xff" * 4, "disk0"),
    (1024, b"\xff" * 1024, "Bad magic number"),
], ids=["magic", "blocks", "block-size", "groups", "features", "all"])
def test_damaged_superblock(offset, data, says, small_image, tmp_path):
    destroy(small_image, offset, data)
    serial = alive(start(tmp_path, VIRTIO, small_image, "damage"))
    assert re.search(rf"^ext2: .*{says}", serial, re.M), serial
    assert "vfs: cannot mount ext2:disk0 on /" in serial


def test_damaged_group_descriptors(small_image, tmp_path):
    destroy(small_image, 2048, b"\xff" * 1024)
    alive(start(tmp_path, VIRTIO, small_image, "damage"))


@pytest.mark.parametrize("data", [b"\xff" * 1024, b"\0" * 1024, b"\x05\0\0\0\x02\0\xff\x01" * 128],
                         ids=["ones", "zeros", "lengths"])
def test_damaged_directory(data, small_image, tmp_path):
    destroy(small_image, block_of(small_image, "/d7") * 1024, data)
    serial = alive(start(tmp_path, VIRTIO, small_image, "damage"))
    assert f"E I/O error {trees.short('/d7')}" in serial
    assert f"F {'0' * 0}" in serial and trees.line(tmp_path / "small/d8/f", "/d8/f") in serial


@pytest.mark.parametrize("what", ["block-pointers", "all"])
def test_damaged_inode(what, small_image, tmp_path):
    place = inode_place(small_image, "/d7/f")
    destroy(small_image, *((place + 40, b"\xf0" * 60) if what == "block-pointers" else (place, b"\xff" * 128)))
    serial = alive(start(tmp_path, VIRTIO, small_image, "damage"))
    assert re.search(rf"^E .* {trees.short('/d7/f')}$", serial, re.M), serial
    assert trees.line(tmp_path / "small/d8/f", "/d8/f") in serial


@pytest.mark.parametrize("disk", DISKS, ids=names(DISKS))
@pytest.mark.parametrize("event", ["read_aio", "write_aio"])
def test_disk_errors(disk, event, small_image, tmp_path):
    block = block_of(small_image, "/d7/f", 4) # which shares no page with another file
    node = (f"driver=raw,node-name=d0,file.driver=blkdebug,file.image.driver=file,file.image.filename={small_image},"
            f"file.inject-error.0.event={event},file.inject-error.0.errno=5,file.inject-error.0.iotype={event.split('_')[0]}" +
            (f",file.inject-error.0.sector={block * 2}" if event == "read_aio" else ""))
    devices = [word.replace("drive=d", "drive=d0") + (",rerror=report,werror=report" if "drive=d" in word else "")
               for word in disk.devices]
    serial = alive(start(tmp_path, disk._replace(devices=devices), small_image, "damage", drive=["-blockdev", node]))
    if event == "read_aio":
        assert f"E I/O error {trees.short('/d7/f')}" in serial
        assert trees.line(tmp_path / "small/d12/f", "/d12/f") in serial
    else:
        assert re.search(r"^try: (make a folder|create|fill|fsync|write again): I/O error$", serial, re.M), serial


# ---- the record of a sync, in sector 1 (servers/ext2/commit.c) ----

PAGE, RECORD, MAGIC = 4096, 512, 0x4E525450
PLACE = 2000            # a page of the small image that is free


def record(pairs, list_page, good=True):
    checksum = MAGIC + len(pairs)
    for i, (target, place) in enumerate(pairs):
        checksum = ((checksum ^ target ^ place << 7) * 2654435761 + i) & 0xFFFFFFFF
    return struct.pack("<5I", MAGIC, len(pairs), list_page, 0, checksum if good else checksum ^ 1)


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
def test_an_interrupted_sync_is_finished(good, small_image, tmp_path):
    """A page of a file was put aside, and the record says so: it goes where it belongs, unless the record is wrong."""
    block = block_of(small_image, "/d8/f", 4)
    page = bytearray(small_image.read_bytes()[block // 4 * PAGE:(block // 4 + 1) * PAGE])
    page[block % 4 * 1024:(block % 4 + 1) * 1024] = b"x" * 1024
    destroy(small_image, PLACE * PAGE, page)
    destroy(small_image, (PLACE + 1) * PAGE, struct.pack("<2I", block // 4, PLACE))
    destroy(small_image, RECORD, record([(block // 4, PLACE)], PLACE + 1, good))
    serial = start(tmp_path, VIRTIO, small_image, "tree")
    changed = bytearray(bytes([8]) * 9000)
    if good:
        changed[4096:5120] = b"x" * 1024
    (tmp_path / "changed").write_bytes(changed)
    assert trees.line(tmp_path / "changed", "/d8/f") in serial
    assert ("the record of an interrupted sync is damaged" in serial) == (not good)
    assert small_image.read_bytes()[RECORD:RECORD + 512] == bytes(512)
    assert trees.check(small_image) == ""


def failing(image, event, sector, flushes=0):
    """QEMU's arguments for a disk that fails when this sector is read, or written: always, or only after so many flushes."""
    file = {"driver": "blkdebug", "image.driver": "file", "image.filename": image, "inject-error.0.event": f"{event}_aio",
            "inject-error.0.iotype": event, "inject-error.0.errno": 5, "inject-error.0.sector": sector}
    if flushes:
        file["inject-error.0.state"] = flushes + 1
    for i in range(flushes):
        file |= {f"set-state.{i}.event": "flush_to_disk", f"set-state.{i}.state": i + 1, f"set-state.{i}.new_state": i + 2}
    return ["-blockdev", "driver=raw,node-name=d," + ",".join(f"file.{key}={value}" for key, value in file.items())]


REPORTING = VIRTIO._replace(devices=[VIRTIO.devices[0], VIRTIO.devices[1] + ",rerror=report,werror=report"])


def test_an_interrupted_sync_that_cannot_be_finished(small_image, tmp_path):
    """What was put aside cannot be read: nobody may have the volume until it can."""
    target = block_of(small_image, "/d8/f", 4) // 4
    page = small_image.read_bytes()[target * PAGE:(target + 1) * PAGE]
    destroy(small_image, PLACE * PAGE, page)
    destroy(small_image, (PLACE + 1) * PAGE, struct.pack("<2I", target, PLACE))
    destroy(small_image, RECORD, record([(target, PLACE)], PLACE + 1))
    before = small_image.read_bytes()
    serial = alive(start(tmp_path, REPORTING, small_image, "damage", drive=failing(small_image, "read", PLACE * PAGE // 512)))
    assert "ext2: disk0: an interrupted sync cannot be finished" in serial
    assert small_image.read_bytes() == before
    assert trees.line(tmp_path / "small/d8/f", "/d8/f") in start(tmp_path, VIRTIO, small_image, "tree")
    assert small_image.read_bytes()[RECORD:RECORD + 512] == bytes(512)


@pytest.mark.parametrize("where,flushes,new", [("home", 0, True), ("record", 0, False), ("record", 3, True)],
                         ids=["home", "record", "record-wiped"])
def test_a_sync_that_fails_half_way(where, flushes, new, small_image, tmp_path):
    """No more is done until the next mount, which finishes what was put aside, if the record says so. There is one flush each
    behind what is put aside, the record, and the pages that have gone home."""
    place = block_of(small_image, "/d8/f", 4) * 1024 if where == "home" else RECORD
    serial = start(tmp_path, REPORTING, small_image, "half-way", drive=failing(small_image, "write", place // 512, flushes),
                   place="/d8/f", mounts="/=memoryfs:,/m=ext2:disk0")
    assert "ext2: disk0: a sync failed" in serial
    assert re.findall(r"^try: (.+): (.+)$", serial, re.M) == [
        ("write", "done"), ("sync", "I/O error"), ("write again", "I/O error"), ("sync again", "I/O error"),
        ("make a folder", "I/O error"), ("read", "I/O error"), ("close", "done"), ("unmount", "done")]
    (tmp_path / "changed").write_bytes(b"n" * 9000 if new else bytes([8]) * 9000)
    assert (small_image.read_bytes()[RECORD:RECORD + 4] == struct.pack("<I", MAGIC)) == new
    assert trees.line(tmp_path / "changed", "/d8/f") in start(tmp_path, VIRTIO, small_image, "tree")
    assert trees.check(small_image) == ""


def tell_qemu(path, *commands):
    """QEMU's answers to commands of its machine protocol, each in the form that decides about the next one."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        answers = line.makefile()
        for command, arguments in (("qmp_capabilities", {}), *commands):
            line.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
            answer = next(found for found in map(json.loads, answers) if "return" in found or "error" in found)
            assert "return" in answer, answer
    return answer["return"]


def has_written(path):
    try:
        return tell_qemu(path, ("query-blockstats", {}))[0]["stats"]["wr_operations"] > 0
    except OSError: # QEMU is not there yet
        return False


def make_longer(path):
    """The guest's disk, once the guest has written to it."""
    while not has_written(path):
        time.sleep(0.1)
    tell_qemu(path, ("block_resize", {"device": "d", "size": 33 * 2**20}))


def test_another_disk_in_the_place_of_one(tmp_path):
    """The block driver is started again, and finds a disk of another size where the volume was."""
    image = trees.make_image(tmp_path / "disk", 32, None, 1024)
    drive = ["-drive", f"file={image},format=raw,if=none,id=d", "-qmp", f"unix:{tmp_path}/qmp,server,nowait"]
    host = threading.Thread(target=make_longer, args=[tmp_path / "qmp"], daemon=True)
    host.start()
    serial = start(tmp_path, VIRTIO, image, "other-disk", drive=drive, mounts="/=memoryfs:,/m=ext2:disk0", change=storms.at_once)
    host.join()
    assert "ext2: unit 0x0: it is not the disk that it was" in serial
    assert re.findall(r"^.*try: (.+): (.+)$", serial, re.M) == [
        ("sync", "I/O error"), ("close", "done"), ("unmount", "done"), ("mount", "done")]
    assert "errors: 0" in serial
    assert trees.check(image) == ""


def test_boot_loader_in_the_place_of_the_record(small_image, tmp_path):
    loader = bytes(range(256)) * 2
    destroy(small_image, RECORD, loader)
    serial = alive(start(tmp_path, VIRTIO, small_image, "damage"))
    assert "try: make a folder: done" in serial and "try: write again: done" in serial
    assert IN_PIECES in serial
    assert small_image.read_bytes()[RECORD:RECORD + 512] == loader
    assert trees.check(small_image) == ""


def test_full_disk(small_image, tmp_path):
    serial = alive(start(tmp_path, VIRTIO, small_image, "damage"))
    assert "try: fill: No space left on device" in serial
    assert "try: remove: done" in serial and "try: write again: done" in serial
    assert trees.check(small_image) == ""


def test_no_disk(tmp_path):
    serial = alive(start(tmp_path, VIRTIO, None, "damage"))
    assert "vfs: / is in memory, and empty" in serial


def test_no_pci(tmp_path):
    serial = alive(start(tmp_path, VIRTIO._replace(machine="isapc"), None, "damage", cpu="pentium2"))
    assert "vfs: / is in memory, and empty" in serial


def test_partition(tmp_path):
    """The second partition of a disk whose table is good; and one that is not there."""
    trees.make_image(tmp_path / "part", 8, small_tree(tmp_path / "small"), 1024)
    image = tmp_path / "disk"
    with open(image, "wb") as file:
        file.truncate(20 * 2**20)
    table = b"".join(bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + first.to_bytes(4, "little") + count.to_bytes(4, "little")
                     for first, count in ((2048, 4096), (8192, 16384)))
    destroy(image, 446, table + bytes(32) + b"\x55\xaa")
    destroy(image, 8192 * 512, (tmp_path / "part").read_bytes())
    serial = start(tmp_path, VIRTIO, image, "tree", mounts="/=ext2:disk0p2,/nothing=ext2:disk0p3,/tmp=memoryfs:")
    assert set(trees.lines(tmp_path / "small")) <= set(trees.lines_of(serial))
    assert "vfs: cannot mount ext2:disk0p3 on /nothing" in serial
