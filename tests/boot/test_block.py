"""The PCI and block services and devices of every kind that we drive: the host makes the disks and looks at them afterwards."""

import collections
import os
import pathlib
import re
import subprocess

import pytest

import boot
import disks
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
LIST = """\
[pci]
restart = "{restart}"
quota = 4096
priority = 20
ports = ["0-0xffff"]
irq = ["all"]
device-memory = ["all"]

[block]
quota = 4096
priority = 18
workers = 8
faults = "thread"
restart = "{restart}"
uses = ["pci"]
pci = ["class:0101", "class:0106", "1af4:1001", "1af4:1042"]
arguments = {block}
{victim}
[block-test]
quota = 4096
priority = {priority}
control = true
essential = true
uses = [{uses}]
pci = ["1234:11e8"]
arguments = {test}
"""
VICTIM = """
[victim]
program = "block-test"
quota = 512
priority = 17
uses = ["pci"]
pci = ["1234:11e8"]
arguments = { victim = 1 }
"""

Setup = collections.namedtuple("Setup", "name driver machine devices", defaults=["pc", ["-device", "virtio-blk-pci,drive=d"]])
ON_BRIDGE = ["-device", "pci-bridge,id=b1,chassis_nr=1", "-device", "pci-bridge,id=b2,bus=b1,chassis_nr=2"]
SETUPS = [
    Setup("virtio-legacy", "virtio-blk", devices=["-device", "virtio-blk-pci,drive=d,disable-modern=on"]),
    Setup("virtio-modern", "virtio-blk", devices=["-device", "virtio-blk-pci,drive=d,disable-legacy=on"]),
    Setup("virtio-behind-bridges", "virtio-blk", devices=ON_BRIDGE + ["-device", "virtio-blk-pci,drive=d,bus=b2,addr=3"]),
    Setup("ide-first", "ide", devices=["-device", "ide-hd,drive=d,bus=ide.0"]),
    Setup("ide-last", "ide", devices=["-device", "ide-hd,drive=d,bus=ide.1,unit=1"]),
    Setup("q35-virtio-legacy", "virtio-blk", "q35", ["-device", "virtio-blk-pci,drive=d,disable-modern=on"]),
    Setup("q35-virtio-root-port", "virtio-blk", "q35", ["-device", "pcie-root-port,id=b1,chassis=1",
                                                       "-device", "virtio-blk-pci,drive=d,bus=b1"]),
    Setup("q35-pci-bridge", "virtio-blk", "q35", ["-device", "pcie-pci-bridge,id=b1",
                                                 "-device", "pci-bridge,id=b2,bus=b1,chassis_nr=2,addr=1",
                                                 "-device", "virtio-blk-pci,drive=d,bus=b2,addr=3"]),
    Setup("q35-ahci", "ahci", "q35", ["-device", "ide-hd,drive=d,bus=ide.2"]),
]
FAILING = [SETUPS[0], SETUPS[1], SETUPS[3], SETUPS[-1]]


def table(words):
    """"key=value key=value" as TOML."""
    return "{ " + ", ".join(f'{key} = "{value}"' for key, value in (word.split("=") for word in words.split())) + " }"


def system_list(folder, test, block="", victim="", restart="always", priority=16):
    path = folder / "block.toml"
    uses = '"pci", "block"' + (', "victim"' if victim else "")
    path.write_text(LIST.format(block=table(block), victim=victim, test=table(test), uses=uses, restart=restart,
                                priority=priority))
    return str(path)


def run(folder, record_guest_cases, extra, test, block="", victim="", restart="always", priority=16, **options):
    result = boot.run(build=str(BUILD), list=system_list(folder, test, block, victim, restart, priority), extra=extra,
                      timeout=30, **options)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text + "\n" + result.serial + result.log
    return result.serial


def drive(path, options=""):
    return ["-drive", f"file={path},format=raw,if=none,id=d{options}"]


def units(serial):
    """number -> (first, sectors, name)"""
    found = re.findall(r'^unit 0x(\w+): \S+ first=(\d+) sectors=(\d+) read_only=\d name="(.*)" status=0$', serial, re.M)
    assert len(found) == int(re.search(r"^units: (\d+)$", serial, re.M)[1])
    return {int(number, 16): (int(first), int(sectors), name) for number, first, sectors, name in found}


@pytest.fixture(scope="module")
def pattern():
    return disks.pattern()


@pytest.fixture
def image(tmp_path, pattern):
    path = tmp_path / "disk"
    path.write_bytes(pattern)
    return path


def expected(pattern, first=0):
    image = bytearray(pattern)
    disks.put(image, first + disks.WRITE_FIRST, disks.written())
    return image


# ---- data ----

@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_data(setup, tmp_path, image, pattern, record_guest_cases):
    busy = drive(image, ",throttling.iops-total=3000") # so that requests meet each other
    serial = run(tmp_path, record_guest_cases, busy + setup.devices, "cases=data,bad", machine=setup.machine)
    assert f"disk 0: {setup.driver} " in serial
    at_once = int(re.search(r"at most (\d+) commands", serial)[1])
    print(f"{setup.name}: {at_once} commands with the device at once")
    assert at_once == 1 if setup.driver == "ide" else at_once > 1
    assert image.read_bytes() == expected(pattern), "the disk does not hold what the guest wrote"


def test_read_only(tmp_path, image, pattern, record_guest_cases):
    run(tmp_path, record_guest_cases, drive(image, ",readonly=on") + SETUPS[1].devices, "cases=data")
    assert image.read_bytes() == pattern


@pytest.mark.parametrize("setup", FAILING, ids=lambda setup: setup.name)
def test_memory_above_4_gib(setup, tmp_path, image, pattern, record_guest_cases):
    """IDE reaches no page there, and yet the requests' pages lie there."""
    run(tmp_path, record_guest_cases, drive(image) + setup.devices, "cases=data", memory=1024,
        machine=f"{setup.machine},max-ram-below-4g=512M")
    assert image.read_bytes() == expected(pattern)


def test_bars_above_4_gib(tmp_path, image, record_guest_cases):
    """So large a BAR that the firmware puts all that can lie there behind the first 4 GiB."""
    large = ["-object", "memory-backend-ram,id=m,size=4G", "-device", "ivshmem-plain,memdev=m"]
    run(tmp_path, record_guest_cases, drive(image) + SETUPS[1].devices + large, "cases=data", machine="q35")


def test_several_disks(tmp_path, pattern, record_guest_cases):
    extra = []
    for i, device in enumerate(["ide-hd,bus=ide.0", "ide-hd,bus=ide.0,unit=1", "virtio-blk-pci", "ahci,id=a", "ide-hd,bus=a.0"]):
        if device.startswith("ahci"):
            extra += ["-device", device]
            continue
        path = tmp_path / f"disk{i}"
        path.write_bytes(pattern[:disks.SECTOR * (4000 + i)])
        extra += ["-drive", f"file={path},format=raw,if=none,id=d{i}", "-device", f"{device},drive=d{i}"]
    serial = run(tmp_path, record_guest_cases, extra, "cases=data unit=0x300")
    assert sorted(sectors for _, sectors, _ in units(serial).values()) == [4000, 4001, 4002, 4004]


@pytest.mark.parametrize("machine", ["pc", "q35", "isapc"])
def test_no_disk(machine, tmp_path, record_guest_cases):
    assert units(run(tmp_path, record_guest_cases, [], "", machine=machine)) == {}


def test_small_queue(tmp_path, image, record_guest_cases):
    """Fewer descriptors than a request has pages: it is cut in pieces."""
    serial = run(tmp_path, record_guest_cases, drive(image) + ["-device", "virtio-blk-pci,drive=d,queue-size=16"],
                 "cases=data")
    assert "at most 1 commands" in serial


# ---- failures ----

def faulty(path, faults):
    """The disk d, with what blkdebug is to inject."""
    injected = "".join(f",file.inject-error.{i}.{key}={value}" for key, values in faults.items()
                       for i, value in enumerate(values))
    return ["-blockdev", "driver=raw,node-name=d,file.driver=blkdebug,file.image.driver=file,"
            f"file.image.filename={path}{injected}"]


@pytest.mark.parametrize("setup", FAILING, ids=lambda setup: setup.name)
def test_disk_errors(setup, tmp_path, image, record_guest_cases):
    extra = faulty(image, {"event": ["read_aio", "write_aio"], "sector": [100, 300], "errno": [5, 5]})
    devices = [word.replace("drive=d", "drive=d,rerror=report,werror=report") for word in setup.devices]
    run(tmp_path, record_guest_cases, extra + devices, "cases=errors bad-read=100 bad-write=300", machine=setup.machine)


@pytest.mark.parametrize("setup", FAILING, ids=lambda setup: setup.name)
def test_slow_device(setup, tmp_path, image, record_guest_cases):
    """The host lets 256 KiB pass in a second, the service waits 100 ms."""
    slow = drive(image, ",throttling.bps-total=262144")
    serial = run(tmp_path, record_guest_cases, slow + setup.devices, "cases=errors slow=1", "timeout=100", machine=setup.machine)
    assert "does not answer: reset" in serial


def test_late_request(tmp_path, image, record_guest_cases):
    """QEMU's AHCI carries out one command after the other."""
    slow = drive(image, ",throttling.bps-read=8000")
    serial = run(tmp_path, record_guest_cases, slow + SETUPS[-1].devices, "cases=errors late=1", "timeout=2000", machine="q35")
    assert serial.count("does not answer: reset") == 1


def test_hostile_client(tmp_path, image, record_guest_cases):
    serial = run(tmp_path, record_guest_cases, drive(image) + SETUPS[1].devices, "cases=bad")
    assert "fault: " not in serial
    assert 0 < int(re.search(r"changed meanwhile (\d+) were good", serial)[1]) < 3000


@pytest.mark.parametrize("setup", FAILING, ids=lambda setup: setup.name)
def test_services_end(setup, tmp_path, image, record_guest_cases):
    """The host is slow enough for requests to be under way at each end."""
    slow = drive(image, ",throttling.iops-total=300")
    serial = run(tmp_path, record_guest_cases, slow + setup.devices, "cases=restart", "timeout=200", machine=setup.machine)
    assert "block: the PCI service has forgotten our claims" in serial


def test_pci_ends_while_block_starts(tmp_path, image, record_guest_cases):
    """The second disk must not be taken for the first either. The test has the priority to end PCI at any moment."""
    other = tmp_path / "other"
    other.write_bytes(image.read_bytes()[:disks.SECTOR * 4000])
    extra = drive(image) + ["-device", "virtio-blk-pci,drive=d", "-drive", f"file={other},format=raw,if=none,id=d2",
                            "-device", "virtio-blk-pci,drive=d2"]
    serial = run(tmp_path, record_guest_cases, extra, "cases=begin", restart="at-once", priority=22)
    assert serial.count("block: the PCI service has forgotten our claims") > 40, "it never ended while block started"


def test_a_disk_that_fails_keeps_its_number(tmp_path, image, record_guest_cases):
    """The first wants its addresses translated, which we do not."""
    first = ["-drive", "driver=null-co,size=1M,if=none,id=n",
             "-device", "virtio-blk-pci,drive=n,disable-legacy=on,iommu_platform=on,addr=4"]
    serial = run(tmp_path, record_guest_cases, first + drive(image) + ["-device", "virtio-blk-pci,drive=d,addr=5"],
                 "cases=data unit=0x100")
    assert "disk 0 is left out" in serial
    assert list(units(serial)) == [0x100]


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_shared_line(machine, tmp_path, image, record_guest_cases):
    devices = ["-device", "virtio-blk-pci,drive=d,addr=6", "-device", "edu,addr=0xa"]
    serial = run(tmp_path, record_guest_cases, drive(image) + devices, "cases=pci" + (" ecam=1" if machine == "q35" else ""),
                 victim=VICTIM, machine=machine)
    lines = dict(re.findall(r"^pci 0x(30|50): .* line (\d+)$", serial, re.M))
    assert lines["30"] == lines["50"], "the two devices are not on one line"


def test_memory_of_a_dead_driver(tmp_path, image, record_guest_cases):
    victim = VICTIM.replace("victim = 1", "victim = 2").replace("quota = 512", 'quota = 1024\nrestart = "always"')
    run(tmp_path, record_guest_cases, drive(image) + SETUPS[1].devices + ["-device", "edu"], "cases=quiet", victim=victim)


# ---- partitions ----

def boot_table(folder, record_guest_cases, image, test="cases=data"):
    path = folder / "disk"
    path.write_bytes(image)
    serial = run(folder, record_guest_cases, drive(path) + SETUPS[1].devices, test)
    return serial, {number: what for number, what in units(serial).items() if number & 0xFF}, path


def mbr_image(pattern):
    image = bytearray(pattern)
    disks.put(image, 0, disks.mbr_sector((0x83, 2048, 4000), (0x0C, 7000, 1000), (0x05, 9000, 7000)))
    disks.put(image, 9000, disks.mbr_sector((0x82, 10, 1500), (0x05, 2000, 3000)))
    disks.put(image, 11000, disks.mbr_sector((0x83, 63, 2500), (0x05, 5000, 1000)))
    disks.put(image, 14000, disks.mbr_sector((0x07, 1, 900)))
    return image


MBR_UNITS = {1: (2048, 4000, "type 0x83"), 2: (7000, 1000, "type 0x0C"), 5: (9010, 1500, "type 0x82"),
             6: (11063, 2500, "type 0x83"), 7: (14001, 900, "type 0x07")}
GPT_PARTITIONS = [(1, 2048, 6047, "boot"), (2, 7000, 7999, "a name with \u00e4, and thirty-six letter"), (3, 8000, 16000, "")]
GPT_UNITS = {1: (2048, 4000, "boot"), 2: (7000, 1000, "a name with ?, and thirty-six letter"), 3: (8000, 8001, "")}


def test_mbr(tmp_path, pattern, record_guest_cases):
    image = mbr_image(pattern)
    _, found, path = boot_table(tmp_path, record_guest_cases, image, "cases=data unit=0x6")
    assert found == MBR_UNITS
    disks.put(image, 11063 + disks.WRITE_FIRST, disks.written())
    assert path.read_bytes() == image, "a write to a partition went elsewhere"


def test_gpt(tmp_path, pattern, record_guest_cases):
    image = bytearray(pattern)
    disks.put_gpt(image, GPT_PARTITIONS)
    _, found, path = boot_table(tmp_path, record_guest_cases, image, "cases=data,bad unit=0x1")
    assert found == GPT_UNITS
    disks.put(image, 2048 + disks.WRITE_FIRST, disks.written())
    assert path.read_bytes() == image


def spoil(image, sector, offset=0, value=0x41):
    image[sector * disks.SECTOR + offset] ^= value


BAD_GPT = {                     # name: (how, what is said, units that are left)
    "first header": (lambda i: spoil(i, 1, 50), ["GPT has a header with a wrong checksum", "GPT backup is used"], GPT_UNITS),
    "first entries": (lambda i: spoil(i, 2, 60), ["GPT has entries with a wrong checksum", "GPT backup is used"], GPT_UNITS),
    "first signature": (lambda i: spoil(i, 1), ["GPT is no GPT header", "GPT backup is used"], GPT_UNITS),
    "both headers": (lambda i: (spoil(i, 1, 50), spoil(i, disks.SECTORS - 1, 50)), ["GPT backup has a header with a wrong"], {}),
    "both entries": (lambda i: (spoil(i, 2), spoil(i, disks.SECTORS - 33)), ["GPT backup has entries with a wrong checksum"], {}),
    "larger disk": (lambda i: disks.put_gpt(i, GPT_PARTITIONS, disks.SECTORS + 100), ["GPT is for a larger disk"], {}),
    "large entries": (lambda i: disks.put_gpt(i, GPT_PARTITIONS, size=256), ["GPT has entries of an unknown size"], {}),
    "overlap": (lambda i: disks.put_gpt(i, [(1, 2048, 4000, "a"), (2, 3000, 5000, "b")]), ["partition 2 overlaps another"],
                {1: (2048, 1953, "a")}),
    "outside": (lambda i: disks.put_gpt(i, [(1, 5, 4000, "a"), (2, 5000, 4000, "b"), (3, 50, 2**63, "c"), (4, 50, 60, "d")]),
                [f"GPT partition {number} lies where none may" for number in (1, 2, 3)], {4: (50, 11, "d")}),
}


@pytest.mark.parametrize("name", BAD_GPT)
def test_bad_gpt(name, tmp_path, pattern, record_guest_cases):
    how, says, left = BAD_GPT[name]
    image = bytearray(pattern)
    disks.put_gpt(image, GPT_PARTITIONS)
    how(image)
    serial, found, _ = boot_table(tmp_path, record_guest_cases, image, "cases=bad")
    for line in says:
        assert f"disk 0: {line}" in serial
    assert found == left


def without(*numbers):
    return {number: what for number, what in MBR_UNITS.items() if number not in numbers}


BAD_MBR = {
    "no table": (lambda i: spoil(i, 0, 446), ["MBR is no partition table"], {}),
    "no signature": (lambda i: spoil(i, 0, 511), [], {}),
    "behind the end": (lambda i: disks.put(i, 0, disks.mbr_sector((0x83, 16000, 400), (0x83, 2**32 - 1, 2**32 - 1), (7, 1, 9))),
                       [f"partition {number} does not lie on the disk" for number in (1, 2)], {3: (1, 9, "type 0x07")}),
    "empty": (lambda i: disks.put(i, 0, disks.mbr_sector((0x83, 16, 0))), ["partition 1 does not lie on the disk"], {}),
    "overlap": (lambda i: disks.put(i, 0, disks.mbr_sector((0x83, 16, 100), (0x83, 115, 10))), ["partition 2 overlaps another"],
                {1: (16, 100, "type 0x83")}),
    "broken chain": (lambda i: spoil(i, 11000, 510), ["MBR breaks off within its extended partition"], without(6, 7)),
    "ring": (lambda i: disks.put(i, 11000, disks.mbr_sector((0x83, 63, 2500), (0x05, 0, 1000))),
             ["MBR leads out of its extended partition, or back"], without(7)),
    "chain behind the end": (lambda i: disks.put(i, 0, disks.mbr_sector((0x05, 20000, 7000))),
                             ["MBR points behind the end of the disk"], {}),
}


@pytest.mark.parametrize("name", BAD_MBR)
def test_bad_mbr(name, tmp_path, pattern, record_guest_cases):
    how, says, left = BAD_MBR[name]
    image = mbr_image(pattern)
    how(image)
    serial, found, _ = boot_table(tmp_path, record_guest_cases, image, "cases=bad")
    for line in says:
        assert f"disk 0: {line}" in serial
    assert found == left


def test_a_table_that_cannot_be_read(tmp_path, image, record_guest_cases):
    disk = faulty(image, {"event": ["read_aio"], "sector": [0], "errno": [5]})
    serial = run(tmp_path, record_guest_cases, disk + ["-device", "virtio-blk-pci,drive=d,rerror=report"], "")
    assert "disk 0: partition table cannot be read" in serial


# ---- Bochs ----

def test_bochs_ide(tmp_path, image, pattern, record_guest_cases):
    image.write_bytes(pattern[:disks.SECTOR * 16 * 16 * 63])
    subprocess.run([ROOT / "tools" / "image", "--build", BUILD, "--default", "block", "--output", tmp_path / "iso",
                    system_list(tmp_path, "cases=data,bad")], check=True)
    extra = [f"ata0-slave: type=disk, path={image}, mode=flat, cylinders=16, heads=16, spt=63"]
    result = boot.run(emulator="bochs", cpu="tigerlake", iso=str(tmp_path / "iso"), extra=extra, timeout=60)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text + result.serial
    assert image.read_bytes() == expected(pattern)[:os.path.getsize(image)]
